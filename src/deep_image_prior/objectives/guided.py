"""Where what is known of the noise is not exact enough for Stein's risk: z estimates of the image,
and E the residual.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import torch
from torch import Generator, Tensor

from ..degradations import CorrelatedNoise
from ..descent import Problem, Trial
from ..step import Step
from ..stopping import Patience
from ..windows import Place
from .objective import Architecture, Objective, Observed

SHARE = 0.5  # of f(z) in the mix, where it is as near to the truth as the estimate
REGAINED = 0.25  # of what the estimate took out; f that has put so much back has learned the noise
# of the squared difference to the first estimate, and of the deviation of the noise, in the squared
# error
APART, LEFT = 2.4, 2.5 / 255
GUIDED = 0.6  # of that sum, what it is beside a guide, which tells what the noise hid

# noise, x0, how many, where x0 begins, the guide
Estimates = Callable[[CorrelatedNoise, Tensor, int, Place, Tensor | None], Tensor]


@dataclass(frozen=True)
class Guided(Objective):
    """z the estimates, as the photo with flash is in section 3.7; the result is a mix of f(z) and
    the last estimate e. Their errors have little in common: an estimate knows the noise and windows
    of the image, f neither, but all of the image at once.

    estimates: (noise, x0 (1, C, H, W), how many, the rows and columns before it, the guide or None)
    -> (K, C, H, W); count: how many. A guide is the last image of z.
    """

    # no panel: what f learns of one part of a picture does not hold for another
    estimates: Estimates
    count: int = 4

    def problem(self, network: Architecture, observed: Observed) -> Problem:
        noise, x0 = observed.damaged_by(CorrelatedNoise), observed.x0

        @cache
        def made() -> Tensor:
            return self.estimates(noise, x0, self.count, (0, 0), observed.guide)

        def error(x: Tensor) -> Tensor:
            times = 1.0 if observed.guide is None else GUIDED
            return times * likely_error(x, made()[:1], noise.variance)

        def code(generator: Generator) -> Tensor:
            guide = [] if observed.guide is None else [observed.guide]
            return torch.cat([made().flatten(0, 1)[None], *guide], dim=1)

        _, channels, height, width = x0.shape
        inputs = self.count * channels
        if observed.guide is not None:
            inputs += observed.guide.shape[1]
        return Problem(
            partial(network, inputs, channels),
            code,
            observed.energy,
            shape=(1, inputs, height, width),
            finish=lambda f: mixed(f, made()[-1:], x0, noise.variance),
            rule=lambda: AgreementGuard(made()[-1:], noise.variance),
            images=self.count,
            trials=lambda: [Trial(None, error)],
        )


def likely_error(x: Tensor, first: Tensor, variance: Callable[[Tensor], Tensor]) -> Tensor:
    """About the squared error of x (1, C, H, W): what is left of the noise, and how far x is from
    the first estimate, which knows the noise and little of the image.
    """
    return APART * (x - first).square() + LEFT * variance(x).sqrt()


def mixed(f: Tensor, e: Tensor, x0: Tensor, variance: Callable[[Tensor], Tensor]) -> Tensor:
    """e + w (f - e), images (1, C, H, W), w their `share`."""
    return torch.lerp(e, f, share(f, e, x0, variance))


def share(f: Tensor, e: Tensor, x0: Tensor, variance: Callable[[Tensor], Tensor]) -> Tensor:
    """w = SHARE (1 - a / REGAINED) / (1 + d^2 / s^2), of f in a mix with e, images (1, C, H, W).

    a = <f - e, x0 - e> / |x0 - e|^2, at least 0: what f put back of what the estimate e took out.
    d^2 = |f - e|^2 / n: f that is far has drawn too little. s^2 is the mean variance of the noise.
    """
    apart, taken = f - e, x0 - e
    regained = (apart * taken).mean() / taken.square().mean().clamp_min(1e-12)
    far = apart.square().mean() / variance(e).mean().clamp_min(1e-12)
    return SHARE * (1 - regained / REGAINED).clamp(0, 1) / (1 + far)


class AgreementGuard(Patience):
    """Choose the f(z) that is nearest to the estimate: f leaves it again where it fits the noise.

    uncertainty_db: 10 log10(1 + d^2 / 4 s^2), d the difference of f(z) and the estimate, s^2 the
    variance of the noise: a quarter of d^2 is about the error of their mean, if their errors have
    nothing in common.
    """

    def __init__(self, estimate: Tensor, noise: Callable[[Tensor], Tensor]) -> None:
        def distance(step: Step) -> float:
            return (step.average - estimate).square().mean().item()

        super().__init__("agreement", "nearest to the estimate", distance)
        self.variance = noise(estimate).mean().item()

    @property
    def uncertainty_db(self) -> float | None:
        if self.chosen is None:
            return None
        return 10 * math.log10(1 + self.least / max(4 * self.variance, 1e-12))
