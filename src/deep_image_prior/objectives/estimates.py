"""Estimates of an image with noise, made without a network."""

from collections.abc import Iterator
from itertools import islice

import torch
from torch import Tensor

from .. import codes
from ..degradations import CorrelatedNoise, Noise
from ..denoisers import (
    Covariance,
    White,
    dct_denoise,
    denoise_scales,
    nonlocal_bayes,
    with_long_waves,
)
from ..windows import Place

SCALES = 2  # of white noise: three gain up to 0.07 dB and see farther than tiles do
BLUR = 1.0  # pixels, of the blurred x0 behind the estimates


def of_white(noise: Noise, observation: Tensor, count: int, place: Place = (0, 0)) -> Tensor:
    """`count` estimates, 1 to 5, of x0 (1, C, H, W), and a blur of it, (count + 1, C, H, W).

    place: rows and columns of the picture before x0.
    """
    stable = noise.stabilise(observation)
    images = [*islice(_of_variance_one(stable, place), count), codes.blurs(stable, sigmas=(BLUR,))]
    return noise.inverse(torch.cat(images))


def _of_variance_one(noisy: Tensor, place: Place) -> Iterator[Tensor]:
    """Quick ones first."""
    noise = White()
    pilot = dct_denoise(noisy, noise)
    yield pilot
    alike = nonlocal_bayes(noisy, pilot, noise)
    alike = with_long_waves(alike, noisy, noise, _alike, SCALES, place)
    yield alike
    yield nonlocal_bayes(noisy, alike, noise)
    yield nonlocal_bayes(noisy, alike, noise, larger=True)
    yield dct_denoise(noisy, noise, size=16)


def _alike(noisy: Tensor, noise: Covariance) -> Tensor:
    return nonlocal_bayes(noisy, dct_denoise(noisy, noise), noise)


def of_correlated(
    noise: CorrelatedNoise, observation: Tensor, count: int, place: Place = (0, 0)
) -> Tensor:
    """`count` estimates, 1 to 4, of x0 (1, C, H, W), better ones last, (count, C, H, W).

    place: rows and columns of the picture before x0.
    """

    def denoise(noisy: Tensor, covariance: Covariance) -> Tensor:
        return torch.cat(list(islice(_of_covariance(noisy, covariance), count)))

    return denoise_scales(observation, noise, denoise, place)


def _of_covariance(noisy: Tensor, noise: Covariance) -> Iterator[Tensor]:
    """Quick ones first."""
    pilot = dct_denoise(noisy, noise)
    yield pilot
    alike = nonlocal_bayes(noisy, pilot, noise)
    yield alike
    yield nonlocal_bayes(noisy, alike, noise)
    yield nonlocal_bayes(noisy, alike, noise, larger=True)
