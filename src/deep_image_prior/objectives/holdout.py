"""Hold-out: z images made of the known pixels, and of fewer of them; E the error of the latter on
the rest.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Generator, Tensor

from ..degradations import Holes
from ..denoisers import White, dct_inpaint, nonlocal_bayes, pyramid_fill
from ..descent import Problem, Step
from .objective import OWN_SEED, Architecture, Objective, Observed

PARTS = 4  # of the known pixels, held out in turn
SHARE = 0.15  # of the known pixels in a part
CUTS = ((8, 4, 80), (16, 8, 96), (24, 8, 60))  # size and step of the patches, rounds
# the noise that non-local Bayes takes the fill to have, round by round
ROUNDS = (15 / 255, 11 / 255, 8 / 255, 5 / 255)
IMAGES = (
    1 + len(CUTS) + 1
)  # in the code: the best mix, the thresholded fills, and their non-local refinement


@dataclass(frozen=True)
class Holdout(Objective):
    """For holes."""

    def problem(self, network: Architecture, observed: Observed) -> Problem:
        assert isinstance(observed.damage, Holes)
        held = HeldOut(observed.x0, observed.damage)
        _, channels, height, width = observed.x0.shape
        return Problem(
            partial(network, IMAGES * channels, channels),
            held.code,
            held.energy,
            shape=(1 + PARTS, IMAGES * channels, height, width),
            finish=held.finish,
            rule=partial(DistanceFromStart, held.finish),
        )


class HeldOut:
    """z (1 + PARTS, 5 C, H, W): images made of the known values, and without each part; E the error
    on the parts.
    """

    def __init__(self, observation: Tensor, holes: Holes) -> None:
        self.observation, self.holes = observation, holes

    def finish(self, image: Tensor) -> Tensor:
        """`image`, with the known values in it if they are exact."""
        if not self.holes.exact:
            return image
        return torch.where(self.holes.known > 0, self.observation, image)

    def code(self, generator: Generator) -> Tensor:
        return self._drawn  # by no random numbers: the same for every run

    @cached_property
    def _drawn(self) -> Tensor:
        images = torch.stack(
            [self._images(m) for m in (self.holes.known, *(self.holes.known - self.parts).split(1))]
        )
        mix = (images * self._shares(images)[:, None, None, None]).sum(dim=1, keepdim=True)
        return torch.cat([mix, images], dim=1).flatten(1, 2)

    def energy(self, images: Tensor) -> Tensor:
        """|h (f(z') - x0)|^2 / n over the parts h, z' the code without h."""
        error = self.parts * (images[1:] - self.observation)
        # where next to nothing is known there may be nothing to hold out
        return error.square().sum() / self.parts.expand_as(error).sum().clamp_min(1)

    @cached_property
    def parts(self) -> Tensor:
        """What is held out of the known values, (PARTS, 1 or C, H, W): scattered ones, or the holes
        moved elsewhere.
        """
        generator = Generator().manual_seed(OWN_SEED)
        _, channels, height, width = self.holes.known.shape
        if self.holes.scattered:
            drawn = (
                torch.rand((PARTS, channels, height, width), generator=generator).to(
                    self.holes.known
                )
                < SHARE
            )
        else:
            shifts = torch.rand((PARTS, 2), generator=generator)
            moves = [(int(a * height), int(b * width)) for a, b in shifts.tolist()]
            drawn = torch.cat([self.holes.known.roll(move, dims=(-2, -1)) for move in moves]) == 0
        return drawn * self.holes.known

    def _images(self, known: Tensor) -> Tensor:
        """Fills of growing patches and a refinement of the last but one, (4, C, H, W)."""
        start = pyramid_fill(self.observation * known, known)
        fills = [dct_inpaint(start, known, *cut) for cut in CUTS]
        refined = fills[1]
        for sigma in ROUNDS:
            drawn = nonlocal_bayes(refined, refined, White(sigma), caution=1)
            refined = torch.where(known > 0, self.observation, drawn)
        return torch.cat([*fills, refined])

    def _shares(self, images: Tensor) -> Tensor:
        """The mix of the fills with the least error on the parts, shares adding up to 1, in closed
        form; (4,).
        """
        held = self.parts.expand_as(images[1:, 0]) > 0
        # in double precision, which not every device has
        drawn = torch.stack([each[held] for each in images[1:].unbind(1)]).cpu().double()  # (4, n)
        truth = self.observation.expand(PARTS, -1, -1, -1)[held].cpu().double()
        errors = drawn - truth
        products = errors @ errors.T
        products += (1e-3 * products.diagonal().mean() + 1e-12) * torch.eye(len(products)).to(
            products
        )
        shares = torch.linalg.solve(products, torch.ones_like(products[0]))
        return (shares / shares.sum()).to(images)


class DistanceFromStart:
    """Never stops. uncertainty_db: 10 log10(1 + d^2 / E), d^2 the mean square between the first
    image and the average now.

    For codes that show the image already, and energies that are a mean square error on what the
    code was not shown: where the descent led far beside what the error is now, it matters where it
    ends. finish: what of an image counts.
    """

    def __init__(self, finish: Callable[[Tensor], Tensor]) -> None:
        self.finish = finish
        self.first: Tensor | None = None
        self.uncertainty_db: float | None = None

    def __call__(self, step: Step) -> str | None:
        self.first = self.finish(step.image) if self.first is None else self.first
        apart = (self.finish(step.average) - self.first).square().mean().item()
        self.uncertainty_db = 10 * math.log10(1 + apart / max(step.energy.item(), 1e-12))
        return None
