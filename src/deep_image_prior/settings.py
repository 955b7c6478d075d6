"""How to descend: the numbers of a fit."""

from dataclasses import dataclass, fields

from .errors import BadInput
from .options import check, option


@dataclass(frozen=True)
class Settings:
    """How to descend; the defaults are those of the paper's default architecture (section 4).

    Raises BadInput for a value out of its range.
    """

    steps: int = option(default=2000, kind=int, least=1, help="Gradient steps at the most.")
    learning_rate: float = option(default=0.01, kind=float, above=0, help="Step size of Adam.")
    jitter: float = option(
        default=1 / 30,
        kind=float,
        least=0,
        help="Standard deviation of the normal noise added to the code each step.",
    )
    turns: int = option(
        default=1,
        kind=int,
        least=1,
        most=8,
        help="Flips and quarter turns that the code is shown in, one a step.",
    )
    shifts: int = option(
        default=1,
        kind=int,
        least=1,
        most=64,
        help="Shifts each way, by 0, 1, ... pixels, that the code is shown at.",
    )
    window: int = option(
        default=0,
        kind=int,
        least=0,
        help="Pixels a side of the window of the picture that a step sees, another one each step; "
        "0: the whole.",
    )
    windows: int = option(default=1, kind=int, least=1, help="Windows that a step sees.")
    averaging: float = option(
        default=0.99,
        kind=float,
        least=0,
        below=1,
        help="Weight of the past in the running average of the images, or of the weights with "
        "windows.",
    )
    seed: int = option(
        default=0,
        kind=int,
        least=0,
        below=2**63,
        help="Seed of the weights, the code and the jitter.",
    )
    runs: int = option(
        default=1,
        kind=int,
        least=1,
        help="Independent runs, their images averaged (of pictures of the inside of a classifier "
        "the one of the least energy is kept); run k uses seed + k.",
    )
    max_rollbacks: int = option(
        default=20,
        kind=int,
        least=0,
        help="Rollbacks to good weights after a jump of the energy, before giving up.",
    )

    def __post_init__(self) -> None:
        check(self)
        if self.window == 1:
            raise BadInput("window is 1, but must be 0 or at least 2: one pixel has no neighbours")


SETTINGS = frozenset(each.name for each in fields(Settings))
