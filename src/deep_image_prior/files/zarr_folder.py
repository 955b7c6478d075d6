"""Zarr arrays and images of OME-Zarr: folders of chunks, read and written part by part."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import BadInput
from .picture import Picture, check_page, room

if TYPE_CHECKING:
    import zarr

SAMPLES = (
    *("uint8", "int8", "uint16", "int16", "uint32", "int32"),
    *("float16", "float32", "float64"),
)
DOCUMENTS = ("zarr.json", ".zgroup", ".zarray", ".zattrs")
CONSOLIDATED = "consolidated_metadata"  # copies of them in one
COLOURS = 4  # at the most, in a plain array


@dataclass(frozen=True)
class Metadata:
    """What a folder says of an array in it.

    documents: by their names. level: where the array is. pages: how many axes it has before height
    and width. colours: whether it has one behind them.
    """

    documents: Mapping[str, Any]
    level: str
    pages: int
    colours: bool


def read(path: Path, page: int | None) -> Picture:
    """The largest of the sizes of an OME-Zarr image; or an array, (..., H, W) or (..., H, W, 1 to
    4). Raises BadInput.
    """
    if path.is_file():
        raise BadInput(f"{path} is a zip archive; unpack it, and give the folder that was in it")
    import zarr

    array, level, axes, colours = _found(path, zarr.open(path, mode="r"))
    if array.dtype.name not in SAMPLES:
        raise BadInput(
            f"{path} holds {array.dtype} samples; convert it to 8 or 16 bits or to float"
        )
    pages = len(axes)
    check_page(path, page, math.prod(array.shape[:pages]))
    chosen: tuple[int | slice, ...] = ()
    if page:
        chosen = tuple(map(int, np.unravel_index(page - 1, array.shape[:pages])))
    shape = array.shape[len(chosen) :]
    samples = room(shape, array.dtype.newbyteorder("="))
    for block in _blocks(shape, _chunks(array)[len(chosen) :], pages - len(chosen)):
        samples[block] = array[chosen + block]
    return Picture(
        samples if colours else samples[..., None],
        axes="" if page else axes,
        header=Metadata(_documents(path, level), level, pages, colours),
    )


def _found(path: Path, node: Any) -> tuple["zarr.Array[Any]", str, str, bool]:
    """The array, where it is, its axes before height and width, and whether colours are behind."""
    import zarr

    if isinstance(node, zarr.Array):
        colours = node.ndim > 2 and node.shape[-1] <= COLOURS
        if node.ndim < 2:
            raise BadInput(f"{path} has the shape {node.shape}, which is no picture")
        return node, "", "Q" * (node.ndim - 2 - colours), colours
    scales = _ome(node.attrs.asdict()).get("multiscales")
    if not scales:
        members = ", ".join(sorted(name for name, _ in node.members())) or "nothing"
        raise BadInput(f"{path} is a group, and no image of OME-Zarr; give one of it: {members}")
    level = scales[0]["datasets"][0]["path"]
    array = node[level]
    # those of its first versions have no names
    names = [
        each["name"] if isinstance(each, dict) else each for each in scales[0].get("axes", "tczyx")
    ]
    if len(names) != array.ndim or names[-2:] != ["y", "x"]:
        raise BadInput(f"{path} has the axes {', '.join(names)}; y and x must be the last")
    axes = [name.upper() if len(name) == 1 else "Q" for name in names[:-2]]
    return array, level, "".join(axes), False


def _ome(attributes: Any) -> Any:
    """Those of OME, which have a place of their own since version 0.5."""
    return attributes.get("ome", attributes)


def _chunks(array: "zarr.Array[Any]") -> Sequence[int]:
    """The sides of what is one file."""
    return array.shards or array.chunks


def _blocks(shape: Sequence[int], chunks: Sequence[int], pages: int) -> Iterator[tuple[slice, ...]]:
    """Rows of an array with so many axes before them, as high as its chunks."""
    sides = list(zip(shape, chunks, strict=True))[: pages + 1]
    for corner in product(*(range(0, length, chunk) for length, chunk in sides)):
        yield tuple(
            slice(start, start + chunk) for start, (_, chunk) in zip(corner, sides, strict=True)
        )


def _documents(path: Path, level: str) -> dict[str, Any]:
    """Of the array and of the groups that it is in."""
    last = path / level
    folders = [each for each in (last, *last.parents) if each.is_relative_to(path)]
    places = [folder / name for folder in folders for name in DOCUMENTS]
    return {
        place.relative_to(path).as_posix(): json.loads(place.read_bytes())
        for place in places
        if place.exists()
    }


def write(picture: Picture, suffix: str, folder: Path) -> None:
    """One size of it, as the folder that it was read from says; else as a plain array."""
    import zarr

    samples, metadata = picture.pixels, picture.header
    pages = samples.ndim - 3
    kept = isinstance(metadata, Metadata) and metadata.pages == pages
    if samples.shape[-1] == 1 and not (kept and metadata.colours):
        samples = samples[..., 0]
    if kept:
        for name, document in _fitted(metadata, samples.shape).items():
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(json.dumps(document, indent=2))
        array = zarr.open_array(folder / metadata.level, mode="r+")
    else:
        array = zarr.create_array(folder, shape=samples.shape, dtype=samples.dtype)
    for block in _blocks(samples.shape, _chunks(array), pages):
        array[block] = samples[block]


def _fitted(metadata: Metadata, shape: Sequence[int]) -> dict[str, Any]:
    """The documents of an array of another `shape`, of one size."""
    documents = deepcopy(dict(metadata.documents))
    sides = slice(metadata.pages, metadata.pages + 2)
    for name, document in documents.items():
        document.pop(CONSOLIDATED, None)
        if "shape" in document and not name.endswith(".zattrs"):
            before, document["shape"] = document["shape"], list(shape)
    if metadata.level:
        ome = _ome(documents.get(".zattrs") or documents["zarr.json"]["attributes"])
        scale, *_ = ome["multiscales"]
        largest, *_ = scale["datasets"]
        ome["multiscales"] = [{**scale, "datasets": [largest]}]
        for transformation in largest.get("coordinateTransformations", ()):
            if isinstance(lengths := transformation.get("scale"), list):
                lengths[-2:] = [
                    length * old / new
                    for length, old, new in zip(
                        lengths[-2:], before[sides], shape[sides], strict=True
                    )
                ]
    return documents
