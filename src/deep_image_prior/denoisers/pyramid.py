"""The same denoiser at several scales: a window of pixels cannot see long waves of noise."""

from collections.abc import Callable
from typing import Protocol, Self

from torch import Tensor

from ..padding import pad_reflect
from ..resampling import doubled, halved
from ..windows import Place
from .covariance import Covariance
from .groups import TILE_GRID

SCALES = 3  # each of half the resolution of the one before
SMALLEST = 32  # pixels of the shorter side of the coarsest


class Scalable(Covariance, Protocol):
    """Noise that is known at every scale."""

    def halved(self) -> Self:
        """The same noise at half the resolution."""


Denoise = Callable[[Tensor, Covariance], Tensor]  # noisy (1, C, H, W), its noise -> (K, C, H, W)


def denoise_scales(
    noisy: Tensor, noise: Scalable, denoise: Denoise, place: Place = (0, 0)
) -> Tensor:
    """Every image that `denoise` makes of noisy (1, C, H, W), its long waves those of what it makes
    at half the resolution, and so on; (K, C, H, W).

    place: where in the picture noisy begins, on TILE_GRID. Scales and their merging: Facciolo,
    Pierazzo, Morel 2017, doi:10.1137/17M1111826; here by local filters, not by cosines of the
    whole image.
    """
    return with_long_waves(denoise(noisy, noise), noisy, noise, denoise, SCALES, place)


def with_long_waves(
    fine: Tensor,
    noisy: Tensor,
    noise: Scalable,
    denoise: Denoise,
    scales: int,
    place: Place = (0, 0),
) -> Tensor:
    """The same at so many scales, fine (K, C, H, W) what `denoise` or better makes of noisy."""
    if scales == 1 or min(noisy.shape[-2:]) < 2 * SMALLEST:
        return fine
    noisy, noise, place = halved(noisy), noise.halved(), (place[0] // 2, place[1] // 2)
    top, left = (first % TILE_GRID for first in place)
    coarse = denoise(pad_reflect(noisy, (top, 0), (left, 0)), noise)[..., top:, left:]
    coarse = with_long_waves(coarse, noisy, noise, denoise, scales - 1, place)
    return fine + doubled(coarse - halved(fine), fine.shape[-2:])
