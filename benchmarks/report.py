"""From records to sections of a report: tables, pictures, curves, protocol and command of every item."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np

from . import metrics, records
from .items import BUDGETS, ITEMS, Item, column

Record = dict[str, Any]
NOTABLE = 0.3  # dB from the paper's number
COSTS = ("seconds", "steps", "peak_memory_bytes")


@dataclass(frozen=True)
class Cell:
    """One number of a table, the paper's beside it, and whether its run was interrupted."""

    value: float | None
    published: float | None = None
    partial: bool = False

    @property
    def apart(self) -> float | None:
        """Ours less the paper's."""
        return None if self.value is None or self.published is None else self.value - self.published


@dataclass(frozen=True)
class Section:
    """The records of one item with one budget and crop."""

    item: Item
    budget: str
    crop: int
    records: Sequence[Record]

    @cached_property
    def columns(self) -> list[str]:
        """The images that methods gave, in the order of the item's methods."""
        order = list(self.item.contenders(tuple(self.item.presets)))
        known = sorted(self.records, key=lambda record: (order.index(record["method"]), record["seed"]))
        return list(dict.fromkeys(name for record in known for name in record["scores"]))

    @cached_property
    def pictures(self) -> list[str]:
        """The pictures measured, in the order of the item."""
        there = {record["picture"] for record in self.records}
        return [name for name in self.item.pictures if name in there]

    def of(self, picture: str, column: str) -> list[Record]:
        """The records that have an image `column` of `picture`, seed by seed."""
        found = [record for record in self.records if record["picture"] == picture and column in record["scores"]]
        return sorted(found, key=lambda record: record["seed"])

    @cached_property
    def metrics(self) -> list[str]:
        """The metrics that were measured, the first one first."""
        measured = {name for record in self.records for scores in record["scores"].values() for name in scores}
        return [name for name in self.item.metrics if name in measured]

    @property
    def headings(self) -> list[str]:
        """The columns that have a number of the first metric, and those that only the paper has."""
        if not self.metrics:
            return []
        measured = [name for name in self.columns if any(self.value(p, name).value is not None for p in self.pictures)]
        return list(dict.fromkeys([*measured, *self.item.published]))

    def value(self, picture: str, column: str, metric: str = "") -> Cell:
        """The mean over the seeds, beside the paper's number if the metric is the first."""
        name = metric or self.metrics[0]
        found = self.of(picture, column)
        values = [record["scores"][column][name] for record in found if name in record["scores"][column]]
        published = self.item.published.get(column, {}).get(picture) if not metric else None
        partial = any(not record["complete"] for record in found)
        return Cell(fmean(values) if values else None, published, partial)

    def mean(self, column: str, metric: str = "") -> Cell:
        """The mean over the pictures; the paper's over the same ones, or its own mean if all are there."""
        cells = [self.value(picture, column, metric) for picture in self.pictures]
        measured = [cell for cell in cells if cell.value is not None] or cells
        single = [cell.published for cell in measured if cell.published is not None]
        published = fmean(single) if len(single) == len(measured) else None
        if published is None and not metric and len(measured) == len(self.item.pictures):
            published = self.item.published.get(column, {}).get("mean")
        values = [cell.value for cell in measured if cell.value is not None]
        return Cell(fmean(values) if values else None, published, any(cell.partial for cell in measured))

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
            f"{record['picture']}, {record['method']}: {record['stopped']}, of {record['settings'].get('steps', '?')}"
            for record in self.records
            if not record["complete"]
        ]
        for picture in self.pictures:
            for name in self.headings:
                cell = self.value(picture, name)
                if self.notable(cell):
                    notes.append(f"{picture}, {name}: {cell.apart:+.2f} dB to the paper")
        return notes

    @property
    def command(self) -> str:
        """The command that makes these records."""
        used = [name for name in self.item.presets if column(f"prior ({name})", "") in self.methods]
        options = [
            *([f"--crop {self.crop}"] if self.crop != BUDGETS[self.budget].crop else []),
            *([f"--preset {name}" for name in used] if tuple(used) != BUDGETS[self.budget].presets else []),
            *([f"--seeds {self.seeds}"] if self.seeds > 1 else []),
            *([f"--images {','.join(self.pictures)}"] if len(self.pictures) < len(self.item.pictures) else []),
        ]
        return " ".join([f"python -m benchmarks run {self.item.name} --data DATA --budget {self.budget}", *options])

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
        versions = self.records[-1]["versions"]
        machines = {
            f"{record['machine']}, {record['device']}, {record['threads']} thread(s)" for record in self.records
        }
        span = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
        return "; ".join([span, *sorted(machines), *(f"{name} {version}" for name, version in versions.items())])


def sections(folder: Path) -> list[Section]:
    """Every item that has records, in the order of ITEMS, budget paper first. Raises BadInput."""
    groups: dict[tuple[str, str, int], list[Record]] = defaultdict(list)
    for record in records.read(folder):
        if record["item"] in ITEMS:
            groups[record["item"], record["budget"], record["crop"]].append(record)
    places = list(ITEMS)
    keys = sorted(groups, key=lambda key: (places.index(key[0]), not BUDGETS[key[1]].exact, key[2]))
    return [
        Section(ITEMS[item], budget, crop, [*group, *averaged_runs(folder, ITEMS[item], group)])
        for item, budget, crop in keys
        for group in [groups[item, budget, crop]]
    ]


def averaged_runs(folder: Path, item: Item, group: Iterable[Record]) -> list[Record]:
    """Records of the mean of the averaged images of all seeds, where a picture has several (section 3.1)."""
    runs: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in group:
        if column(record["method"], "average") in record["images"] and record["complete"]:
            runs[record["picture"], record["method"]].append(record)
    return [_mean_of(folder, item, several) for several in runs.values() if len(several) > 1]


def _mean_of(folder: Path, item: Item, several: Sequence[Record]) -> Record:
    method = several[0]["method"]
    name = column(method, "average")
    image = np.mean([records.load_image(folder, record["images"][name]) for record in several], axis=0)
    problem = records.load_problem(folder, several[0])
    title = column(method, f"average of {len(several)} runs")
    measured = {each: metrics.METRICS[each](problem, image) for each in item.metrics}
    stem = Path(several[0]["images"][name]).with_name(f"{method}-mean-of-{len(several)}.png")
    return {
        **several[0],
        "scores": {title: {each: value for each, value in measured.items() if value is not None}},
        "images": {title: records.save_image(folder, str(stem), image)},
        "seconds": sum(record["seconds"] for record in several),
        "steps": sum(record["steps"] for record in several),
        "seed": len(several) - 1,
        "curve": [],
    }
