"""The benchmark images: where they come from, what they must be, and how they are read."""

import csv
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pooch

from deep_image_prior import BadInput, files
from deep_image_prior.images import Pixels


@dataclass(frozen=True)
class Source:
    """One file of a set: its size in pixels, its checksum, and an address of the same bytes."""

    set: str
    file: str
    width: int
    height: int
    sha256: str
    url: str


@cache
def sources() -> dict[tuple[str, str], Source]:
    """Every file by (set, name without its ending, folder/name in a set of pairs), from
    sources.csv.
    """
    with Path(__file__).with_name("sources.csv").open() as table:
        rows = [
            Source(
                row["set"],
                row["file"],
                int(row["width"]),
                int(row["height"]),
                row["sha256"],
                row["url"],
            )
            for row in csv.DictReader(table)
        ]
    return {(row.set, Path(row.file).with_suffix("").as_posix()): row for row in rows}


def names(set: str) -> tuple[str, ...]:
    """The names of the pictures of a set, in the order of sources.csv."""
    return tuple(name for its_set, name in sources() if its_set == set)


def load(folder: Path, set: str, name: str) -> Pixels:
    """The picture (H, W, C) in [0, 1]. Raises BadInput if it is missing or not the file of
    sources.csv.
    """
    source = sources()[set, name]
    path = folder / set / source.file
    remedy = f"get it with: python -m benchmarks fetch {set} --data {folder}"
    if not path.is_file():
        raise BadInput(f"{path} is missing; {remedy}")
    if hashlib.sha256(path.read_bytes()).hexdigest() != source.sha256:
        raise BadInput(
            f"{path} is damaged or another picture: its checksum is not that of sources.csv; "
            f"{remedy}"
        )
    return files.read(path).pixels / np.float64(255)


def fetch(folder: Path, set: str) -> int:
    """Download what `folder` lacks of a set, checked; returns how many files it has. Raises
    BadInput.
    """
    wanted = [source for source in sources().values() if source.set == set]
    place = folder / set
    place.mkdir(parents=True, exist_ok=True)
    files.check_free(place / "any", overwrite=True)
    pooch.get_logger().setLevel("ERROR")
    for source in wanted:
        try:
            pooch.retrieve(source.url, f"sha256:{source.sha256}", source.file, place)
        except (OSError, ValueError) as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0][:100]
            raise BadInput(
                f"could not get {source.url}: {reason}; put the file at {place / source.file}"
            ) from error
    return len(wanted)
