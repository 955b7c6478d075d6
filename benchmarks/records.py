"""Records: one JSON line a problem, method and seed, and the images beside them."""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from deep_image_prior import BadInput, files
from deep_image_prior.files import Picture
from deep_image_prior.images import Pixels

from .problems import Problem

LINES = "records.jsonl"
Record = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """What identifies a record: it is run once. crop: side of the centre crop, 0 for the whole
    picture.
    """

    item: str
    budget: str
    crop: int
    picture: str
    method: str
    seed: int

    @property
    def folder(self) -> str:
        """Where its images lie: one folder a picture, for its clean and its degraded image are
        shared.
        """
        return f"{self.item}/{self.budget}{self.crop or ''}/{self.picture}"

    def __str__(self) -> str:
        return (
            f"{self.item} {self.picture}: {self.method}{f', seed {self.seed}' if self.seed else ''}"
        )


def read(folder: Path) -> list[Record]:
    """Every record of a folder, the newest of each run; a line that a kill cut short is left out.
    Raises BadInput.
    """
    path = folder / LINES
    if not path.exists():
        return []
    newest: dict[Run, Record] = {}
    *lines, _ = path.read_bytes().split(b"\n")  # what has no end of line was being written
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            newest[run_of(record)] = record
        except (ValueError, KeyError, TypeError):
            raise BadInput(
                f"{path}, line {number} is not a record; delete that line, the others stand"
            ) from None
    return list(newest.values())


def run_of(record: Record) -> Run:
    """The identity of a record."""
    return Run(**{name: record[name] for name in Run.__dataclass_fields__})


def append(folder: Path, record: Record) -> None:
    """Add one line, whole or not at all as far as `read` is concerned."""
    path = folder / LINES
    with path.open("a+b") as lines:
        if lines.tell():
            lines.seek(-1, 2)
            if lines.read(1) != b"\n":
                lines.truncate(path.read_bytes().rfind(b"\n") + 1)
        lines.write(json.dumps(record).encode() + b"\n")


def save_image(folder: Path, name: str, image: Pixels) -> str:
    """Write (H, W, C) in [0, 1] as a 16-bit PNG; returns its path within the folder of records."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = np.rint(np.clip(image, 0, 1) * 65535).astype(np.uint16)
    files.write_atomically(path, partial(files.encode, Picture(stored), ".png"), overwrite=True)
    return name


def load_image(folder: Path, name: str) -> Pixels:
    """The inverse of `save_image`. Raises BadInput if it is missing or damaged."""
    if not (folder / name).is_file():
        raise BadInput(
            f"{folder / name} is missing; run what it was recorded by again, and it will be remade"
        )
    return files.read(folder / name).pixels / np.float64(65535)


def load_problem(folder: Path, record: Record) -> Problem:
    """The pictures that a run was about, as its record knows them. Raises BadInput."""
    images = {name: load_image(folder, path) for name, path in record["problem"].items()}
    known = images["known"][..., 0] > 0.5 if "known" in images else None
    return Problem(
        record["picture"], images["degraded"], images.get("clean"), known, images.get("guide")
    )
