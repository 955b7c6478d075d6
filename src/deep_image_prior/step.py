"""One step of the descent, and what may end it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from .windows import WHOLE, Windows

Weights = Mapping[str, Tensor]  # of a network, by name


@dataclass(frozen=True)
class Step:
    """One step: its number from 1, of at most `budget`; E(A(x)); the image x (1, C, H, W); the
    running average of x. window: what of the picture these are; if it is not the whole, average is
    x, and of several windows they are side by side. weights: the running average of theta, for f to
    be applied elsewhere. restored: computes what the restored image would be if this were the last
    step of the only run; None where a step knows only a tile of the picture.
    """

    index: int
    budget: int
    energy: Tensor
    image: Tensor
    average: Tensor
    window: Windows = WHOLE
    weights: Weights = field(default_factory=dict)
    restored: Callable[[], Any] | None = None


@dataclass(frozen=True)
class Stop:
    """Why a run ended: the rule, "budget", "interrupted" or "destabilised"; the step that was
    chosen, or the last; and both in words.
    """

    rule: str
    step: int
    words: str

    def __str__(self) -> str:
        return self.words


class Rule(ABC):
    """When a run ends, and which of its steps gives the image.

    whole: whether it compares images, so that steps have to see the whole picture. residual:
    whether E has to be the residual |A(x) - x0|^2 / n.
    """

    whole = False
    residual = False

    @abstractmethod
    def update(self, step: Step) -> Stop | None:
        """See a step; why to stop after it, or None."""

    @property
    def chosen(self) -> Step | None:
        """The step so far whose average is the image, or None for the last one."""
        return None

    @property
    def uncertainty_db(self) -> float | None:
        """About how many decibels lie between that image and what else could have been chosen."""
        return None
