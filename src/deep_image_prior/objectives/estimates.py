"""Estimates of an image with noise, made without a network."""

from collections.abc import Iterator, Sequence
from itertools import islice

import torch
from torch import Tensor

from .. import codes
from ..degradations import CorrelatedNoise, Noise
from ..denoisers import Covariance, dct_denoise, denoise_scales, nonlocal_bayes

BLUR = 1.0  # pixels, of the blurred x0 behind the estimates


def of_white(noise: Noise, observation: Tensor, count: int) -> Tensor:
    """`count` estimates, 1 to 5, of x0 (1, C, H, W), and a blur of it, (count + 1, C, H, W)."""
    stable = noise.stabilise(observation)
    images = [*islice(_of_variance_one(stable), count), codes.blurs(stable, sigmas=(BLUR,))]
    return noise.inverse(torch.cat(images))


def _of_variance_one(noisy: Tensor) -> Iterator[Tensor]:
    """Quick ones first."""
    pilot = dct_denoise(noisy)
    yield pilot
    alike = nonlocal_bayes(noisy, pilot)
    yield alike
    yield nonlocal_bayes(noisy, pilot, larger=True)
    yield dct_denoise(noisy, size=16)
    yield nonlocal_bayes(noisy, alike)


def of_correlated(noise: CorrelatedNoise, observation: Tensor, count: int) -> Tensor:
    """`count` estimates, 1 to 4, of x0 (1, C, H, W), better ones last, (count, C, H, W)."""

    def denoise(noisy: Tensor, covariance: Covariance) -> Sequence[Tensor]:
        return list(islice(_of_covariance(noisy, covariance), count))

    return torch.cat(denoise_scales(observation, noise, denoise))


def _of_covariance(noisy: Tensor, noise: Covariance) -> Iterator[Tensor]:
    """Quick ones first."""
    pilot = dct_denoise(noisy, noise)
    yield pilot
    alike = nonlocal_bayes(noisy, pilot, noise)
    yield alike
    yield nonlocal_bayes(noisy, alike, noise)
    yield nonlocal_bayes(noisy, alike, noise, larger=True)
