"""The signature that every method answers to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from deep_image_prior.images import Pixels

from ..problems import Problem

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Effort:
    """How hard to try: seed of what is random, share of the steps in (0, 1], device, and a score
    for the curve.
    """

    seed: int = 0
    share: float = 1.0
    device: torch.device = CPU
    score: Callable[[Pixels], float] | None = None


@dataclass(frozen=True)
class Point:
    """One point of a learning curve: step, seconds so far, E, and the scores of the last and the
    averaged image.
    """

    step: int
    seconds: float
    energy: float
    last: float | None
    average: float | None


@dataclass(frozen=True)
class Outcome:
    """The images (H, W, C) that a method gave, by name, how long it took, and how it went.

    An image named "" is the method's only one. complete: false if it was interrupted or
    destabilised; the images are the best so far. uncertainty_db: of the rule that stopped it.
    calibration: of the map of its uncertainty, numbers by name.
    """

    images: Mapping[str, Pixels]
    seconds: float
    steps: int = 0
    stopped: str = ""
    uncertainty_db: float | None = None
    complete: bool = True
    interrupted: bool = False
    curve: Sequence[Point] = ()
    calibration: Mapping[str, float] = field(default_factory=dict)


Method = Callable[[Problem, Effort], Outcome]


@dataclass(frozen=True)
class Contender:
    """A method in an item. random: another seed gives another result. needs: the module of an
    optional extra.

    cost: seconds a megapixel of result on two cores, at the full number of steps; for the estimates
    of `list`. share: of the steps, at budget small. settings: of the descent; a record made with
    others is run again.
    """

    method: Method
    cost: float
    share: float = 1.0
    random: bool = False
    needs: str = ""
    settings: Mapping[str, float] = field(default_factory=dict)
