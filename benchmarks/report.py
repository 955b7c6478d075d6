"""From records to sections of a report: tables, pictures, curves, protocol and command of every
item.
"""

import shlex
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean, median

import numpy as np

from deep_image_prior import BadInput
from deep_image_prior.images import Pixels

from . import metrics, records
from .items import BUDGETS, ITEMS, Item, column
from .records import Record

NOTABLE = 0.3  # dB from the paper's number
COSTS = ("seconds", "steps", "peak_memory_bytes")


@dataclass(frozen=True)
class Cell:
    """One number of a table, the paper's beside it, whether a run was interrupted, and over how
    many pictures.
    """

    value: float | None
    published: float | None = None
    partial: bool = False
    pictures: int = 1

    @property
    def apart(self) -> float | None:
        """Ours less the paper's."""
        return None if self.value is None or self.published is None else self.value - self.published


@dataclass(frozen=True)
class Section:
    """The records of one item with one budget and crop; means: those of the mean images of several
    runs.
    """

    item: Item
    budget: str
    crop: int
    records: Sequence[Record]
    means: Sequence[Record] = ()

    @cached_property
    def columns(self) -> list[str]:
        """The images that methods gave, in the order of the item's methods."""
        order = list(self.item.contenders())
        known = sorted(
            [*self.records, *self.means],
            key=lambda record: (order.index(record["method"]), record["seed"]),
        )
        return list(dict.fromkeys(name for record in known for name in record["scores"]))

    @cached_property
    def pictures(self) -> list[str]:
        """The pictures measured, in the order of the item."""
        there = {record["picture"] for record in self.records}
        return [name for name in self.item.pictures if name in there]

    def of(self, picture: str, column: str) -> list[Record]:
        """The records that have an image `column` of `picture`, seed by seed."""
        every = (*self.records, *self.means)
        found = [
            record
            for record in every
            if record["picture"] == picture and column in record["scores"]
        ]
        return sorted(found, key=lambda record: record["seed"])

    @cached_property
    def metrics(self) -> list[str]:
        """The metrics that were measured, the first one first."""
        measured = {
            name
            for record in self.records
            for scores in record["scores"].values()
            for name in scores
        }
        return [name for name in self.item.metrics if name in measured]

    @cached_property
    def measured(self) -> list[str]:
        """The columns that have a number of the first metric."""
        if not self.metrics:
            return []
        return [
            name
            for name in self.columns
            if any(self.value(p, name).value is not None for p in self.pictures)
        ]

    @property
    def headings(self) -> list[str]:
        """The columns measured, and those that only the paper has."""
        there = (
            {*self.pictures, "mean"}
            if len(self.pictures) == len(self.item.pictures)
            else {*self.pictures}
        )
        papers = [name for name, numbers in self.item.published.items() if there & set(numbers)]
        return list(dict.fromkeys([*self.measured, *(papers if self.metrics else ())]))

    @cached_property
    def common(self) -> list[str]:
        """The pictures that every measured column has a number for."""
        return [
            p
            for p in self.pictures
            if all(self.value(p, name).value is not None for name in self.measured)
        ]

    def rows(self, metric: str) -> list[tuple[str, list[Cell]]]:
        """The rows of another metric: its mean, or every picture where some have no truth for the
        first one.
        """
        if all(
            any(self.value(p, name).value is not None for name in self.measured)
            for p in self.pictures
        ):
            return [(f"{metric}, mean", [self.mean(name, metric) for name in self.headings])]
        return [
            (f"{metric}, {p}", [self.value(p, name, metric) for name in self.headings])
            for p in self.pictures
        ]

    def value(self, picture: str, column: str, metric: str = "") -> Cell:
        """The mean over the seeds, beside the paper's number if the metric is the first."""
        name = metric or self.metrics[0]
        found = self.of(picture, column)
        values = [
            record["scores"][column][name] for record in found if name in record["scores"][column]
        ]
        published = self.item.published.get(column, {}).get(picture) if not metric else None
        partial = any(not record["complete"] for record in found)
        return Cell(fmean(values) if values else None, published, partial)

    def mean(self, column: str, metric: str = "") -> Cell:
        """The mean over the column's pictures; the paper's over the same ones, or its own mean if
        they are all.
        """
        cells = [self.value(picture, column, metric) for picture in self.pictures]
        measured = [cell for cell in cells if cell.value is not None]
        own = measured or cells
        single = [cell.published for cell in own if cell.published is not None]
        published = fmean(single) if len(single) == len(own) else None
        if published is None and not metric and len(own) == len(self.item.pictures):
            published = self.item.published.get(column, {}).get("mean")
        values = [cell.value for cell in measured if cell.value is not None]
        partial = any(cell.partial for cell in measured)
        return Cell(fmean(values) if values else None, published, partial, pictures=len(values))

    def notable(self, cell: Cell) -> bool:
        """Whether ours is far from the paper's, both being of whole pictures and every step."""
        return self.exact and cell.apart is not None and abs(cell.apart) > NOTABLE

    @property
    def exact(self) -> bool:
        return BUDGETS[self.budget].exact and not self.crop

    def cost(self, column: str) -> tuple[float, int, float] | None:
        """Medians over pictures and seeds of seconds, steps, and peak memory in MiB."""
        found = [record for picture in self.pictures for record in self.of(picture, column)]
        if not found:
            return None
        seconds, steps, memory = (median(record[name] for record in found) for name in COSTS)
        return seconds, round(steps), memory / 2**20

    @property
    def verdicts(self) -> list[str]:
        """What the item claims about its records, and whether it holds."""
        return self.item.verdicts(self.records) if self.item.verdicts else []

    @property
    def notes(self) -> list[str]:
        """Interrupted runs, and numbers far from the paper's."""
        notes = [
            f"† {record['picture']}, {record['method']}: {record['stopped']}, of "
            f"{self.wanted(record)}"
            for record in self.records
            if not record["complete"]
        ]
        for picture in self.pictures:
            for name in self.headings:
                cell = self.value(picture, name)
                if self.notable(cell):
                    notes.append(f"{picture}, {name}: {cell.apart:+.2f} dB to the paper")
        return notes

    @staticmethod
    def wanted(record: Record) -> int:
        """The steps that a run would have taken."""
        return max(1, round(record["share"] * record["settings"].get("steps", 0)))

    @property
    def command(self) -> str:
        """The command that makes these records."""
        used = [name for name in self.item.presets if f"prior ({name})" in self.methods]
        expected = self.item.contenders(used or BUDGETS[self.budget].presets)
        named = (
            []
            if self.methods == set(expected)
            else [n for n in self.item.contenders() if n in self.methods]
        )
        options = [
            *([f"--crop {self.crop}"] if self.crop != BUDGETS[self.budget].crop else []),
            *(
                [
                    f"--preset {name}"
                    for name in used
                    if not named and tuple(used) != BUDGETS[self.budget].presets
                ]
            ),
            *(f"--method {shlex.quote(name)}" for name in named),
            *([f"--seeds {self.seeds}"] if self.seeds > 1 else []),
            *(
                [f"--images {shlex.quote(','.join(self.pictures))}"]
                if len(self.pictures) < len(self.item.pictures)
                else []
            ),
        ]
        return " ".join(
            [
                f"python -m benchmarks run {self.item.name} --data DATA --budget {self.budget}",
                *options,
            ]
        )

    @property
    def methods(self) -> set[str]:
        return {record["method"] for record in self.records}

    @property
    def seeds(self) -> int:
        return 1 + max(record["seed"] for record in self.records)

    @property
    def circumstances(self) -> str:
        """Dates, versions and machine."""
        dates = sorted({record["date"][:10] for record in self.records})
        versions = dict.fromkeys(
            f"{name} {version}"
            for record in self.records
            for name, version in record["versions"].items()
        )
        machines = {
            f"{record['machine']}, {record['device']}, {record['threads']} thread(s)"
            for record in self.records
        }
        span = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
        return "; ".join([span, *sorted(machines), *versions])


def sections(folder: Path, known: Sequence[Record]) -> list[Section]:
    """Every item that has records, in the order of ITEMS, budget paper first. Raises BadInput if
    there are none.
    """
    if not known:
        raise BadInput(
            f"{folder} holds no records; make some with: python -m benchmarks run ITEM --data DATA"
        )
    groups: dict[tuple[str, str, int], list[Record]] = defaultdict(list)
    for record in known:
        groups[record["item"], record["budget"], record["crop"]].append(record)
    places = list(ITEMS)
    keys = sorted(groups, key=lambda key: (places.index(key[0]), not BUDGETS[key[1]].exact, key[2]))
    return [
        Section(
            ITEMS[key[0]],
            key[1],
            key[2],
            groups[key],
            averaged_runs(folder, ITEMS[key[0]], groups[key]),
        )
        for key in keys
    ]


def averaged_runs(folder: Path, item: Item, group: Iterable[Record]) -> list[Record]:
    """Records of the mean of the averaged images of two and of all seeds, where a picture has
    several (section 3.1).
    """
    runs: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in sorted(group, key=lambda record: record["seed"]):
        if column(record["method"], "average") in record["images"] and record["complete"]:
            runs[record["picture"], record["method"]].append(record)
    return [
        _mean_of(folder, item, several[:count])
        for several in runs.values()
        for count in sorted({2, len(several)})
        if len(several) >= count > 1
    ]


def _mean_of(folder: Path, item: Item, several: Sequence[Record]) -> Record:
    method = several[0]["method"]
    title = column(method, f"average of {len(several)} runs")
    images = [
        records.load_image(folder, record["images"][column(method, "average")])
        for record in several
    ]
    image: Pixels = np.mean(images, axis=0)
    problem = records.load_problem(folder, several[0])
    measured = {name: metrics.METRICS[name](problem, image) for name in item.metrics}
    return {
        **several[0],
        "scores": {title: {name: value for name, value in measured.items() if value is not None}},
        "images": {title: image},
        "seconds": sum(record["seconds"] for record in several),
        "steps": sum(record["steps"] for record in several),
    }
