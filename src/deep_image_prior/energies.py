"""E: energies of an image x (1, C, H, W), scalar tensors that the descent makes small."""

from collections.abc import Callable

import torch
from torch import Tensor

Energy = Callable[[Tensor], Tensor]


def squared_error(observation: Tensor, operator: Callable[[Tensor], Tensor], count: int | None = None) -> Energy:
    """E(x) = |A(x) - x0|^2 / n (eq. 3, 5, 6); n is `count`, the number of measured values, or all of x0's.

    At the true image E is the mean square of the noise.
    """
    measured = observation.numel() if count is None else count
    return lambda image: (operator(image) - observation).square().sum() / measured


def total_variation(image: Tensor) -> Tensor:
    """TV(x) = sum sqrt(dh^2 + dw^2), isotropic, over forward differences (Rudin, Osher, Fatemi 1992)."""
    down = torch.diff(image, dim=-2)[..., :, :-1]
    right = torch.diff(image, dim=-1)[..., :-1, :]
    # the root has no gradient at 0
    return (down.square() + right.square() + 1e-12).sqrt().sum()


def weighted_sum(*terms: tuple[float, Energy]) -> Energy:
    """E(x) = sum of weight * energy(x) over `terms`, pairs (weight, energy)."""
    return lambda image: torch.stack([weight * energy(image) for weight, energy in terms]).sum()
