"""The picture as it emerges, a file every so many steps."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from .. import files
from ..errors import BadInput
from ..files import Picture
from ..step import Step


def writer(values: Mapping[str, Any], picture: Picture) -> Callable[[int, Step], None] | None:
    """A writer of what steps would restore into the folder for snapshots. Raises BadInput if that
    is not empty.
    """
    folder, overwrite = values["snapshots"], values["overwrite"]
    if folder is None:
        if values["every"]:
            raise BadInput("--every needs --snapshots and a folder")
        return None
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise BadInput(
            f"{folder} exists and is not an empty folder; give another --snapshots, or --overwrite"
        )
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is a file; give --snapshots a folder")
    if not folder.exists():
        files.check_free(folder, overwrite)
    if values["record"] and values["record"].resolve() == folder.resolve():
        raise BadInput(f"{folder} would be the record and the snapshots; give two names")
    pixels = picture.pixels
    deep = pixels.dtype not in (np.uint8, np.uint16) or pixels.shape[2] not in (1, 3)
    suffix = ".tif" if deep else ".png"

    def save(run: int, step: Step) -> None:
        if step.restored is None:
            raise ValueError("memory holds only one tile at a time")
        folder.mkdir(exist_ok=True)
        snapshot = replace(picture.with_pixels(step.restored()), exif=None)
        path = folder / f"run{run}-step{step.index:06d}{suffix}"
        files.write_atomically(path, partial(files.encode, snapshot, suffix), overwrite)

    return save
