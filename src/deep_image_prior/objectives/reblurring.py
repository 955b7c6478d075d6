"""Reblurring: z estimates of the image behind x0, and of a smaller one, blurred in the same way,
that is known; E the error of the latter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Generator, Tensor

from ..degradations import Blurring, Downsampling
from ..descent import Part, Problem, Trial
from ..energies import PixelMean, mean_square
from ..errors import BadInput
from ..parallel import each
from ..windows import Place, Windows
from .estimates import BEHIND, of_blurring, sharpened
from .holdout import DistanceFromMix
from .objective import OWN_SEED, Architecture, Objective, Observed

HALF = Downsampling(2)
PANELS = 2  # of a picture alone, each made smaller on another grid
LEAST = 8  # pixels a side of what is learned from
LAST = 2  # of the rounds, once more after f
MARGIN = 64  # pixels: what all rounds see would be far more, for nothing to be seen
# of the noise that an estimate is taken to have, round by round
ROUNDS = tuple(40 * 0.075 ** (k / 11) / 255 for k in range(12))  # 40 to 3 of 255


@dataclass(frozen=True)
class Reblurring(Objective):
    """For a known blur: what undoes the blur of the estimate at half the resolution, where it is as
    sharp as pictures are, undoes that of the observation.

    Small parts of a picture come back at other scales: see `AcrossScales`. rounds: standard
    deviations, as ROUNDS.
    """

    panel = 256
    rounds: Sequence[float] = ROUNDS

    def problem(self, network: Architecture, observed: Observed) -> Problem:
        blur = observed.damaged_by(Blurring)
        pair = ReblurredPair(observed.x0, blur, self.rounds, observed.panels)
        channels = observed.x0.shape[1]
        height, width = pair.sides
        rows, columns = (side - 1 for side in blur.kernel.shape)
        if min(height - rows, width - columns) < LEAST:
            raise BadInput(
                "the picture is too small to learn from what this kernel does to it at half the "
                f"size: {width - columns} x {height - rows} pixels would be left, {LEAST} a side "
                "are needed; use the preset paper (--preset paper), or a smaller kernel"
            )
        return Problem(
            partial(network, BEHIND * channels, channels),
            pair.code,
            pair,
            shape=(1, BEHIND * channels, height, pair.panels * width),
            rule=lambda: DistanceFromMix(pair.distance_from_estimate),
            panels=pair.panels,
            whole=lambda f: pair.part(observed.x0),
            parts=lambda f: pair.part,
            trials=lambda: pair.trials,
            margin=MARGIN,
            exact=False,
        )


class ReblurredPair:
    """z (1, 4 C, h, w'): estimates of t from k * t + n, t the estimate of x at half the resolution;
    E = |f(z) - t|^2 / n.

    x0 (1, C, H, W): `panels` pictures side by side. One alone is laid out PANELS times.
    """

    def __init__(
        self, x0: Tensor, blurring: Blurring, rounds: Sequence[float], panels: int = 1
    ) -> None:
        self.x0, self.blurring, self.rounds = x0, blurring, rounds
        self.pictures, self.panels = panels, panels if panels > 1 else PANELS

    @property
    def sides(self) -> tuple[int, int]:
        """Of a panel of z, (h, w)."""
        before = self.x0.shape[-2], self.x0.shape[-1] // self.pictures
        reach = [side - 1 for side in self.blurring.kernel.shape]
        height, width = ((side + more - 1) // 2 for side, more in zip(before, reach, strict=True))
        return height, width

    def __call__(self, image: Tensor) -> Tensor:
        return self.energy(image)

    def at(self, window: Windows) -> PixelMean:
        return self.energy.at(window)

    @cached_property
    def energy(self) -> PixelMean:
        return mean_square(self._pair[0])

    def code(self, generator: Generator) -> Tensor:
        return self._pair[1]  # by no random numbers of the run: the same for every one

    def distance_from_estimate(self, window: Windows, image: Tensor) -> Tensor:
        """The mean square between `image` in the window and the estimate there that z has first."""
        return mean_square(self._pair[1][:, : image.shape[1]]).at(window)(image)

    def part(self, x0: Tensor, place: Place = (0, 0)) -> Part:
        """Any part of the picture (1, C, h, w), wherever it is."""

        whole = x0 is self.x0 and self.pictures == 1
        return self._part(x0, self.shown if whole else self._estimates(x0), place)

    def _part(self, x0: Tensor, code: Tensor, place: Place = (0, 0)) -> Part:
        def finish(f: Tensor) -> Tensor:
            x = consistent(f, code[:, : x0.shape[1]], x0, self.blurring)
            for deviation in self.rounds[-LAST:]:
                _, x = sharpened(x, x0, self.blurring, deviation)
            return self.blurring.operator.inside(x)

        return Part(code, finish, place=place)

    @property
    def trials(self) -> list[Trial]:
        """Every panel."""
        truths, codes = (each.chunk(self.panels, dim=-1) for each in self._pair)
        return [*map(self._trial, truths, codes, range(self.panels))]

    def _trial(self, truth: Tensor, code: Tensor, number: int) -> Trial:
        seen = self.blurring.operator.inside(truth)
        part = self._part(self._again(truth, number), code)
        return Trial(part, lambda x: (x - seen).square())

    def _again(self, t: Tensor, number: int) -> Tensor:
        """k * t + n, of that panel."""
        return self.blurring.draw(t, Generator().manual_seed(OWN_SEED + number))

    @cached_property
    def shown(self) -> Tensor:
        """The estimates of x, the best first, (1, 4 C, H', W')."""
        pictures = self.x0.chunk(self.pictures, dim=-1)
        return torch.cat(each(self._estimates, pictures, self.x0.device), dim=-1)

    @cached_property
    def _pair(self) -> tuple[Tensor, Tensor]:
        """t (1, C, h, w') and z (1, 4 C, h, w')."""
        best = self.shown[:, : self.x0.shape[1]].chunk(self.pictures, dim=-1)
        several = best * (self.panels // self.pictures)
        pairs = each(self._reblurred, enumerate(several), self.x0.device)
        truths, codes = zip(*pairs, strict=True)
        return torch.cat(truths, dim=-1), torch.cat(codes, dim=-1)

    def _reblurred(self, numbered: tuple[int, Tensor]) -> tuple[Tensor, Tensor]:
        """t and z of one panel: of the estimate (1, C, H, W) from another row and column on."""
        number, estimate = numbered
        first = number % HALF.factor
        height, width = ((side - 1) // 2 * 2 for side in estimate.shape[-2:])
        t = HALF.shrink(estimate[..., first : first + height, first : first + width])
        return t, self._estimates(self._again(t, number))

    def _estimates(self, x0: Tensor) -> Tensor:
        return of_blurring(self.blurring, x0, self.rounds)


def consistent(f: Tensor, e: Tensor, x0: Tensor, blurring: Blurring) -> Tensor:
    """e + w (f - e), w the greatest of [0, 1] with |A(x) - x0|^2 / n at most the variance of the
    noise, or that of the estimate e if it is more: Morozov's discrepancy principle.

    Where little of a picture is left at half the resolution, f learns what x0 contradicts.
    """
    moved, rest = blurring.operator(f - e), x0 - blurring.operator(e)
    power, along = moved.square().mean().clamp_min(1e-12), (moved * rest).mean()
    room = (blurring.deviation(x0) ** 2 - rest.square().mean()).clamp_min(0)
    share = (along + (along.square() + power * room).sqrt()) / power
    return torch.lerp(e, f, share.clamp(0, 1))
