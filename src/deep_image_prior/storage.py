"""Pictures that memory does not hold: arrays in temporary files, and strips of their rows."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .available import in_words
from .errors import BadInput

AT_A_TIME = 2**22  # values in a strip


def empty(shape: Sequence[int], dtype: DTypeLike, on_disk: bool = False) -> NDArray[Any]:
    """An array, in memory or in a file without a name, which is gone with the array.

    Raises BadInput if the disk has no room for it.
    """
    if not on_disk:
        return np.empty(shape, dtype)
    size = prod(shape) * np.dtype(dtype).itemsize
    check_room(size)
    with tempfile.TemporaryFile(prefix="dip-") as file:
        if hasattr(os, "posix_fallocate"):  # else a disk that is full ends the process
            os.posix_fallocate(file.fileno(), 0, size)
        return np.memmap(file, dtype, "w+", shape=tuple(shape))


def check_room(size: int) -> None:
    """Raise BadInput if there are not `size` bytes where temporary files go."""
    folder = tempfile.gettempdir()
    if size > (free := shutil.disk_usage(folder).free):
        raise BadInput(
            f"memory does not hold this picture, and {folder} has {in_words(free)} of the "
            f"{in_words(size)} that it needs on a disk; set TMPDIR to a folder with more room"
        )


def strips(height: int, width: int) -> Iterator[slice]:
    """Rows of (height, width), as many at a time as have AT_A_TIME values."""
    rows = max(1, AT_A_TIME // width)
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))
