"""Recorruption: z estimates of x0, and of an estimate damaged in the same way once more; E the
error of the latter, whose truth is known.
"""

from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Generator, Tensor

from ..degradations import Compression
from ..denoisers import White, dct_denoise, nonlocal_bayes
from ..descent import Problem
from ..errors import BadInput
from .holdout import DistanceFromStart
from .objective import Architecture, Objective, Observed

STRENGTHS = (1.0, 1.6, 0.6)  # of the noise that the artefacts are taken for
IMAGES = len(STRENGTHS) + 1
# of the error that a second compression makes: the noise that the estimates do best to expect
LOST = 2.6


@dataclass(frozen=True)
class Recorruption(Objective):
    """For a compression."""

    def problem(self, network: Architecture, observed: Observed) -> Problem:
        if observed.damage is None:
            raise BadInput(
                "there is no trace of JPEG blocks: the image was compressed gently, or changed in "
                "size since; "
                "give a quality (--quality), 1 to 100, to say how much to remove"
            )
        assert isinstance(observed.damage, Compression)
        pair = RecorruptedPair(observed.x0, observed.damage)
        _, channels, height, width = observed.x0.shape
        return Problem(
            partial(network, IMAGES * channels, channels),
            pair.code,
            pair.energy,
            shape=(2, IMAGES * channels, height, width),
            finish=pair.finish,
            rule=partial(DistanceFromStart, pair.finish),
        )


class RecorruptedPair:
    """z (2, 4 C, H, W): estimates and the image itself, of x0 and of JPEG(d), d the first estimate;
    E = |f(z') - d|^2 / n.

    What undoes the damage of the estimate undoes that of the observation, which is of the same
    image and kind.
    """

    def __init__(self, observation: Tensor, compression: Compression) -> None:
        self.observation, self.compression = observation, compression

    def finish(self, image: Tensor) -> Tensor:
        """`image`, moved to where compression makes about x0 of it."""
        return self.compression.project(image, self.observation)

    def code(self, generator: Generator) -> Tensor:
        return self._both  # by no random numbers: the same for every run

    @cached_property
    def _both(self) -> Tensor:
        again = self.compression.compress(self.estimate)
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
        pilot = dct_denoise(self.observation, White(typical))
        lost = (self.compression.compress(pilot) - pilot).square().mean().sqrt().item()
        return (typical * LOST * max(lost, 0.1 / 255)) ** 0.5

    def _drawn(self, image: Tensor, strength: float = STRENGTHS[0]) -> Tensor:
        sigma = strength * self.sigma
        noise = White(sigma)
        return nonlocal_bayes(image, dct_denoise(image, noise), noise)
