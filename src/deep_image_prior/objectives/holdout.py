"""Hold-out: z images made of some of the known pixels; E the error on the others."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Generator, Tensor

from ..degradations import Holes
from ..denoisers import White, dct_inpaint, in_turns, nonlocal_bayes, pyramid_fill
from ..descent import Part, Problem, Trial, past_weight
from ..energies import PixelMean
from ..parallel import each
from ..step import Rule, Step, Stop
from ..stopping import SHORT
from ..windows import Place, Windows
from .objective import EARLY, OWN_SEED, Architecture, Objective, Observed

PARTS = 2  # of the known pixels, held out in turn
SHARE = 0.15  # of the known pixels in a part
CUTS = ((8, 4, 80), (16, 8, 96), (24, 8, 60))  # size and step of the patches, rounds
# the noise that non-local Bayes takes the fill to have, round by round: little; and more, which
# goes on with patterns where few pixels are known, and the longer the farther
ROUNDS = tuple(
    tuple(sigma / 255 for sigma in each)
    for each in (
        (10, 7, 5, 3),
        (30, 18, 10, 5),
        (30, 26, 22, 19, 16, 14, 12, 10, 9, 7, 6, 5.5, 5, 4),
    )
)
# in the code: the best mix, the thresholded fills, and their non-local refinements
IMAGES = 1 + len(CUTS) + len(ROUNDS)


@dataclass(frozen=True)
class Holdout(Objective):
    """For holes."""

    panel = 256

    def problem(self, network: Architecture, observed: Observed) -> Problem:
        held = HeldOut(observed.x0, observed.damaged_by(Holes), observed.panels)
        _, channels, height, width = held.sheet.shape
        return Problem(
            partial(network, IMAGES * channels, channels),
            held.code,
            held.energy,
            shape=(1, IMAGES * channels, height, width),
            finish=partial(held.finish, observed.x0),
            rule=lambda: DistanceFromMix(held.distance_from_mix),
            panels=held.panels,
            whole=lambda f: held.whole(observed.x0),
            parts=lambda f: held.part,
            trials=lambda: [held.trial],
        )


class HeldOut:
    """z (1, 7 C, H, W'): images made of the known values, without a part of them in each panel; E
    the error on the parts.

    x0 (1, C, H, W): `panels` pictures side by side. One alone is laid out PARTS times.
    """

    def __init__(self, x0: Tensor, holes: Holes, panels: int = 1) -> None:
        self.holes = holes
        self.sheet = x0 if panels > 1 else x0.repeat(1, 1, 1, PARTS)
        self.panels = panels if panels > 1 else PARTS
        self.known, self.observation = holes.find(self.sheet), self.sheet.nan_to_num()

    def finish(self, x0: Tensor, image: Tensor) -> Tensor:
        """`image` of x0, with the known values in it if they are exact."""
        return torch.where(self.holes.find(x0) > 0, x0, image) if self.holes.exact else image

    def part(self, x0: Tensor, place: Place) -> Part | None:
        """Any part of the picture, (1, C, h, w), wherever it is; None if all of it is known."""
        return None if (self.holes.find(x0) > 0).all() else self.whole(x0, place)

    def whole(self, x0: Tensor, place: Place = (0, 0)) -> Part:
        """The same, whether there is something to restore or not."""
        missing = 1 - self.holes.find(x0)
        return Part(self.code_of(x0), partial(self.finish, x0), missing=missing, place=place)

    @property
    def trial(self) -> Trial:
        """What f draws where values are held out."""
        part = Part(self._mixed(self._images), missing=1 - self.known + self.parts)

        def error(x: Tensor) -> Tensor:
            return (x - self.observation).square().where(self.parts > 0, torch.nan)

        return Trial(part, error)

    def code(self, generator: Generator) -> Tensor:
        return self._mixed(self._images)  # by no random numbers: the same for every run

    def code_of(self, x0: Tensor) -> Tensor:
        """The same of any part of the picture (1, C, h, w), nothing held out: (1, 7 C, h, w)."""
        return self._mixed(_drawn(x0.nan_to_num(), self.holes.find(x0)))

    @cached_property
    def energy(self) -> PixelMean:
        """|h (f(z) - x0)|^2 / n, h the parts, n their size."""
        return self._mean_over_parts(self.observation)

    def distance_from_mix(self, window: Windows, image: Tensor) -> Tensor:
        """|h (f(z) - m)|^2 / n, m the mix, `image` and h in the window."""
        return self._from_mix.at(window)(image)

    @cached_property
    def parts(self) -> Tensor:
        """What is held out of the known values, (1, 1 or C, H, W'), another part in every panel:
        scattered ones, or the holes moved elsewhere.
        """
        generator = Generator().manual_seed(OWN_SEED)
        if self.holes.scattered:
            drawn = torch.rand(self.known.shape, generator=generator).to(self.known) < SHARE
        else:
            shifts = torch.rand((self.panels, 2), generator=generator).tolist()
            panels = self.known.chunk(self.panels, dim=-1)
            moved = [
                known.roll(
                    [int(a * side) for a, side in zip(shift, known.shape[-2:], strict=True)],
                    (-2, -1),
                )
                for known, shift in zip(panels, shifts, strict=True)
            ]
            drawn = torch.cat(moved, dim=-1) == 0
        return drawn * self.known

    def _mean_over_parts(self, truth: Tensor) -> PixelMean:
        # where next to nothing is known there may be nothing to hold out
        share = max(self.parts.mean().item(), 1 / self.parts.numel())
        return PixelMean(
            lambda x, truth, h: (h * (x - truth).square()).mean() / share, truth, self.parts
        )

    @cached_property
    def _from_mix(self) -> PixelMean:
        return self._mean_over_parts(self._mix(self._images)[None])

    @cached_property
    def _images(self) -> Tensor:
        """(6, C, H, W')."""
        pairs = zip(
            *(x.chunk(self.panels, dim=-1) for x in (self.observation, self.known - self.parts)),
            strict=True,
        )
        return torch.cat(each(lambda pair: _drawn(*pair), pairs, self.sheet.device), dim=-1)

    def _mix(self, images: Tensor) -> Tensor:
        """(C, h, w)."""
        return (images * self.shares[:, None, None, None]).sum(dim=0)

    def _mixed(self, images: Tensor) -> Tensor:
        """z (1, 7 C, h, w) of images (6, C, h, w)."""
        return torch.cat([self._mix(images), *images])[None]

    @cached_property
    def shares(self) -> Tensor:
        """The mix of the fills with the least error on the parts, shares adding up to 1, in closed
        form; (6,).
        """
        held = (self.parts > 0).expand_as(self.observation)[0]
        # in double precision, which not every device has
        drawn = torch.stack([image[held] for image in self._images]).cpu().double()  # (6, n)
        errors = drawn - self.observation[0][held].cpu().double()
        products = errors @ errors.T
        products += (1e-3 * products.diagonal().mean() + 1e-12) * torch.eye(len(products)).to(
            products
        )
        shares = torch.linalg.solve(products, torch.ones_like(products[0]))
        return (shares / shares.sum()).to(self._images)


def _drawn(observation: Tensor, known: Tensor) -> Tensor:
    """Fills of growing patches and three refinements of the last but one, (6, C, H, W)."""
    start = pyramid_fill(observation * known, known)
    fills = [dct_inpaint(start, known, *cut) for cut in CUTS]

    def denoise(x: Tensor, sigma: float) -> Tensor:
        return nonlocal_bayes(x, x, White(sigma), caution=1)

    def pasted(x: Tensor, sigma: float = 0) -> Tensor:
        return torch.where(known > 0, observation, x)

    def refined(rounds: Sequence[float]) -> Tensor:
        return pasted(in_turns(fills[1], denoise, pasted, rounds))

    return torch.cat([*fills, *map(refined, ROUNDS)])


class DistanceFromMix(Rule):
    """Never stops. uncertainty_db, after a few steps: 10 log10(1 + d^2 / E) times `share`, d^2 the
    mean square between the image and the mix that it began as; moving means of both.

    For codes that show the image already, and energies that are a mean square error on what the
    code was not shown: where the descent led far beside what the error is now, it matters where it
    ends. distance: (window, the image there) -> d^2, over what E is over. share: of the decibels
    that the descent gains there, what the result may lack.
    """

    def __init__(self, distance: Callable[[Windows, Tensor], Tensor], share: float = 1.0) -> None:
        self.distance, self.share = distance, share
        self.apart = self.error = 0.0
        self.steps = 0

    def update(self, step: Step) -> Stop | None:
        weight = past_weight(step.index, SHORT) if self.steps else 0.0
        apart = self.distance(step.window, step.image).item()
        self.apart = weight * self.apart + (1 - weight) * apart
        self.error = weight * self.error + (1 - weight) * step.energy.item()
        self.steps = step.index
        return None

    @property
    def uncertainty_db(self) -> float | None:
        if self.steps < EARLY:
            return None
        return self.share * 10 * math.log10(1 + self.apart / max(self.error, 1e-12))
