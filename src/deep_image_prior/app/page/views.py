"""Files and arrays of pixels as they are looked at and downloaded.

What opens files runs in a process of its own: a file that brings its decoder down does no harm.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ... import files
from ...errors import BadInput
from ...images import Pixels, scale_of
from ...storage import strips

SHARES = (0.001, 0.999)  # of the values of floats in units of their own, as black and white
SAMPLE = 2**20  # values that these are measured on
FINER = 2  # samples of a region for each pixel that is shown, to a side


def opened(path: Path, array: Path) -> dict[str, Any]:
    """What there is to say of the picture in the file at `path`, whose pixels (pages, H, W, C) are
    written to `array`. Raises BadInput.
    """
    picture = files.read(path)
    pixels = picture.pixels.reshape(-1, *picture.pixels.shape[-3:])
    save(array, pixels)
    black, white = _shown_range(pixels)
    pages, height, width, channels = pixels.shape
    return {
        "width": width,
        "height": height,
        "channels": channels,
        "pages": pages,
        "dtype": str(pixels.dtype.newbyteorder("=")),
        "black": black,
        "white": white,
    }


def save(array: Path, pixels: Pixels) -> None:
    """The pixels as a file that is all there or not at all."""
    part = array.with_suffix(".part")
    with part.open("wb") as file:
        np.lib.format.write_array(file, pixels, allow_pickle=False)
    part.replace(array)


def load(array: Path) -> Pixels:
    """The pixels (pages, H, W, C), as a view of the file."""
    pixels: Pixels = np.load(array, mmap_mode="r", allow_pickle=False)
    return pixels.reshape(-1, *pixels.shape[-3:])


def _shown_range(pixels: Pixels) -> tuple[float, float]:
    """Black and white; of numbers in units of their own those that few are beyond."""
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize <= 2:
        return 0.0, scale_of(pixels).white
    values = pixels.reshape(-1)[:: max(1, pixels.size // SAMPLE)]
    values = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not values.size or scale_of(values[:, None]).one:
        return 0.0, 1.0
    black, white = np.quantile(values.astype(np.float64), SHARES)
    return float(black), float(white if white > black else black + 1)


def region(
    array: Path, black: float, white: float, page: int, box: tuple[int, int, int, int], side: int
) -> bytes:
    """PNG of the region `box` (x, y, width, height), cut to the picture, of a page counted from 1,
    made smaller until no side is above `side`. Raises LookupError if there is none.
    """
    every = load(array)
    if not 1 <= page <= len(every):
        raise LookupError
    pixels = every[page - 1]
    x, y, width, height = box
    left, top = max(0, x), max(0, y)
    cut = pixels[top : max(top, y + height), left : max(left, x + width)]
    if not cut.size:
        raise LookupError
    rows, columns = cut.shape[:2]
    small = min(1.0, side / max(rows, columns))
    shape = (max(1, round(small * columns)), max(1, round(small * rows)))
    step = max(1, round(1 / (small * FINER)))
    sample = cut[::step, ::step, : 3 if cut.shape[2] >= 3 else 1]
    image = Image.fromarray(_shown(sample, black, white))
    if image.size != shape:
        image = image.resize(shape, Image.Resampling.BOX)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def _shown(pixels: Pixels, black: float, white: float) -> Pixels:
    """(H, W) or (H, W, 3) in 8 bits, strip by strip."""
    made: Pixels = np.empty(pixels.shape, np.uint8)
    for rows in strips(len(pixels), pixels[0].size):
        if pixels.dtype == np.uint8 and (black, white) == (0, 255):
            made[rows] = pixels[rows]
        else:
            unit = (pixels[rows].astype(np.float32) - black) / (white - black)
            made[rows] = np.rint(255 * np.clip(np.nan_to_num(unit), 0, 1))
    return made[..., 0] if made.shape[2] == 1 else made


def mixed(
    source: Path, page: int | None, restored: Path, strength: float, suffix: str, target: Path
) -> None:
    """Writes x0 + strength (x - x0) to `target`, in the format of `suffix` and with the metadata
    of the file at `source`, from which x0 is; x: the array or the file `restored`.
    """
    picture = files.read(source, page)
    of_array = restored.suffix == ".npy"
    x = np.load(restored, mmap_mode="r") if of_array else files.read(restored).pixels
    made = picture.with_pixels(_mixture(picture.pixels, x, strength) if strength < 1 else x)
    with target.open("w+b") as file:
        files.encode(made, suffix, file)


def _mixture(x0: Pixels, x: Pixels, strength: float) -> Pixels:
    """x0 + strength (x - x0), integers rounded. Raises BadInput if x is of another size."""
    if x.shape != x0.shape:
        raise BadInput("the result is of another size than the picture; strength has no use here")
    made = np.empty_like(x0)
    for rows in strips(len(x0), x0[0].size):
        before = x0[rows].astype(np.float64)
        between = before + strength * (x[rows] - before)
        made[rows] = np.rint(between) if x0.dtype.kind in "biu" else between
    return made
