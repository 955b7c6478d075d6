"""Exemplars: z fills of holes with patches of what is known, the best one first; E the distance to
that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial

from torch import Generator, Tensor

from ..degradations import Holes
from ..denoisers import consensus_fill
from ..descent import Problem
from ..neighbourhoods import Neighbourhood, neighbourhoods
from .estimated import Distance
from .objective import Architecture, Objective, Observed


@dataclass(frozen=True)
class Exemplars(Objective):
    """The best fill itself, for a network that begins as f(z) = z: what f learns of the few holes
    that can be cut into a picture, it learns by heart.

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
