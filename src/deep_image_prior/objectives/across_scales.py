"""Across scales: z estimates of x0 from what becomes of it at a lower resolution; E the error on
x0, which is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Generator, Tensor

from ..degradations import Downsampling
from ..descent import Part, Problem, Trial
from ..energies import PixelMean, mean_square, squared_error
from ..errors import BadInput
from ..fitting import fit
from ..padding import pad_reflect
from ..parallel import each
from ..windows import Place
from .estimates import ENLARGED, of_downsampling, refined, smooth
from .objective import Architecture, Objective, Observed, Preset

PANELS = 4  # of a picture alone, each shrunk on another grid
# of the noise that an estimate, or what f draws, is taken to have, round by round
ROUNDS = tuple(sigma / 255 for sigma in (30, 20, 12, 6))
LEAST = 8  # pixels a side
LAST = 2  # of the rounds, after f
# `larger` of nonlocal_bayes, in rounds by the whole factor: some pictures want it, some do not
PATCHES = (1, 0)
# times the squared error of one step up to x0, that of an enlargement by the factor
FINER = {2: 1.0, 3: 1.0, 4: 1.7**2, 8: 2.2**2}
MARGIN = 48  # pixels of x: all that the rounds see would be far more, for nothing to be seen


@dataclass(frozen=True)
class AcrossScales(Objective):
    """For an enlargement: what f learns of x0 and of d(x0), it does to x0.

    Small parts of a picture come back at other scales: Shocher, Cohen and Irani 2018,
    doi:10.1109/CVPR.2018.00329. By a power of 2 the picture is doubled several times, by the same
    f. rounds: standard deviations, as ROUNDS. coarse: a fit to the residual alone, at half the
    resolution of x, whose image is half of the last one; for a picture alone.
    """

    panel = 256
    rounds: Sequence[float] = ROUNDS
    coarse: Preset | None = None

    def problem(self, network: Architecture, observed: Observed) -> Problem:
        downsampling = observed.damaged_by(Downsampling)
        height, width = observed.x0.shape[-2:]
        if min(height, width) < LEAST:
            raise BadInput(
                f"{width} x {height} pixels are too few to learn from how they are made larger: "
                f"{LEAST} a side at the least, or use the preset paper (--preset paper)"
            )
        pair = AcrossPair(observed.x0, downsampling, self.rounds, observed.panels, self.coarse)
        _, channels, height, width = pair.truth.shape
        return Problem(
            partial(network, ENLARGED * channels, channels),
            pair.code,
            pair.energy,
            shape=(1, ENLARGED * channels, height, width),
            panels=pair.panels,
            whole=lambda f: pair.part(observed.x0),
            parts=lambda f: pair.part,
            trials=lambda: pair.trials,
            margin=MARGIN,
            exact=False,
        )


class AcrossPair:
    """z (1, 3 C, H', W'): estimates of x0 from d(x0); E = |f(z) - x0|^2 / n.

    x0 (1, C, H, W): `panels` pictures side by side. One alone is laid out PANELS times.
    """

    def __init__(
        self,
        x0: Tensor,
        downsampling: Downsampling,
        rounds: Sequence[float],
        panels: int = 1,
        coarse: Preset | None = None,
    ) -> None:
        self.x0, self.downsampling, self.rounds = x0, downsampling, rounds
        self.coarse = coarse if panels == 1 else None
        self.half: Tensor | None = None  # what the coarse fit drew, before which there is no code
        self.step = downsampling.by(2) if downsampling.factor % 2 == 0 else downsampling
        sheet = x0 if panels > 1 else x0.repeat(1, 1, 1, PANELS)
        self.panels = panels if panels > 1 else PANELS
        pictures = sheet.chunk(self.panels, dim=-1)
        self.truth = torch.cat(
            [_on_grid(picture, self.step.factor, k) for k, picture in enumerate(pictures)], dim=-1
        )

    def code(self, generator: Generator) -> Tensor:
        if self.coarse and self.half is None:
            self.half = self._fitted(self.coarse)
        return self._code  # by no random numbers: the same for every run

    @cached_property
    def energy(self) -> PixelMean:
        return mean_square(self.truth)

    def part(self, x0: Tensor, place: Place = (0, 0)) -> Part:
        """Any part of the picture (1, C, h, w), wherever it is, to be enlarged."""
        return self._enlarged(x0, x0, self.step.factor, place)

    @property
    def trials(self) -> list[Trial]:
        """What is learned from, once more: one step up to x0."""
        panels = zip(
            *(each.chunk(self.panels, dim=-1) for each in (self._code, self.truth)), strict=True
        )
        return [self._trial(*each) for each in panels]

    def _trial(self, code: Tensor, truth: Tensor) -> Trial:
        small, seen = self.step.shrink(truth), self.step

        def finish(f: Tensor) -> Tensor:
            return refined(seen.project(f, small), small, seen, self.rounds[-LAST:])

        finer = FINER[self.downsampling.factor]
        return Trial(Part(code, finish), lambda x: finer * (x - truth).square())

    def _enlarged(self, x: Tensor, x0: Tensor, factor: int, place: Place = (0, 0)) -> Part:
        """x, once more, to `factor` times the resolution of x0, of the picture from `place` on."""
        seen = self.downsampling.by(factor)
        first, last = factor == self.step.factor, factor == self.downsampling.factor

        def finish(f: Tensor) -> Tensor:
            x = seen.project(f, x0)
            if last and not first:
                # the errors of several doublings and of one enlargement have little in common
                x = torch.cat([x, self._at_once(x0)]).mean(dim=0, keepdim=True)
                if self.half is not None and x0 is self.x0:
                    x = (x + self._from_coarse) / 2
            return refined(x, x0, seen, self.rounds[-LAST:])

        def again(drawn: Tensor) -> Part | None:
            return None if last else self._enlarged(drawn, x0, factor * self.step.factor, place)

        code, (top, left) = of_downsampling(self.step, x, self.rounds), place
        return Part(code, finish, again, place=(factor * top, factor * left))

    def _at_once(self, x0: Tensor) -> Tensor:
        """Enlargements by the whole factor, (K, C, t H, t W), which need no f."""
        return self._whole_at_once if x0 is self.x0 else self._by_patches(x0)

    @cached_property
    def _whole_at_once(self) -> Tensor:
        return self._by_patches(self.x0)

    def _by_patches(self, x0: Tensor) -> Tensor:
        least = smooth(self.downsampling, x0)
        return torch.cat(
            [refined(least, x0, self.downsampling, self.rounds, larger) for larger in PATCHES]
        )

    @cached_property
    def _from_coarse(self) -> Tensor:
        assert self.half is not None
        twice = Downsampling(2).enlarge(self.half)
        return refined(twice, self.x0, self.downsampling, self.rounds)

    def _fitted(self, coarse: Preset) -> Tensor:
        """The image of the coarse fit (1, C, t H / 2, t W / 2), the same for every run."""
        down = self.downsampling.by(self.downsampling.factor // 2)
        energy = squared_error(self.x0, down.operator)
        problem = coarse.problem(Observed(self.x0, energy, down, down.enlarge(self.x0)))
        return fit(problem, coarse.settings).whole().image

    @cached_property
    def _code(self) -> Tensor:
        def estimates(truth: Tensor) -> Tensor:
            return of_downsampling(self.step, self.step.shrink(truth), self.rounds)

        panels = self.truth.chunk(self.panels, dim=-1)
        return torch.cat(each(estimates, panels, self.truth.device), dim=-1)


def _on_grid(picture: Tensor, factor: int, k: int) -> Tensor:
    """(1, C, H, W) from the k-th of `factor` rows and columns on, of sides that `factor` divides:
    another grid for each k.
    """
    sides = [max(side, 2 * factor) for side in picture.shape[-2:]]
    rows, columns = ((0, side - old) for side, old in zip(sides, picture.shape[-2:], strict=True))
    top, left = k // 2 % factor, k % factor
    height, width = ((side - factor + 1) // factor * factor for side in sides)
    return pad_reflect(picture, rows, columns)[..., top : top + height, left : left + width]
