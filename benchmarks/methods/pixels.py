"""A classifier looked into by descent over the pixels: total variation, shifts, or nothing instead
of the prior.
"""

from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deep_image_prior import Settings, descent, energies
from deep_image_prior.features import Features

from .. import judges
from ..problems import Problem
from . import prior
from .method import Contender, Effort, Outcome


@dataclass(frozen=True)
class Shifted:
    """A(x) of x rolled by up to `reach` pixels each way, anew each time (Mahendran and Vedaldi
    2016).
    """

    operator: Any
    reach: int
    generator: np.random.Generator

    def __call__(self, image: Tensor) -> Tensor:
        down, right = map(int, self.generator.integers(-self.reach, self.reach + 1, 2))
        return self.operator(torch.roll(image, (down, right), (-2, -1)))


class Projected(nn.Module):
    """f(z) = x: an image that is its own parameter, put back into [0, 1] after each step; from
    gray, N(1/2, 1/50^2).
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.image = nn.Parameter(0.5 + 0.02 * torch.randn(shape))

    def forward(self, code: Tensor) -> Tensor:
        with torch.no_grad():
            self.image.clamp_(0, 1)
        return self.image


def descended(weight: float, reach: int, steps: int) -> Contender:
    """Adam over pixels in [0, 1]: the energy, under shifts up to `reach`, and weight times the mean
    total variation.
    """
    settings = Settings(steps=steps, learning_rate=0.02, jitter=0, averaging=0.9)

    def method(problem: Problem, effort: Effort) -> Outcome:
        observation = prior.tensor(problem.observation, effort.device)
        plain = Features(judges.own(), problem.layer)
        operator = Shifted(plain, reach, np.random.default_rng(effort.seed)) if reach else plain
        if problem.label:
            energy = energies.activation(operator, judges.own().unit(problem.label))
        else:
            with torch.no_grad():
                wanted = plain(observation)
            energy = energies.relative_error(wanted, operator)
        if weight:
            smooth = (weight / observation.numel(), energies.total_variation)
            energy = energies.weighted_sum((1, energy), smooth)
        posed = descent.Problem(
            partial(Projected, tuple(observation.shape)), lambda generator: observation, energy
        )
        outcome = prior.descend(posed, settings, effort)
        return replace(outcome, images={"": outcome.images["average"]})

    return Contender(method, cost=steps * 0.8, random=True, settings=asdict(settings))
