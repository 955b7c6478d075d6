"""What a denoiser has to know of the noise: how it is spread over cosines and patches."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Covariance(Protocol):
    """The second moments of noise of mean 0, in opponent colours."""

    def of_dct(self, channel: int, size: int, brightness: Tensor) -> Tensor | float:
        """Variances of the cosines of size x size patches of one channel: a number, or (size^2, h,
        w) for patches of mean `brightness` (h, w).
        """

    def of_patches(self, channels: int, size: int, brightness: Tensor) -> Tensor:
        """Covariances (N, n, n) or (1, n, n) of the n = channels size^2 values of patches of mean
        `brightness` (N,).
        """


@dataclass(frozen=True)
class White:
    """N(0, sigma^2) in every value alone; sigma in the unit of the image."""

    sigma: float = 1.0

    def of_dct(self, channel: int, size: int, brightness: Tensor) -> float:
        return self.sigma**2

    def of_patches(self, channels: int, size: int, brightness: Tensor) -> Tensor:
        return self.sigma**2 * torch.eye(channels * size**2).to(brightness)[None]
