"""E the residual: how far A(x) is from x0."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Generator, Tensor

from ..descent import Problem
from .objective import Architecture, Objective, Observed


@dataclass(frozen=True)
class Residual(Objective):
    """The paper's: z from `code`: (an image of the size of x, a CPU generator) -> z."""

    compares = True
    code: Callable[[Tensor, Generator], Tensor]

    def problem(self, network: Architecture, observed: Observed) -> Problem:
        guide = observed.x0 if observed.guide is None else observed.guide
        inputs = self.code(guide[..., :2, :2], torch.Generator()).shape[1]
        return Problem(
            partial(network, inputs, observed.channels),
            partial(self.code, guide),
            observed.energy,
            shape=(1, inputs, *guide.shape[-2:]),
        )
