"""E: energies of an image x (1, C, H, W), scalar tensors that the descent makes small."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from .errors import BadInput
from .windows import Windows

Energy = Callable[[Tensor], Tensor]


@runtime_checkable
class PerPixel(Protocol):
    """A mean over pixels, which can be asked of a part of them."""

    def __call__(self, image: Tensor, /) -> Tensor: ...

    def at(self, window: Windows) -> Energy:
        """E of the part of x in the window."""


class PixelMean:
    """E(x) = e(x, d), a mean over the pixels of x and of the images d."""

    def __init__(self, energy: Callable[..., Tensor], *images: Tensor) -> None:
        self.energy, self.images = energy, images

    def __call__(self, image: Tensor) -> Tensor:
        return self.energy(image, *self.images)

    def at(self, window: Windows) -> "PixelMean":
        """E of the part of x in the window."""
        return PixelMean(self.energy, *map(window, self.images))


def squared_error(
    observation: Tensor, operator: Callable[[Tensor], Tensor], count: float | None = None
) -> Energy:
    """E(x) = |A(x) - x0|^2 / n (eq. 3, 5, 6); n is `count`, the number of measured values, or all
    of x0's; complex ones count as two real ones.

    At the true image E is the mean square of the noise.
    """
    measured = real_numbers(observation).numel() if count is None else count

    def energy(image: Tensor) -> Tensor:
        made = operator(image)
        if made.shape != observation.shape:  # a sum would take them for one another
            shapes = f"{tuple(made.shape)} and x0 {tuple(observation.shape)}"
            raise BadInput(f"A(x) has shape {shapes}; they must be the same")
        return real_numbers(made - observation).square().sum() / measured

    return energy


def real_numbers(values: Tensor) -> Tensor:
    """Real and imaginary parts (..., 2) of complex values; real values as they are."""
    return torch.view_as_real(values.resolve_conj()) if values.is_complex() else values


def mean_square(truth: Tensor) -> PixelMean:
    """E(x) = |x - truth|^2 / n, `truth` of the shape of x."""
    return PixelMean(lambda image, truth: (image - truth).square().mean(), truth)


def absolute_error(observation: Tensor, operator: Callable[[Tensor], Tensor]) -> Energy:
    """E(x) = |A(x) - x0|_1 / n: a value that is wrong altogether pulls no harder than one that is a
    little wrong.
    """
    return lambda image: (operator(image) - observation).abs().mean()


def relative_error(features: Tensor, operator: Callable[[Tensor], Tensor]) -> Energy:
    """E(x) = |Phi(x) - Phi(x0)|^2 / |Phi(x0)|^2, `features` being Phi(x0) (eq. 8)."""
    power = features.square().sum()
    return lambda image: (operator(image) - features).square().sum() / power


def activation(operator: Callable[[Tensor], Tensor], unit: int) -> Energy:
    """E(x) = -Phi(x)_m, m an output (1, N), or the pixel in the middle of map m of (1, N, H, W)
    (eq. 9).
    """

    def energy(image: Tensor) -> Tensor:
        unit_of = operator(image)[0, unit]
        return -unit_of[tuple(side // 2 for side in unit_of.shape)]

    return energy


def stein(
    observation: Tensor, operator: Callable[[Tensor], Tensor], probes: Tensor, step: float
) -> PixelMean:
    """E(x, x') = |A(x) - x0|^2 / n + 2 <p, A(x') - A(x)> / (n step), x and every x' in one batch (1
    + P, C, H, W).

    x' is what becomes of x when the observation is x0 + step * p; the probes p (P, C, H, W) are
    draws of the noise, and the second term is its mean over them. The second term takes back what
    following the noise gains in the first: in the mean E is |A(x) - A(x*)|^2 / n, with x* the
    truth, and the variance of the noise. A is of every pixel alone. Stein 1981,
    doi:10.1214/aos/1176345632; with a probe: Ramani, Blu and Unser 2008,
    doi:10.1109/TIP.2008.2001404.
    """

    def energy(images: Tensor, observation: Tensor, probes: Tensor) -> Tensor:
        x, moved = operator(images).split([1, len(probes)])
        return (x - observation).square().mean() + 2 / step * (probes * (moved - x)).mean()

    return PixelMean(energy, observation, probes)


def total_variation(image: Tensor) -> Tensor:
    """TV(x) = sum sqrt(dh^2 + dw^2), isotropic, over forward differences (Rudin, Osher, Fatemi
    1992).
    """
    down = torch.diff(image, dim=-2)[..., :, :-1]
    right = torch.diff(image, dim=-1)[..., :-1, :]
    # the root has no gradient at 0
    return (down.square() + right.square() + 1e-12).sqrt().sum()


def weighted_sum(*terms: tuple[float, Energy]) -> Energy:
    """E(x) = sum of weight * energy(x) over `terms`, pairs (weight, energy)."""
    return lambda image: torch.stack([weight * energy(image) for weight, energy in terms]).sum()
