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
from ..descent import Problem, Step
from ..stopping import Patience
from .objective import Architecture, Objective, Observed

SHARE = 0.3  # of f(z) in the mix: an estimate is as a rule the nearer of the two


@dataclass(frozen=True)
class Guided(Objective):
    """z the estimates, as the photo with flash is in section 3.7; the result is a mix of f(z) and
    the last estimate. Their errors have little in common: an estimate knows the noise and windows
    of the image, f neither, but all of the image at once.

    estimates: (noise, x0 (1, C, H, W), how many) -> (K, C, H, W); count: how many.
    """

    estimates: Callable[[CorrelatedNoise, Tensor, int], Tensor]
    count: int = 3

    def problem(self, network: Architecture, observed: Observed) -> Problem:
        noise, x0 = observed.damage, observed.x0
        assert isinstance(noise, CorrelatedNoise)

        @cache
        def made() -> Tensor:
            return self.estimates(noise, x0, self.count)

        def code(generator: Generator) -> Tensor:
            return made().reshape(1, -1, *x0.shape[-2:])

        _, channels, height, width = x0.shape
        inputs = self.count * channels
        return Problem(
            partial(network, inputs, channels),
            code,
            observed.energy,
            shape=(1, inputs, height, width),
            finish=lambda x: torch.lerp(made()[-1:], x, SHARE),
            rule=lambda: AgreementGuard(made()[-1:], noise.variance),
        )


class AgreementGuard(Patience):
    """Choose the mix that is nearest to the estimate: f leaves it again where it fits the noise.

    uncertainty_db: 10 log10(1 + d^2 / 4 s^2), d the difference of f(z) and the estimate, s^2 the
    variance of the noise: a quarter of d^2 is about the error of their mean, if their errors have
    nothing in common.
    """

    def __init__(self, estimate: Tensor, noise: Callable[[Tensor], Tensor]) -> None:
        def distance(step: Step) -> float:
            return ((step.average - estimate) / SHARE).square().mean().item()

        super().__init__("nearest to the estimate", distance)
        self.variance = noise(estimate).mean().item()

    @property
    def uncertainty_db(self) -> float | None:
        if self.chosen is None:
            return None
        return 10 * math.log10(1 + self.least / max(4 * self.variance, 1e-12))
