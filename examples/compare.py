"""What the examples of operators have in common: a problem whose truth is known, and rivals."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

import deep_image_prior as dip
from deep_image_prior.denoisers import tv_least_squares
from deep_image_prior.energies import squared_error
from deep_image_prior.operators import differentiable

# of the total variation beside the measurements: the best is chosen by the truth
WEIGHTS = (3, 10, 30, 100)


@dataclass(frozen=True)
class Example:
    """x0 = A(x) + n of a known x (1, C, H, W), n of deviation sigma; operator: what `solve` takes.

    rivals: images made without a prior. support (H, W): 1 where x is known not to be 0.
    """

    name: str
    truth: Tensor
    x0: Tensor
    operator: Any
    sigma: float
    rivals: Mapping[str, Tensor] = field(default_factory=dict)
    support: Tensor | float = 1.0

    def psnr(self, image: Tensor) -> float:
        """Of `image` in [0, 1]."""
        error = (self.support * image).clamp(0, 1) - self.truth
        return -10 * error.square().mean().log10().item()


def compared(example: Example, steps: int = 600, **options: Any) -> dict[str, float]:
    """PSNR of the rivals, of least total variation in so many steps, and of `solve`."""
    shape = tuple(example.truth.shape[1:])
    told = {"sigma": example.sigma, **options}
    ours = torch.from_numpy(dip.solve(example.x0, example.operator, shape, **told).image)
    images = {**example.rivals, "this package": ours}
    start = next(iter(example.rivals.values()), torch.full_like(example.truth, 0.5))
    smooth = max(example.psnr(total_variation(example, start, w, steps)) for w in WEIGHTS)
    scores = {name: example.psnr(image) for name, image in images.items()}
    return {**scores, "total variation": smooth}


def total_variation(example: Example, start: Tensor, weight: float, steps: int) -> Tensor:
    """argmin_x |A(x) - x0|^2 / n sigma^2 + weight TV(x) / m over m pixels."""
    operator = differentiable(example.operator, example.truth.shape[1:])
    residual = squared_error(example.x0, operator)
    return tv_least_squares(start, lambda x: residual(x) / example.sigma**2, weight, steps)


def show(example: Example) -> None:
    """Prints a line."""
    scores = ", ".join(f"{name} {psnr:.2f}" for name, psnr in compared(example).items())
    print(f"{example.name}: PSNR: {scores}")


def tensor(pixels: ArrayLike) -> Tensor:
    """(H, W) or (H, W, C) as (1, C, H, W)."""
    array = np.atleast_3d(np.asarray(pixels, dtype=np.float32))
    return torch.from_numpy(array).permute(2, 0, 1)[None].contiguous()


def noise(like: Tensor, sigma: float) -> Tensor:
    """N(0, sigma^2) in every real number."""
    random = torch.Generator().manual_seed(0)
    if not like.is_complex():
        return sigma * torch.randn(like.shape, generator=random)
    parts = torch.randn(*like.shape, 2, generator=random)
    return sigma * torch.view_as_complex(parts)
