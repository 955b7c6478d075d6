"""A picture of a file: its pixels, and what else the file said."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from PIL import Image

from ..available import available
from ..errors import BadInput
from ..images import Pixels
from ..storage import empty

# TIFF and EXIF tags: the texts that describe a picture, and the directories of more of them
DESCRIPTION, ORIENTATION, SOFTWARE, DATE, TEXTS = 270, 274, 305, 306, (271, 272, 315, 33432)
EXIF_DIRECTORY, GPS_DIRECTORY = 34665, 34853
DESCRIPTIVE = {DESCRIPTION, ORIENTATION, SOFTWARE, DATE, *TEXTS, EXIF_DIRECTORY, GPS_DIRECTORY}
SHAPED = (
    '{"shape":'  # a description that tifffile writes for itself, of the array that it was given
)
COPIES = 3  # of the samples while a file is read
TRANSPOSED = (5, 6, 7, 8)  # orientations whose rows are columns of the upright picture
BELOW, BEHIND = (3, 4, 7, 8), (2, 3, 6, 7)  # those whose last row, or column, is the first
MCU = 16  # pixels a side of a coded unit of JPEG whose colour has half the resolution


@dataclass(frozen=True)
class Quantisation:
    """How a JPEG file kept a picture.

    tables: of the numbers that cosines of brightness and of colour are rounded to multiples of, 64
    each in rows. halved: whether colour is at half the resolution, down and across. top, left: row
    and column of the first whole block. transposed: the blocks have their rows across.
    """

    tables: tuple[tuple[int, ...], tuple[int, ...]]
    halved: tuple[bool, bool]
    top: int = 0
    left: int = 0
    transposed: bool = False


@dataclass(frozen=True)
class Coded:
    """A lossy file that does not say in numbers that can be used how it kept a picture.

    format: "WEBP" or "AVIF". size: of what it kept, bytes.
    """

    format: str
    size: int


@dataclass(frozen=True)
class Picture:
    """An upright image file: pixels (..., H, W, C), alpha (..., H, W) or None, and what else the
    file said.

    dpi: dots per inch across and down. per_unit: pixels per unit across and down where TIFF names
    no unit; ImageJ names it in the description. axes: names of those before H, W and C, which are
    of a stack of pages: "TCZ" for time, channel and depth. header: what else the format keeps,
    which goes back into files of the same format only. raw: whether it was developed from what a
    sensor saw. coding: how a lossy file kept it.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    profile: bytes | None = None
    exif: Image.Exif | None = None
    dpi: tuple[float, float] | None = None
    per_unit: tuple[float, float] | None = None
    axes: str = ""
    header: Any = None
    raw: bool = False
    coding: Quantisation | Coded | None = None

    def with_pixels(self, pixels: Pixels) -> "Picture":
        """The same picture with other pixels (..., H', W', C) of the same view: an alpha of another
        size is resized to theirs, and more of them lie in a unit of length.
        """
        sides, before = pixels.shape[-3:-1], self.pixels.shape[-3:-1]
        height, width = (new / old for new, old in zip(sides, before, strict=True))
        per_unit = self.per_unit and (width * self.per_unit[0], height * self.per_unit[1])
        alpha = self.alpha
        if alpha is not None and sides != before:
            planes = [_resized(each, sides) for each in alpha.reshape(-1, *before)]
            alpha = np.stack(planes).reshape(pixels.shape[:-1])
        return replace(self, pixels=pixels, alpha=alpha, per_unit=per_unit)

    def page(self, number: int) -> "Picture":
        """One of the stack, counted from 1."""
        shape = self.pixels.shape[-3:]
        return replace(
            self,
            pixels=self.pixels.reshape(-1, *shape)[number - 1],
            alpha=None if self.alpha is None else self.alpha.reshape(-1, *shape[:2])[number - 1],
            axes="",
        )

    def turned(self, orientation: int) -> "Picture":
        """Upright, where EXIF says that it is to be turned and mirrored by `orientation` 1 to 8."""
        if self.exif:
            self.exif[ORIENTATION] = 1
        dpi, per_unit = (
            each[::-1] if each and orientation in TRANSPOSED else each
            for each in (self.dpi, self.per_unit)
        )
        pixels = upright(self.pixels, orientation)
        return replace(
            self,
            pixels=pixels,
            alpha=None
            if self.alpha is None
            else upright(self.alpha[..., None], orientation)[..., 0],
            dpi=dpi,
            per_unit=per_unit,
            coding=_turned(self.coding, orientation, pixels.shape[-3:-1])
            if isinstance(self.coding, Quantisation)
            else self.coding,
        )

    def joined(self) -> Pixels:
        """Colours and alpha as one array, (..., H, W) or (..., H, W, C)."""
        samples = self.pixels
        if self.alpha is not None:
            samples = np.concatenate([samples, self.alpha[..., None]], axis=-1)
        samples = np.ascontiguousarray(samples)
        return samples[..., 0] if samples.shape[-1] == 1 else samples


def split(samples: Pixels, has_alpha: bool) -> tuple[Pixels, Pixels | None]:
    """Samples (..., H, W, C) as colours and alpha (..., H, W) or None."""
    return (samples[..., :-1], samples[..., -1]) if has_alpha else (samples, None)


def upright(samples: Pixels, orientation: int) -> Pixels:
    """Samples (..., H, W, C) turned and mirrored as EXIF `orientation` 1 to 8 asks for."""
    if orientation in TRANSPOSED:
        samples = samples.swapaxes(-3, -2)
    if orientation in BELOW:
        samples = samples[..., ::-1, :, :]
    if orientation in BEHIND:
        samples = samples[..., ::-1, :]
    return np.ascontiguousarray(samples)


def _turned(kept: Quantisation, orientation: int, sides: Sequence[int]) -> Quantisation:
    """The same of the upright picture, of the first blocks of a file."""
    swapped = orientation in TRANSPOSED
    return replace(
        kept,
        halved=kept.halved[::-1] if swapped else kept.halved,
        top=sides[0] % MCU if orientation in BELOW else 0,
        left=sides[1] % MCU if orientation in BEHIND else 0,
        transposed=swapped,
    )


def room(shape: Sequence[int], dtype: DTypeLike) -> Pixels:
    """An array for what a file holds, in a temporary file where memory does not hold it."""
    size = COPIES * math.prod(shape) * np.dtype(dtype).itemsize
    return empty(shape, dtype, on_disk=size > available())


def check_page(path: Path, page: int | None, count: int) -> None:
    """Raise BadInput if the file at `path`, of `count` pages, has no `page`; they are counted from
    1.
    """
    if page is not None and page > count:
        raise BadInput(f"{path} has no page {page}; it has {count}")


def _resized(alpha: Pixels, sides: Sequence[int]) -> Pixels:
    """A plane (H, W), bilinearly."""
    top = float(np.iinfo(alpha.dtype).max) if alpha.dtype.kind in "iu" else 1.0
    unit = Image.fromarray((alpha / top).astype(np.float32)).resize(
        (sides[1], sides[0]), Image.Resampling.BILINEAR
    )
    resized = np.clip(np.asarray(unit, np.float64), 0, 1) * top
    return (np.rint(resized) if alpha.dtype.kind in "iu" else resized).astype(alpha.dtype)


def described(exif: Image.Exif) -> Image.Exif:
    """`exif` of an open TIFF without the tags that say how its samples were stored."""
    for code in (EXIF_DIRECTORY, GPS_DIRECTORY):
        exif.get_ifd(code)  # read before the file is closed
    for code in set(exif) - DESCRIPTIVE:
        del exif[code]
    if str(exif.get(DESCRIPTION)).startswith(SHAPED):
        del exif[DESCRIPTION]
    return exif
