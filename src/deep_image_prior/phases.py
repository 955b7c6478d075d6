"""What is being done while someone waits."""

from collections.abc import Callable
from dataclasses import dataclass

APPLYING = "applying"  # f to the picture, after the steps


@dataclass(frozen=True)
class Phase:
    """name: "measuring" what happened to the picture, "estimates" for the code, "learning" f in
    `total` runs that follow and are watched, "applying" f to the picture, `done` of `total` tiles.
    """

    name: str
    done: int = 0
    total: int = 1


Tell = Callable[[Phase], None]


def silence(phase: Phase) -> None:
    """Tells nobody."""
