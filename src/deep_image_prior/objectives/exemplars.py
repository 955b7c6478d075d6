"""Exemplars: fills of holes with patches of what is known, and x of patches near their mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from .. import codes
from ..degradations import Holes
from ..denoisers import consensus_fill, halve_known
from ..descent import Problem
from ..energies import squared_error
from ..neighbourhoods import Neighbourhood, neighbourhoods
from ..operators import Mask
from .estimated import Distance
from .objective import Architecture, Objective, Observed


@dataclass(frozen=True)
class Exemplars(Objective):
    """z: x, and the fills; E the distance to x, for a network that begins as f(z) = z. What f
    learns of the few holes that can be cut into a picture, it learns by heart.

    sizes: of the patches of the fills, pixels a side.
    """

    sizes: Sequence[int] = (5, 7, 9)

    def neighbourhoods(self, x0: Tensor) -> Sequence[Neighbourhood]:
        return neighbourhoods(x0)

    def problem(self, network: Architecture, observed: Observed) -> Problem:
        x0, known = observed.x0, observed.damaged_by(Holes).find(observed.x0)
        _, channels, height, width = x0.shape
        inputs = (1 + len(self.sizes)) * channels

        @cache
        def fills() -> Tensor:
            return consensus_fill(x0.nan_to_num(), known, self.sizes).flatten(0, 1)[None]

        def code(generator: Generator) -> Tensor:
            return fills()  # by no random numbers of a run

        return Problem(
            partial(network, inputs, channels),
            code,
            Distance(lambda: fills()[:, :channels]),
            shape=(1, inputs, height, width),
        )


@dataclass(frozen=True)
class ExemplarsAndPrior(Exemplars):
    """z the grid, E the squared error of the known pixels, at half the resolution; and what f
    draws there is one more fill.
    """

    def problem(self, network: Architecture, observed: Observed) -> Problem:
        x0, mask = observed.x0.nan_to_num(), observed.damaged_by(Holes).find(observed.x0)
        small, known = halve_known(x0, mask)
        z = codes.meshgrid(small, torch.Generator())
        count = int(known.expand_as(small).sum())
        height, width = x0.shape[-2:]

        def finish(x: Tensor) -> Tensor:
            drawn = F.interpolate(x, scale_factor=2, mode="bilinear")[..., :height, :width]
            return torch.where(mask > 0, x0, drawn)

        return Problem(
            partial(network, z.shape[1], x0.shape[1]),
            lambda generator: z,
            squared_error(small, Mask(known), count),
            shape=tuple(z.shape),
            finish=finish,
            complete=lambda x: consensus_fill(x0, mask, self.sizes, beside=[x])[:1],
        )
