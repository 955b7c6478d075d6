"""What a denoiser has to know of the noise: how it is spread over cosines and patches."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from ..colour import brightness, to_opponent
from ..patches import NOTHING, dct_basis, with_channels
from ..resampling import HALF, halved


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


def power(noise: Covariance, opponent: Tensor) -> Tensor:
    """The mean |n|^2 of the noise n of every pixel of (1, C, H, W), (H, W)."""
    stationary = noise.of_patches(opponent.shape[1], 1).trace().to(opponent)
    return stationary * noise.deviation(brightness(opponent[0])).square()


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


@dataclass(frozen=True, eq=False)
class Sampled:
    """Stationary noise of which there is a sample, (1, C, H, W) in the unit of the image."""

    sample: Tensor

    def of_dct(self, channels: int, size: int) -> Tensor:
        basis = dct_basis(size).to(self.sample).reshape(size**2, 1, size, size)
        cosines = F.conv2d(to_opponent(self.sample).transpose(0, 1), basis, stride=size // 2)
        return cosines.square().mean(dim=(2, 3)).clamp_min(NOTHING).unflatten(1, (size, size))

    def of_patches(self, channels: int, size: int) -> Tensor:
        if size not in self._covariances:
            patches = with_channels(to_opponent(self.sample), size).flatten(0, 1)
            identity = torch.eye(patches.shape[1]).to(patches)
            self._covariances[size] = patches.T @ patches / len(patches) + NOTHING * identity
        return self._covariances[size]

    @cached_property
    def _covariances(self) -> dict[int, Tensor]:
        """By the size of patches: they are asked for many times."""
        return {}

    def deviation(self, brightness: Tensor) -> Tensor:
        return torch.ones_like(brightness)

    def halved(self) -> "Sampled":
        """At half the resolution."""
        return Sampled(halved(self.sample))

    @property
    def sigma(self) -> float:
        """The standard deviation."""
        return self.sample.square().mean().sqrt().item()
