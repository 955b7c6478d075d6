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
from ..descent import Function, Part, Problem, Trial, past_weight
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
PROBES = 8  # at the most: more gain nothing
UNSEEN = (0.5 / 255) ** 2  # a mean square error that a file of 8 bits does not show
# measured on six pictures: up to it about half of what Stein's energy promised was kept, beyond it
# none
TRUST = 0.35
# of the squared error: of Stein's estimate, of the squared difference to the first estimate, and of
# the deviation of the noise. They err in different ways; measured on crops of Set14
STEIN, APART, LEFT = 0.5, 0.9, 1.4 / 255
# the same beside a guide, which tells what the noise hid, so that the first estimate is a poor one
GUIDED_APART, GUIDED_LEFT = 0.25, 0.2 / 255


@dataclass(frozen=True)
class Sure(Objective):
    """For noise that can be drawn. estimates: how many of the image are in z, 1 to 7. probed:
    pixels that all draws of the noise have together, which show what a code becomes of it: f learns
    a few numbers by heart, and Stein's energy is then far too low.
    """

    panel = 256
    estimates: int = 6
    probed: int = 2**17

    def problem(self, network: Architecture, observed: Observed) -> Problem:
        noise, x0 = observed.damaged_by(Noise), observed.x0
        guide = observed.guide
        _, channels, height, width = x0.shape
        probes = min(PROBES, max(1, self.probed // (height * width)))
        sure = MonteCarloSure(x0, noise, self.estimates, probes, observed.panels, guide)
        inputs = (1 + self.estimates + 1) * channels + (0 if guide is None else guide.shape[1])

        def whole(f: Function) -> Part:
            return Part(sure.code(Generator())[:1, ..., :width])

        def part(both: Tensor, place: Place) -> Part:
            return Part(sure.code_of(*observed.apart(both), place), place=place)

        return Problem(
            partial(network, inputs, channels),
            sure.code,
            sure,
            shape=(2, inputs, height, probes * width),
            rule=lambda: SureGuard(noise.variance, sure.energy_of_mix),
            panels=probes * observed.panels,
            whole=whole if probes > 1 else None,
            parts=lambda f: part,
            images=1 + self.estimates + 1,
            trials=lambda: [Trial(Part(sure.code(Generator())), sure.error)],
        )


class MonteCarloSure:
    """z (2, C', H, P W): a mix of estimates, the estimates and a blur of x0, and below each of x0 +
    STEP * probe, one probe beside the other; E is Stein's.

    guide: (1, G, H, W), another picture of the scene, whose noise has nothing to do with that of
    x0; of it are the estimates too, and it is the last image of z.
    """

    def __init__(
        self,
        observation: Tensor,
        noise: Noise,
        estimates: int = Sure.estimates,
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
        return stein(self._beside(self.observation), self.noise.mean, self._probes, STEP)

    def __call__(self, images: Tensor) -> Tensor:
        return self.energy(images)

    def at(self, window: Windows) -> PixelMean:
        return self.energy.at(window)

    def error(self, images: Tensor) -> Tensor:
        """About the squared error of x, (1, C, H, P W), of images as in E: Stein's estimate, which
        is less, but no less than 0 in the mean, wherever the noise is taken for more than it is;
        how far x is from an estimate; and what is left of any noise.
        """
        means, noise = self.noise.mean(images), self.noise.variance(images[:1])
        follows = self._probes * (means[1:] - means[:1])
        stein = (means[:1] - self._beside(self.observation)).square() - noise + 2 / STEP * follows
        stein -= stein.mean().clamp(max=0)
        apart = (images[:1] - self._beside(self._images[:1, 0])).square()
        far, left = (APART, LEFT) if self.guide is None else (GUIDED_APART, GUIDED_LEFT)
        return STEIN * stein + far * apart + left * noise.sqrt()

    def energy_of_mix(self, window: Windows) -> Tensor:
        """E of the first images of z, the mixes."""
        return self.energy.at(window)(window(self._code[:, : self.observation.shape[1]]))

    @cached_property
    def probes(self) -> Tensor:
        """Draws of the noise, (P, C, H, W)."""
        estimate = self._estimates(self.observation, 1)[:1]
        return self.noise.draw(estimate, self.count, Generator().manual_seed(OWN_SEED))

    @cached_property
    def _probes(self) -> Tensor:
        """One beside the other, (1, C, H, P W)."""
        return torch.cat(self.probes.split(1), dim=-1)

    @cached_property
    def _code(self) -> Tensor:
        z, *moved = self._mixed(self._images, self.guide).split(1)
        return torch.cat([self._beside(z), torch.cat(moved, dim=-1)])

    def _beside(self, image: Tensor) -> Tensor:
        """(B, C, H, W) as often as there are probes, (B, C, H, P W)."""
        return image.repeat(1, 1, 1, self.count)

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
        """The mean of least E, (K,): shares that are not below 0 and add up to 1 (SURE-LET,
        doi:10.1109/TIP.2007.906002). Other mixes follow the errors of E.

        images: (1 + P, K, C, H, W).
        """
        # in double precision, which not every device has
        means = self.noise.mean(images).flatten(2).cpu().double()  # (1 + P, K, C H W)
        probes = self.probes.flatten(1).cpu().double()
        apart = means[0] - self.observation.flatten().cpu().double()
        follows = torch.einsum("pkn,pn->k", means[1:] - means[0], probes) / (self.count * STEP)
        return best_shares(apart @ apart.T, follows).to(images)


def best_shares(products: Tensor, slopes: Tensor) -> Tensor:
    """The w of least w P w / 2 + s w that are not below 0 and add up to 1, (K,).

    products: P, (K, K); slopes: s, (K,). Shares below 0 are left out, the least first.
    """
    kept = list(range(len(slopes)))
    while True:
        # with a multiplier for the sum
        equations = torch.ones(2 * (len(kept) + 1,)).to(products)
        equations[-1, -1] = 0
        equations[:-1, :-1] = products[kept][:, kept]
        answer = torch.cat([-slopes[kept], torch.ones(1).to(slopes)])
        shares = torch.linalg.lstsq(equations, answer).solution[:-1]
        if len(kept) == 1 or shares.min() >= 0:
            break
        kept.pop(int(shares.argmin()))
    result = torch.zeros_like(slopes)
    result[kept] = shares
    return result


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
            # an image that has left [0, 1] says nothing of the noise
            variance = self.noise(step.image.clamp(0, 1)).mean().item()
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
        """The first, where later images have more error; or where the weights have hardly settled
        and the image has their mesh.
        """
        early = self.steps < EARLY and self.promised > TRUST
        return self.start if early or self.promised < -TRUST else None

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
