"""Stein's unbiased risk estimate (SURE) of the error, by Monte Carlo: z estimates of the image, and
of what they would be under a little more noise; E needs no truth.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Generator, Tensor

from ..degradations import Noise
from ..descent import Part, Problem, Trial, past_weight
from ..energies import PixelMean, stein
from ..parallel import each
from ..step import Rule, Step, Stop
from ..stopping import SHORT
from ..windows import Place, Windows
from .estimates import of_white
from .objective import EARLY, OWN_SEED, Architecture, Objective, Observed

# of the probe, in standard deviations of the noise: above the thresholds' roughness, below their
# change
STEP = 0.2
RIDGE = 1e-3  # for mixes of estimates that hardly differ
WARY = 16.0  # times the noise, against mixes that only it speaks for
UNSEEN = (0.5 / 255) ** 2  # a mean square error that a file of 8 bits does not show
# measured on six pictures: up to it about half of what Stein's energy promised was kept, beyond it
# none
TRUST = 0.35
# of the squared error: of Stein's estimate, of the squared difference to the first estimate, and of
# the deviation of the noise. They err in different ways; measured on crops of Set14
STEIN, APART, LEFT = 0.5, 0.9, 1.4 / 255


@dataclass(frozen=True)
class Sure(Objective):
    """For noise that can be drawn. estimates: how many of the image are in z, 1 to 5; probes: how
    many draws of the noise show what a code becomes of it.
    """

    panel = 256
    estimates: int = 3
    probes: int = 1

    def problem(self, network: Architecture, observed: Observed) -> Problem:
        noise = observed.damaged_by(Noise)
        guide = observed.guide
        sure = MonteCarloSure(
            observed.x0, noise, self.estimates, self.probes, observed.panels, guide
        )
        _, channels, height, width = observed.x0.shape
        inputs = (1 + self.estimates + 1) * channels + (0 if guide is None else guide.shape[1])
        return Problem(
            partial(network, inputs, channels),
            sure.code,
            sure,
            shape=(1 + self.probes, inputs, height, width),
            rule=lambda: SureGuard(noise.variance, sure.energy_of_mix),
            panels=observed.panels,
            parts=lambda f: lambda part, place: Part(sure.code_of(*observed.apart(part), place)),
            images=1 + self.estimates + 1,
            trials=lambda: [Trial(Part(sure.code(Generator())), sure.error)],
        )


class MonteCarloSure:
    """z (1 + P, C', H, W): a mix of estimates, the estimates and a blur of x0, and of each x0 +
    STEP * probe; E is Stein's.

    guide: (1, G, H, W), another picture of the scene, whose noise has nothing to do with that of
    x0; of it are the estimates too, and it is the last image of z.
    """

    def __init__(
        self,
        observation: Tensor,
        noise: Noise,
        estimates: int = 3,
        probes: int = 1,
        panels: int = 1,
        guide: Tensor | None = None,
    ) -> None:
        self.observation, self.noise, self.guide = observation, noise, guide
        self.estimates, self.count, self.panels = estimates, probes, panels

    def code(self, generator: Generator) -> Tensor:
        return self._code  # by no random numbers: the same for every run

    def code_of(self, x0: Tensor, guide: Tensor | None = None, place: Place = (0, 0)) -> Tensor:
        """The same for another part of the picture (1, C, h, w), and of the guide, without probes:
        (1, C', h, w).
        """
        return self._mixed(of_white(self.noise, x0, self.estimates, place, guide)[None], guide)

    @cached_property
    def energy(self) -> PixelMean:
        return stein(self.observation, self.noise.mean, self.probes, STEP)

    def __call__(self, images: Tensor) -> Tensor:
        return self.energy(images)

    def at(self, window: Windows) -> PixelMean:
        return self.energy.at(window)

    def error(self, images: Tensor) -> Tensor:
        """About the squared error of x, (1, C, H, W), of images as in E: Stein's estimate, which is
        less wherever the noise is taken for more than it is; how far x is from an estimate; and
        what is left of any noise.
        """
        means, noise = self.noise.mean(images), self.noise.variance(images[:1])
        follows = (self.probes * (means[1:] - means[:1])).mean(dim=0, keepdim=True)
        stein = (means[:1] - self.observation).square() - noise + 2 / STEP * follows
        apart = (images[:1] - self._images[:1, 0]).square()
        return STEIN * stein + APART * apart + LEFT * noise.sqrt()

    def energy_of_mix(self, window: Windows) -> Tensor:
        """E of the first images of z, the mixes."""
        return self.energy.at(window)(window(self._code[:, : self.observation.shape[1]]))

    @cached_property
    def probes(self) -> Tensor:
        """Draws of the noise, (P, C, H, W)."""
        estimate = self._estimates(self.observation, 1)[:1]
        return self.noise.draw(estimate, self.count, Generator().manual_seed(OWN_SEED))

    @cached_property
    def _code(self) -> Tensor:
        return self._mixed(self._images, self.guide)

    @cached_property
    def _images(self) -> Tensor:
        """(1 + P, K + 1, C, H, W)."""
        p = torch.cat([torch.zeros_like(self.observation), self.probes])
        moved = (self.observation + STEP * p).split(1)
        made = each(partial(self._estimates, count=self.estimates), moved, p.device)
        return torch.stack(made)

    @cached_property
    def shares(self) -> Tensor:
        """Of the estimates in the mix, (K,)."""
        return self._shares(self._images[:, :-1])

    def _mixed(self, images: Tensor, guide: Tensor | None) -> Tensor:
        """z (B, C', H, W) of images (B, K + 1, C, H, W)."""
        mix = (images[:, :-1] * self.shares[:, None, None, None]).sum(dim=1, keepdim=True)
        z = torch.cat([mix, images], dim=1).flatten(1, 2)
        return z if guide is None else torch.cat([z, guide.expand(len(z), -1, -1, -1)], dim=1)

    def _estimates(self, x0: Tensor, count: int) -> Tensor:
        """Of every panel by itself."""
        panels = x0.chunk(self.panels, dim=-1)
        guides = [None] * self.panels if self.guide is None else self.guide.chunk(self.panels, -1)

        def made(pair: tuple[Tensor, Tensor | None]) -> Tensor:
            panel, guide = pair
            return of_white(self.noise, panel, count, guide=guide)

        return torch.cat(each(made, zip(panels, guides, strict=True), x0.device), dim=-1)

    def _shares(self, images: Tensor) -> Tensor:
        """The mix of least E, shares adding up to 1, in closed form (SURE-LET,
        doi:10.1109/TIP.2007.906002); (K,).

        images: (1 + P, K, C, H, W).
        """
        means = self.noise.mean(images)
        # in double precision, which not every device has
        changes = (means[:, 1:] - means[:, :1]).flatten(2).cpu().double()  # (1 + P, K - 1, C H W)
        follows = changes[0] @ (self.observation - means[0, :1]).flatten().cpu().double()
        moves = changes[1:] - changes[0]
        gains = torch.einsum("pkn,pn->k", moves, self.probes.flatten(1).cpu().double()) / (
            len(moves) * STEP
        )
        products = changes[0] @ changes[0].T
        noise = self.noise.variance(images[0, 0]).mean().item()
        products += (RIDGE * products.diagonal().mean() + WARY * noise) * torch.eye(
            len(products)
        ).to(products)
        shares = torch.linalg.lstsq(products, follows - gains).solution
        return torch.cat([1 - shares.sum()[None], shares]).to(images)


class SureGuard(Rule):
    """Stop when Stein's energy promises too much: that over a third of the error of the first image
    is gone.

    The weights can learn the noise by heart, unseen by Stein's term; the energy falls far below the
    truth's then. noise: x -> the variance of the noise of x, which is the energy of the truth.
    first: the energy that the first image has in a window.
    """

    def __init__(
        self, noise: Callable[[Tensor], Tensor], first: Callable[[Windows], Tensor]
    ) -> None:
        self.noise, self.first = noise, first
        self.gain, self.error = 0.0, 0.0  # moving means of what is gone, and of what there was
        self.window: Windows | None = None
        self.steps = 0

    def update(self, step: Step) -> Stop | None:
        if self.steps == 0:
            self.start = step
        if step.window != self.window:
            self.window, self.before = step.window, self.first(step.window).item()
            variance = self.noise(step.image).mean().item()
            # the energy is a mean itself, of that deviation
            deviation = variance * math.sqrt(2 / step.image.numel())
            self.wrong = max(self.before - variance, deviation, UNSEEN)
        weight = past_weight(step.index, SHORT) if self.steps else 0.0
        self.gain = weight * self.gain + (1 - weight) * (self.before - step.energy.item())
        self.error = weight * self.error + (1 - weight) * self.wrong
        self.steps = step.index
        if self.promised <= TRUST:
            return None
        words = f"the noise is being learned from step {step.index} on: Stein's energy is too low"
        return Stop("sure", (self.chosen or step).index, words)

    @property
    def chosen(self) -> Step | None:
        """The first, where the weights have hardly settled and the image has their mesh."""
        return self.start if self.steps < EARLY and self.promised > TRUST else None

    @property
    def promised(self) -> float:
        """Share of the error that is gone, if the energy is right."""
        return self.gain / self.error if self.steps else 0.0

    @property
    def uncertainty_db(self) -> float | None:
        """Half of the decibels that the energy promises: about what it has kept, where the truth
        was known.

        All of those by which it rose, if it did; None before it can be told.
        """
        if self.steps < EARLY:
            return None
        return abs((10 if self.promised < 0 else 5) * math.log10(1 - min(self.promised, 0.9)))
