"""The same denoiser at several scales: a window of pixels cannot see long waves of noise."""

from collections.abc import Callable, Sequence
from typing import Protocol, Self

import torch
from scipy.fft import dctn, idctn
from torch import Tensor

from .covariance import Covariance

SCALES = 3  # each of half the resolution of the one before
SMALLEST = 32  # pixels of the shorter side of the coarsest
TAKEN = 0.9  # of the waves of a coarser scale: the shortest have ringing


class Scalable(Covariance, Protocol):
    """Noise that is known at every scale."""

    def halved(self) -> Self:
        """The same noise at half the resolution."""


Denoise = Callable[[Tensor, Covariance], Sequence[Tensor]]


def denoise_scales(noisy: Tensor, noise: Scalable, denoise: Denoise) -> list[Tensor]:
    """Every image that `denoise` makes of noisy (1, C, H, W), its long waves those of what it makes
    at half the resolution, and so on.

    Scales and their merging by cosines of the whole image: Facciolo, Pierazzo, Morel 2017,
    doi:10.1137/17M1111826.
    """
    return _at_scale(noisy, noise, denoise, SCALES)


def _at_scale(noisy: Tensor, noise: Scalable, denoise: Denoise, scales: int) -> list[Tensor]:
    fine = list(denoise(noisy, noise))
    if scales == 1 or min(noisy.shape[-2:]) < 2 * SMALLEST:
        return fine
    coarse = _at_scale(halve(noisy), noise.halved(), denoise, scales - 1)
    return [merge(*pair) for pair in zip(fine, coarse, strict=True)]


def halve(image: Tensor) -> Tensor:
    """The longer half of the waves of (1, C, H, W), as an image (1, C, H // 2, W // 2)."""
    height, width = (side // 2 for side in image.shape[-2:])
    return _image(_waves(image)[..., :height, :width], like=image)


def merge(fine: Tensor, coarse: Tensor) -> Tensor:
    """`fine` (1, C, H, W) with the longer waves of `coarse` (1, C, H // 2, W // 2)."""
    waves, longer = _waves(fine), _waves(coarse)
    height, width = (int(TAKEN * side) for side in coarse.shape[-2:])
    waves[..., :height, :width] = longer[..., :height, :width]
    return _image(waves, like=fine)


def _waves(image: Tensor) -> Tensor:
    """Cosines of the whole image; those of a wave are the same at every scale."""
    height, width = image.shape[-2:]
    cosines = dctn(image.cpu().numpy(), axes=(-2, -1), norm="ortho")
    return torch.from_numpy(cosines) / (height * width) ** 0.5


def _image(waves: Tensor, like: Tensor) -> Tensor:
    height, width = waves.shape[-2:]
    image = idctn(waves.numpy(), axes=(-2, -1), norm="ortho")
    return torch.from_numpy(image).to(like) * (height * width) ** 0.5
