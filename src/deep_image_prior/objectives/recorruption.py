"""Recorruption: z estimates of x0, and of an estimate damaged in the same way once more; E the
error of the latter, whose truth is known.
"""

from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Generator, Tensor

from ..degradations import Compression
from ..denoisers import White, dct_denoise, nonlocal_bayes
from ..descent import Part, Problem
from ..energies import PixelMean, mean_square
from ..errors import BadInput
from ..parallel import each
from ..windows import Place, Windows
from .holdout import DistanceFromMix
from .objective import Architecture, Objective, Observed

STRENGTHS = (1.0, 1.6, 0.6)  # of the noise that the artefacts are taken for
IMAGES = len(STRENGTHS) + 1
# of the error that a second compression makes: the noise that the estimates do best to expect
LOST = 2.6


@dataclass(frozen=True)
class Recorruption(Objective):
    """For a compression."""

    panel = 256

    def problem(self, network: Architecture, observed: Observed) -> Problem:
        if observed.damage is None:
            raise BadInput(
                "there is no trace of JPEG blocks: the image was compressed gently, or changed in "
                "size since; "
                "give a quality (--quality), 1 to 100, to say how much to remove"
            )
        compression = observed.damaged_by(Compression)
        pair = RecorruptedPair(observed.x0, compression, observed.panels)
        _, channels, height, width = observed.x0.shape
        return Problem(
            partial(network, IMAGES * channels, channels),
            pair.code,
            pair.energy,
            shape=(1, IMAGES * channels, height, width),
            finish=partial(pair.finish, observed.x0),
            rule=lambda: DistanceFromMix(pair.distance_from_mix),
            panels=observed.panels,
            whole=lambda: pair.part(observed.x0),
            parts=lambda drawn: pair.part,
        )


class RecorruptedPair:
    """z (1, 4 C, H, W): estimates, and the image itself, of JPEG(d), d the first estimate of x0; E
    = |f(z) - d|^2 / n.

    What undoes the damage of the estimate undoes that of the observation, which is of the same
    image and kind. x0: `panels` pictures side by side.
    """

    def __init__(self, observation: Tensor, compression: Compression, panels: int = 1) -> None:
        self.observation, self.compression, self.panels = observation, compression, panels

    def finish(self, x0: Tensor, image: Tensor) -> Tensor:
        """`image`, moved to where compression makes about x0 of it."""
        return self.compression.project(image, x0)

    def code(self, generator: Generator) -> Tensor:
        return self._code  # by no random numbers: the same for every run

    def part(self, x0: Tensor, place: Place = (0, 0)) -> Part:
        """Any part of the picture (1, C, h, w), that begins where a block does."""
        code = self._shown if x0 is self.observation else _images(self.sigma, x0)
        return Part(code, partial(self.finish, x0))

    @cached_property
    def energy(self) -> PixelMean:
        return mean_square(self.estimate)

    def distance_from_mix(self, window: Windows, image: Tensor) -> Tensor:
        """The mean square between `image` in the window and the estimate there that z has first."""
        return mean_square(self._code[:, : image.shape[1]]).at(window)(image)

    @property
    def estimate(self) -> Tensor:
        """(1, C, H, W)."""
        return self._shown[:, : self.observation.shape[1]]

    @cached_property
    def _shown(self) -> Tensor:
        return self._of_panels(self.observation)

    @cached_property
    def _code(self) -> Tensor:
        return self._of_panels(self.compression.compress(self.estimate))

    def _of_panels(self, image: Tensor) -> Tensor:
        panels = image.chunk(self.panels, dim=-1)
        return torch.cat(each(partial(_images, self.sigma), panels, image.device), dim=-1)

    @cached_property
    def sigma(self) -> float:
        """The mean, geometric, of what the quality makes one expect and of what it does to an image
        like this.
        """
        typical = self.compression.sigma
        pilot = dct_denoise(self.observation, White(typical))
        lost = (self.compression.compress(pilot) - pilot).square().mean().sqrt().item()
        return (typical * LOST * max(lost, 0.1 / 255)) ** 0.5


def _images(sigma: float, image: Tensor) -> Tensor:
    """Estimates of `image` (1, C, H, W), with artefacts like noise of `sigma`, and itself: (1, 4 C,
    H, W).
    """

    def drawn(strength: float) -> Tensor:
        noise = White(strength * sigma)
        return nonlocal_bayes(image, dct_denoise(image, noise), noise)

    return torch.cat([*each(drawn, STRENGTHS, image.device), image], dim=1)
