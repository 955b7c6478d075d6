"""A code made of a compressed observation, and of an estimate compressed once more: there the truth
is known.
"""

from functools import cached_property, partial

import torch
from torch import Generator, Tensor

from .. import estimates
from ..descent import Problem
from ..jpeg import Compression
from ..stopping import Departed
from .preset import Preset

STRENGTHS = (1.0, 1.6, 0.6)  # of the noise that the artefacts are taken for
IMAGES = len(STRENGTHS) + 1
# of the error that a second compression makes: the noise that the estimates do best to expect
LOST = 2.6


class Rehearsed:
    """z (2, 4 C, H, W): estimates and the image itself, of x0 and of JPEG(d), d the first estimate;
    E = |f(z') - d|^2.

    What undoes the damage of the estimate undoes that of the observation, which is of the same
    image and kind.
    """

    def __init__(self, observation: Tensor, compression: Compression, preset: Preset) -> None:
        self.observation, self.compression, self.preset = observation, compression, preset

    def problem(self) -> Problem:
        _, channels, height, width = self.observation.shape
        network = partial(self.preset.network, IMAGES * channels, channels)
        shape = (2, IMAGES * channels, height, width)
        return Problem(network, self.code, self.energy, shape, self.consistent, Departed)

    def consistent(self, image: Tensor) -> Tensor:
        return self.compression.consistent(image, self.observation)

    def code(self, generator: Generator) -> Tensor:
        return self._both  # by no random numbers: the same for every run

    @cached_property
    def _both(self) -> Tensor:
        again = self.compression.applied(self.estimate)
        return torch.cat(
            [self._images(self.observation, self.estimate), self._images(again, self._drawn(again))]
        )

    def energy(self, images: Tensor) -> Tensor:
        return (images[1:] - self.estimate).square().mean()

    @cached_property
    def estimate(self) -> Tensor:
        """(1, C, H, W)."""
        return self._drawn(self.observation)

    def _images(self, image: Tensor, first: Tensor) -> Tensor:
        others = [self._drawn(image, strength) for strength in STRENGTHS[1:]]
        return torch.cat([first, *others, image], dim=1)

    @cached_property
    def sigma(self) -> float:
        """The mean, geometric, of what the quality makes one expect and of what it does to an image
        like this.
        """
        typical = self.compression.sigma
        pilot = estimates.transform(self.observation, typical)
        lost = (self.compression.applied(pilot) - pilot).square().mean().sqrt().item()
        return (typical * LOST * max(lost, 0.1 / 255)) ** 0.5

    def _drawn(self, image: Tensor, strength: float = STRENGTHS[0]) -> Tensor:
        sigma = strength * self.sigma
        return estimates.nonlocal_bayes(
            image, estimates.transform(image, sigma), estimates.PATIENT * sigma
        )
