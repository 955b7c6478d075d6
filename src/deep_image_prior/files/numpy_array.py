"""Arrays of NumPy, in .npy."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..errors import BadInput
from .picture import Picture, check_page, room

SAMPLES = tuple(np.dtype(code).name for code in "?bBhHiIqQefdg")
COLOURS = 4  # channels at the most: a last axis of more is the width


@dataclass(frozen=True)
class Header:
    """Of an array whose gray has an axis."""


def begins(head: bytes) -> bool:
    """An archive of arrays, too, which is refused."""
    return head.startswith(b"\x93NUMPY") or (head.startswith(b"PK") and b".npy" in head)


def read(path: Path, page: int | None) -> Picture:
    """An array (..., H, W, C) with up to COLOURS channels, or (..., H, W)."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        if "object" in str(error).lower():
            raise BadInput(f"{path} holds Python objects; save it as an array of numbers") from None
        raise
    if not isinstance(array, np.ndarray):
        array.close()
        raise BadInput(f"{path} is an archive of arrays; save the one of the picture as .npy")
    if array.dtype.name not in SAMPLES:
        raise BadInput(f"{path} holds {array.dtype}; save it as integers or real numbers")
    if array.ndim < 2:
        raise BadInput(f"{path} has the shape {array.shape}; an image has two axes or more")
    coloured = array.ndim > 2 and array.shape[-1] <= COLOURS
    leading = array.shape[: -3 if coloured else -2]
    check_page(path, page, math.prod(leading))
    chosen = array[np.unravel_index(page - 1, leading)] if page else array
    pixels = room(chosen.shape, chosen.dtype.newbyteorder("="))
    pixels[...] = chosen
    header = Header() if coloured and pixels.shape[-1] == 1 else None
    pixels = pixels if coloured else pixels[..., None]
    return Picture(pixels, axes="I" * (pixels.ndim - 3), header=header)


def write(picture: Picture, suffix: str, file: BinaryIO) -> None:
    """Gray has an axis where it had one."""
    pixels = picture.pixels
    gray = pixels.shape[-1] == 1 and not isinstance(picture.header, Header)
    np.save(file, np.ascontiguousarray(pixels[..., 0] if gray else pixels), allow_pickle=False)
