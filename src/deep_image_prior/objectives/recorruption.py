"""Recorruption: z estimates of x0, and of an estimate damaged in the same way once more; E the
error of the latter, whose truth is known.
"""

from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Generator, Tensor

from ..degradations import Compression, Lossy, Palette
from ..denoisers import Sampled
from ..descent import Function, Part, Problem, Trial
from ..energies import PixelMean, mean_square
from ..errors import BadInput
from ..parallel import each
from ..windows import Place, Windows
from .estimates import DECODED, of_compression, of_dither, share_of_smooth
from .holdout import DistanceFromMix
from .objective import Architecture, Objective, Observed

# rows and columns that the grid is moved by in each panel: on its own grid compression leaves an
# estimate nearly as it is, since that is in the cells of x0 already
SHIFTS = ((4, 4), (12, 2), (2, 12), (6, 6))
PANELS = 2  # of a picture alone
# of the decibels that f gains on the estimate, what x0 may lack: measured on twelve crops, up to
# about half was kept
LACKING = 0.5
# how fast f loses its share where it changes x0 more than what it learned from: measured on six
# pictures
WARY = 3
# times the squared error of an estimate that is compressed once more, that of x: it is smoother.
# Without a grid, too: what is done once more is not quite what was done
SMOOTHER, UNLIKE = 1.7**2, 2.2**2
# of the deviation of what a palette without dither rounded off, what is left: measured on two
# pictures with four palettes, 0.75 to 0.95
UNDITHERED = 0.85


@dataclass(frozen=True)
class Recorruption(Objective):
    """For compression."""

    panel = 256

    def problem(self, network: Architecture, observed: Observed) -> Problem:
        if observed.damage is None:
            raise BadInput(
                "there is no trace of compression: it was gentle, or of a kind that leaves none; "
                "give a quality (--quality), 1 to 100, to say how much to remove as if it were "
                "JPEG: 50 is usual, less removes more"
            )
        compression: Compression | Lossy | Palette = observed.damaged_by(
            Compression, Lossy, Palette
        )
        pair = RecorruptedPair(observed.x0, compression, observed.panels)
        channels, images = observed.x0.shape[1], DECODED + 1
        return Problem(
            partial(network, images * channels, channels),
            pair.code,
            pair.energy,
            shape=(1, images * channels, *pair.sides),
            rule=lambda: DistanceFromMix(pair.distance_from_mix, LACKING),
            panels=pair.panels,
            whole=lambda f: pair.part(observed.x0, share=pair.share(f)),
            parts=lambda f: partial(pair.part, share=pair.share(f)),
            trials=lambda: pair.trials,
        )


class RecorruptedPair:
    """z (1, 4 C, H', W'): estimates, and the image itself, of JPEG(d) on another grid, d the first
    estimate of x0; E = |f(z) - d|^2 / n.

    What undoes the damage of the estimate undoes that of the observation, which is of the same
    image and kind. x0 (1, C, H, W): `panels` pictures side by side. One alone is laid out PANELS
    times.
    """

    def __init__(
        self, observation: Tensor, compression: Compression | Lossy | Palette, panels: int = 1
    ) -> None:
        self.observation, self.compression = observation, compression
        self.given, self.panels = panels, panels if panels > 1 else PANELS

    @property
    def sides(self) -> tuple[int, int]:
        """Rows and columns of z."""
        height, width = self.observation.shape[-2:]
        return height, width // self.given * self.panels

    def code(self, generator: Generator) -> Tensor:
        return self._code  # by no random numbers: the same for every run

    def part(self, x0: Tensor, place: Place = (0, 0), share: float = 1.0) -> Part:
        """Any part of the picture (1, C, h, w). share: of f, the rest is of the first estimate."""
        shown = self._shown if x0 is self.observation else self._images(x0, *place)
        first = shown[:, : x0.shape[1]]

        def finish(image: Tensor) -> Tensor:
            mixed = torch.lerp(first, image, share)
            return self.compression.at(*place).project(mixed, x0)

        return Part(shown, finish, place=place)

    def share(self, f: Function) -> float:
        """min(1, (d^2 / d0^2)^3), d^2 the mean square by which f changes the estimates that it
        learned from, d0^2 that of x0: f that changes x0 more takes its texture for artefacts.
        """
        changes = [
            (f(code) - code[:, : self.observation.shape[1]]).square().mean().item()
            for code in (self._code, self._shown)
        ]
        return min(1.0, (changes[0] / max(changes[1], 1e-12)) ** WARY)

    @cached_property
    def energy(self) -> PixelMean:
        return mean_square(torch.cat(self.estimates, dim=-1))

    def distance_from_mix(self, window: Windows, image: Tensor) -> Tensor:
        """The mean square between `image` in the window and the estimate there that z has first."""
        return mean_square(self._code[:, : image.shape[1]]).at(window)(image)

    @property
    def estimates(self) -> list[Tensor]:
        """d (1, C, H, W), of every panel."""
        first = self._shown[:, : self.observation.shape[1]]
        return list(first.chunk(self.given, dim=-1)) * (self.panels // self.given)

    @property
    def trials(self) -> list[Trial]:
        """Every panel."""
        codes = self._code.chunk(self.panels, dim=-1)
        return [
            self._trial(*each)
            for each in zip(codes, self.estimates, range(self.panels), strict=True)
        ]

    def _trial(self, code: Tensor, truth: Tensor, number: int) -> Trial:
        given = code[:, -truth.shape[1] :]
        compression = self._moved(number)
        part = Part(code, lambda image: compression.project(image, given))
        return Trial(part, partial(self._error, truth))

    def _error(self, truth: Tensor, x: Tensor) -> Tensor:
        """About the squared error of x, where the truth is this one here. A palette without dither
        leaves an estimate as it is, which tells nothing; one with too weak a dither, nearly.
        """
        made = self.compression
        square = (UNLIKE if isinstance(made, Lossy) else SMOOTHER) * (x - truth).square()
        if not isinstance(made, Palette) or (made.dithered and not made.offsets):
            return square
        rounded = torch.full_like(x, (UNDITHERED * made.rounded) ** 2)
        return square + rounded if made.dithered else rounded

    @cached_property
    def _shown(self) -> Tensor:
        panels = self.observation.chunk(self.given, dim=-1)
        return torch.cat(each(self._images, panels, self.observation.device), dim=-1)

    @cached_property
    def _code(self) -> Tensor:
        def again(numbered: tuple[int, Tensor]) -> Tensor:
            number, estimate = numbered
            return self._images(self._moved(number).compress(estimate), *_shift(number))

        panels = enumerate(self.estimates)
        return torch.cat(each(again, panels, self.observation.device), dim=-1)

    def _moved(self, number: int) -> Compression | Lossy | Palette:
        """The compression as it is made once more in a panel."""
        if isinstance(self.compression, Palette) and not self.compression.offsets:
            return self.compression.moved(number)
        return self.compression.at(*_shift(number))

    def _images(self, image: Tensor, row: int = 0, column: int = 0) -> Tensor:
        """Estimates of `image` (1, C, H, W), which begins there, and itself: (1, 4 C, H, W)."""
        if isinstance(self.compression, Palette) and self.compression.dithered:
            palette = self.compression.at(row, column)
            made = of_dither(palette, self._noise, image, self._share_of_smooth)
        else:
            made = of_compression(self.compression, self._noise, image, (row, column))
        return torch.cat([made, image], dim=1)

    @cached_property
    def _noise(self) -> Sampled:
        return Sampled(self.compression.artefacts(self.observation))

    @cached_property
    def _share_of_smooth(self) -> float:
        assert isinstance(self.compression, Palette)
        panel = self.observation.chunk(self.given, dim=-1)[self.given // 2]
        return share_of_smooth(self.compression, self._noise, panel)


def _shift(number: int) -> Place:
    """Of the grid in a panel."""
    return SHIFTS[number % len(SHIFTS)]
