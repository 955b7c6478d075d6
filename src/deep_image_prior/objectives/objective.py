"""An objective makes z and E of x0 and of what is known of its damage."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..degradations import Degradation, Measurement
from ..descent import Problem
from ..energies import Energy
from ..errors import BadInput
from ..neighbourhoods import Neighbourhood
from ..settings import Settings

# of probes and parts: were it one that people make their noise and masks with, the two could be the
# same numbers
OWN_SEED = 5_772_156_649
EARLY = 10  # steps, that tell nothing yet

Architecture = Callable[[int, int], nn.Module]  # (channels of z, channels of x) -> untrained f


@dataclass(frozen=True)
class Observed:
    """What is known before the fit.

    x0: (1, C, H, W) in [0, 1], with the channels of x, or a Measurement's of any shape. energy:
    E(A(x)), small where A(x) is near x0. damage: what happened to x0, or None. guide: an image
    (1, C', H', W') of the size of x that codes are made for, and perhaps from; by default x0.
    panels: pictures of one size side by side in x0 and the guide, which have nothing to do with
    each other.
    """

    x0: Tensor
    energy: Energy
    damage: Degradation | None = None
    guide: Tensor | None = None
    panels: int = 1

    @property
    def channels(self) -> int:
        """Those of x."""
        return (self.damage if isinstance(self.damage, Measurement) else self.x0[0]).shape[0]

    @property
    def both(self) -> Tensor:
        """x0 and, if there is one, the guide behind its channels."""
        return self.x0 if self.guide is None else torch.cat([self.x0, self.guide], dim=1)

    def apart(self, both: Tensor) -> tuple[Tensor, Tensor | None]:
        """Any part of `both`, as x0 and guide."""
        photo, guide = both.tensor_split([self.channels], dim=1)
        return photo, None if self.guide is None else guide

    def damaged_by(self, *kinds: type[Any]) -> Any:
        """The damage, which must be of the `kinds` that an objective is for. Raises BadInput."""
        for kind in kinds:
            if isinstance(self.damage, kind):
                return self.damage
        found = "none" if self.damage is None else type(self.damage).__name__
        names = " or ".join(kind.__name__ for kind in kinds)
        raise BadInput(
            f"the objective of this preset is for {names}, and the damage here is {found}; "
            "use a preset of the same task"
        )


class Objective(ABC):
    """A choice of z and E, and of the rule that guards them. panel: pixels a side of the parts that
    f can be fitted on, to be applied to the whole of a large picture; 0 if it cannot be. compares:
    whether E is the residual |A(x) - x0|^2 / n, to be compared with noise.
    """

    panel = 0
    compares = False

    def neighbourhoods(self, x0: Tensor) -> Sequence[Neighbourhood]:
        """The parts of x0 (1, C, H, W) that are fitted each by itself; none: all of it is."""
        return ()

    @abstractmethod
    def problem(self, network: Architecture, observed: Observed) -> Problem:
        """min E over the images that f draws of z. Raises BadInput if too little is known."""


@dataclass(frozen=True)
class Preset:
    """A named choice of f, of z and E, and of the descent."""

    network: Architecture
    objective: Objective
    settings: Settings

    def problem(self, observed: Observed) -> Problem:
        return self.objective.problem(self.network, observed)
