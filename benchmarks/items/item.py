"""An item of the evidence: one figure or table of the paper as problems x methods x metrics."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..methods import Contender
from ..problems import Problem


@dataclass(frozen=True)
class Budget:
    """How much of an item is run: the side of centre crops (0: whole pictures), all steps or a
    share, presets.
    """

    crop: int
    exact: bool
    presets: tuple[str, ...]


DISTANCES = ("PSNR", "SSIM", "LPIPS")
BUDGETS = {
    "paper": Budget(crop=0, exact=True, presets=("paper",)),
    "small": Budget(crop=128, exact=False, presets=("fast",)),
}


@dataclass(frozen=True)
class Item:
    """A figure or table.

    make: (folder of data, picture, crop) -> Problem; pictures: name -> the file it shows, (set,
    name) of sources.csv. published: column -> picture -> the paper's number for metrics[0], a
    column being a method and which of its images. figure: how the report draws its curves, a name
    of figures.DRAW. verdicts: of its records, what the figure claims and whether it holds. side:
    the most that its pictures have, where that is less than their files'; 0 if it is not.
    """

    name: str
    shows: str
    protocol: str
    pictures: Mapping[str, tuple[str, str]]
    make: Callable[[Path, str, int], Problem]
    baselines: Mapping[str, Contender] = field(default_factory=dict)
    presets: Mapping[str, Contender] = field(default_factory=dict)
    metrics: tuple[str, ...] = DISTANCES
    figure: str = "learning"
    published: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    verdicts: Callable[[Sequence[Mapping[str, Any]]], list[str]] | None = None
    side: int = 0

    def contenders(self, presets: Collection[str] | None = None) -> dict[str, Contender]:
        """The methods by name: those of `presets`, or of all of them, and the baselines."""
        presets = self.presets if presets is None else presets
        return {
            **{f"prior ({name})": self.presets[name] for name in presets if name in self.presets},
            **self.baselines,
        }


def column(method: str, image: str) -> str:
    """The heading of one of the images that a method gives."""
    return f"{method}, {image}" if image else method
