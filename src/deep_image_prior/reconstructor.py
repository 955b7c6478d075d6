"""The reverse door: `solve` as a reconstructor of deepinv (the extra `peers`)."""

from typing import Any

import torch
from deepinv.models import Reconstructor
from torch import Tensor

from .solving import solve
from .tasks import Solve


class DeepImagePrior(Reconstructor):  # type: ignore[misc]  # deepinv has no types
    """x_hat = model(y, physics): every measurement of a batch is solved by itself, untrained.

    shape: (C, H, W) of x, if physics has no A_adjoint to tell it by; options: those of `solve`,
    whose sigma is that of the noise model if it has one.
    """

    def __init__(self, shape: tuple[int, ...] | None = None, **options: Any) -> None:
        super().__init__()
        self.shape, self.options = shape, options

    def forward(self, y: Tensor, physics: Any, **ignored: Any) -> Tensor:
        shape = self.shape or tuple(physics.A_adjoint(y[:1]).shape[1:])
        sigma = getattr(getattr(physics, "noise_model", None), "sigma", None)
        told = {} if sigma is None else {"sigma": float(sigma)}
        options = {**told, **self.options}
        results = [solve(Solve(physics, shape, **options), one) for one in y.split(1)]
        return torch.stack([torch.from_numpy(result.image) for result in results]).to(y.device)
