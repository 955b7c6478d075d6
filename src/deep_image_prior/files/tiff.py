"""TIFF: by tifffile, which holds every kind of sample and reads what memory does not hold."""

import logging
import os
import re
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tifffile
from PIL import Image, TiffImagePlugin

from ..available import available
from ..errors import BadInput
from ..storage import empty
from . import ordinary
from .picture import (
    COPIES,
    DATE,
    DESCRIPTION,
    EXIF_DIRECTORY,
    GPS_DIRECTORY,
    ORIENTATION,
    SOFTWARE,
    TEXTS,
    Picture,
    described,
    split,
)

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what matters is raised

SAMPLES = ["uint8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64"]
ROOM = 2**32 - 2**25  # bytes of samples in a TIFF of 32 bits; larger ones have no EXIF directories
PROFILE = 34675  # the tag


def read(path: Path) -> Picture:
    """The page of plain samples of 8 bits and more, many of which Pillow cannot hold; palettes
    and the like by Pillow.
    """
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        pages = [each for each in file.pages if not getattr(each, "is_reduced", False)]
        if len(pages) > 1 or len(file.series[0].shape) > 3 or page.axes not in ("YX", "YXS", "SYX"):
            raise BadInput(
                f"{path} holds {max(len(pages), file.series[0].size // page.size)} pages; "
                "extract one of them first"
            )
        if page.photometric not in (0, 1, 2) or page.bitspersample < 8:
            if page.bitspersample > 8:
                raise BadInput(
                    f"{path} is {tifffile.PHOTOMETRIC(page.photometric).name}; convert it to "
                    "RGB or gray first"
                )
            return ordinary.read(path)
        picture = _plain(path, page)
        exif = None
        if not file.is_bigtiff:  # Pillow reads no EXIF from these
            exif = Image.Exif()
            with path.open("rb") as opened:
                exif.load_from_fp(opened)
                exif = described(exif) or None
        orientation = int(getattr(page.tags.get(ORIENTATION), "value", 1))
        return replace(picture, exif=exif).turned(orientation)


def _plain(path: Path, page: tifffile.TiffPage) -> Picture:
    """Samples, alpha, profile and resolution of a gray or RGB page."""
    if page.dtype is None or page.dtype.name not in SAMPLES:
        raise BadInput(f"{path} holds {page.dtype} samples; convert it to 8 or 16 bits or to float")
    on_disk = COPIES * page.nbytes > available()
    samples = page.asarray(out=empty(page.shape, page.dtype, on_disk))
    if page.axes == "SYX":
        samples = np.moveaxis(samples, 0, -1)
    if page.photometric == 0:  # white is zero
        if samples.dtype.kind != "u":
            raise BadInput(
                f"{path} counts {samples.dtype} from white down; convert it to black is zero first"
            )
        np.subtract(np.iinfo(samples.dtype).max, samples, out=samples)
    extra = tuple(page.extrasamples)
    if 1 in extra:
        raise BadInput(f"{path} has colours multiplied by alpha; save it with straight alpha first")
    across, down = page.tags.get(282), page.tags.get(283)
    resolution = (_ratio(across.value), _ratio(down.value)) if across and down else None
    unit = {2: 1.0, 3: 2.54}.get(int(getattr(page.tags.get(296), "value", 2)))
    dpi = (unit * resolution[0], unit * resolution[1]) if unit and resolution else None
    profile = page.tags.get(PROFILE)
    return Picture(
        *split(samples, extra == (2,)),
        profile=profile.value if profile else None,
        dpi=dpi,
        per_unit=None if unit else resolution,
    )


def _ratio(value: tuple[int, int]) -> float:
    return value[0] / max(value[1], 1)


def write(picture: Picture, suffix: str, file: BinaryIO) -> None:
    """Strip by strip."""
    exif = picture.exif or Image.Exif()
    text = {
        code: str(exif[code]).encode() for code in (DESCRIPTION, SOFTWARE, *TEXTS) if code in exif
    }
    tags: list[tuple[Any, ...]] = [
        (code, "s", 0, text[code], True) for code in TEXTS if code in text
    ]
    if picture.profile:
        tags.append((PROFILE, "B", len(picture.profile), picture.profile, True))
    samples = picture.joined()
    large = samples.nbytes > ROOM
    directories = {
        code: entries
        for code in (EXIF_DIRECTORY, GPS_DIRECTORY)
        if (entries := exif.get_ifd(code)) and not large
    }
    # tifffile writes no directories: a number of ours keeps their places
    tags.extend((code - 1, "I", 1, 0, True) for code in directories)
    tifffile.imwrite(
        file,
        samples,
        bigtiff=large,
        photometric="rgb" if picture.pixels.shape[2] == 3 else "minisblack",
        planarconfig="contig" if samples.ndim == 3 else None,
        extrasamples=["unassalpha"] if picture.alpha is not None else None,
        compression="zlib",
        description=text.get(DESCRIPTION, b""),
        software=text.get(SOFTWARE, b""),
        datetime=exif.get(DATE)
        if re.fullmatch(r"\d{4}(:\d\d){2} \d\d(:\d\d){2}", str(exif.get(DATE)))
        else None,
        metadata=None,
        resolution=picture.dpi or picture.per_unit,
        resolutionunit="inch" if picture.dpi else "none",
        extratags=tags,
    )
    for code, entries in directories.items():
        _add_directory(file, code, entries)


def _add_directory(file: BinaryIO, code: int, entries: dict[int, Any]) -> None:
    """Write the directory `entries` behind a TIFF, and a pointer `code` to it in place of the tag
    before it.
    """
    file.seek(0)
    order = file.read(2)
    directory = TiffImagePlugin.ImageFileDirectory_v2(prefix=order)
    directory.update(entries)
    end = file.seek(0, os.SEEK_END)
    offset = end + end % 2
    file.write(b"\0" * (offset - end) + directory.tobytes(offset))
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        byteorder, place = tiff.byteorder, tiff.pages.first.tags[code - 1].offset
    file.seek(place)
    file.write(struct.pack(f"{byteorder}HHII", code, 4, 1, offset))
    file.seek(0, os.SEEK_END)
