"""What a denoiser has to know of the noise: how it is spread over cosines and patches."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ..resampling import HALF


class Covariance(Protocol):
    """The second moments of noise of mean 0, in opponent colours: those of d(b) n, n stationary, b
    the brightness.
    """

    def of_dct(self, channels: int, size: int) -> Tensor:
        """Variances of the cosines of patches of n, (channels, size, size) or (1, 1, 1)."""

    def of_patches(self, channels: int, size: int) -> Tensor:
        """Covariance of the size^2 channels values of patches of n, those of a pixel together."""

    def deviation(self, brightness: Tensor) -> Tensor:
        """d(b), of the shape of `brightness`."""


@dataclass(frozen=True)
class White:
    """N(0, sigma^2) in every value alone; sigma in the unit of the image."""

    sigma: float = 1.0

    def of_dct(self, channels: int, size: int) -> Tensor:
        return torch.ones(1, 1, 1)

    def of_patches(self, channels: int, size: int) -> Tensor:
        return torch.eye(channels * size**2)

    def deviation(self, brightness: Tensor) -> Tensor:
        return torch.full_like(brightness, self.sigma)

    def halved(self) -> "White":
        """At half the resolution, nearly white again."""
        return White(self.sigma * HALF.square().sum().item())
