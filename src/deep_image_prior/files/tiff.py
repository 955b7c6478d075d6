"""TIFF: by tifffile, which holds every kind of sample and reads what memory does not hold."""

import logging
import math
import os
import re
import struct
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tifffile
from PIL import Image, TiffImagePlugin

from ..available import available
from ..errors import BadInput
from ..images import Pixels
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
    check_page,
    described,
    split,
)

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what matters is raised

SAMPLES = ["uint8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64"]
ROOM = 2**32 - 2**25  # bytes of samples in a TIFF of 32 bits; larger ones have no EXIF directories
PROFILE = 34675  # the tag


def read(path: Path, page: int | None) -> Picture:
    """The pages of plain samples of 8 bits and more, many of which Pillow cannot hold; palettes
    and the like by Pillow. Smaller copies of a page are none.
    """
    with tifffile.TiffFile(path) as file:
        pages = [each for each in file.pages if not getattr(each, "is_reduced", False)]
        stack = _stack(file)
        count = max(len(pages), math.prod(_lengths(stack)) if stack else 1)
        check_page(path, page, count)
        source: Any
        if stack and (page is None or len(pages) < count):  # one directory for all of them
            source, first = stack, stack.keyframe
        elif page:
            source = first = pages[page - 1].aspage()
        else:
            raise BadInput(
                f"{path} holds {count} pictures that differ, or are out of order; choose one by "
                "--page, or save them as one stack"
            )
        if first.photometric not in (0, 1, 2) or first.bitspersample < 8:
            if first.bitspersample > 8 or count > 1:
                raise BadInput(
                    f"{path} is {tifffile.PHOTOMETRIC(first.photometric).name} of "
                    f"{first.bitspersample} bits; convert it to RGB or gray first"
                )
            return ordinary.read(path, page)
        picture = _plain(path, source, first)
        exif = _texts(first) if file.is_bigtiff else exif_of(path)
        if page and count > 1:
            exif.pop(DESCRIPTION, None)  # of all pages
        orientation = int(getattr(first.tags.get(ORIENTATION), "value", 1))
        picture = replace(picture, exif=exif or None)
        return (picture.page(page) if page and source is stack else picture).turned(orientation)


def _stack(file: tifffile.TiffFile) -> tifffile.TiffPageSeries | None:
    """All pages, if they are of one kind and in the order of their axes."""
    every = [each for each in file.series if not each.keyframe.is_reduced]
    order = [each.index for each in every[0].pages if each]
    whole = len(every) == 1 and not every[0].is_multifile and len(order) == len(every[0].pages)
    return every[0] if whole and order == sorted(order) else None


def _lengths(series: tifffile.TiffPageSeries) -> Sequence[int]:
    """Of the axes before those of a page."""
    return series.shape[: -len(series.keyframe.axes)]


def _plain(path: Path, source: Any, page: tifffile.TiffPage) -> Picture:
    """Samples, alpha, profile and resolution of gray or RGB pages, all as the first `page`."""
    if page.axes not in ("YX", "YXS", "SYX"):
        raise BadInput(f"{path} has pages of the axes {page.axes}; save it as a stack of images")
    if page.dtype is None or page.dtype.name not in SAMPLES:
        raise BadInput(f"{path} holds {page.dtype} samples; convert it to 8 or 16 bits or to float")
    on_disk = COPIES * source.nbytes > available()
    samples = source.asarray(out=empty(source.shape, page.dtype, on_disk))
    if page.axes == "YX":
        samples = samples[..., None]
    elif page.axes == "SYX":
        samples = np.moveaxis(samples, -3, -1)
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
        axes=source.axes[: samples.ndim - 3],
        profile=profile.value if profile else None,
        dpi=dpi,
        per_unit=None if unit else resolution,
    )


def exif_of(path: Path) -> Image.Exif:
    exif = Image.Exif()
    with path.open("rb") as opened:
        exif.load_from_fp(opened)
        return described(exif)


def _texts(page: tifffile.TiffPage) -> Image.Exif:
    """All that Pillow does not read of a BigTIFF, as it would read it."""
    exif = Image.Exif()
    for code in (DESCRIPTION, SOFTWARE, DATE, *TEXTS):
        if code in page.tags:
            exif[code] = page.tags[code].value.encode().decode("latin-1")
    return described(exif)


def _ratio(value: tuple[int, int]) -> float:
    return value[0] / max(value[1], 1)


def write(picture: Picture, suffix: str, file: BinaryIO) -> None:
    """Strip by strip, page by page."""
    exif = picture.exif or Image.Exif()
    text = {  # Pillow reads them as Latin-1, whatever they are
        code: str(exif[code]).encode("latin-1", "replace")
        for code in (DESCRIPTION, SOFTWARE, *TEXTS)
        if code in exif
    }
    description = _for_size(text.get(DESCRIPTION, b""), *picture.pixels.shape[-3:-1])
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
        photometric="rgb" if picture.pixels.shape[-1] == 3 else "minisblack",
        planarconfig="contig" if samples.ndim > picture.pixels.ndim - 1 else None,
        extrasamples=["unassalpha"] if picture.alpha is not None else None,
        compression="zlib",
        description=description,
        software=text.get(SOFTWARE, b""),
        datetime=exif.get(DATE)
        if re.fullmatch(r"\d{4}(:\d\d){2} \d\d(:\d\d){2}", str(exif.get(DATE)))
        else None,
        # unless the description tells them
        metadata=None if description or not picture.axes else {"axes": _axes(picture, samples)},
        resolution=picture.dpi or picture.per_unit,
        resolutionunit="inch" if picture.dpi else "none",
        extratags=tags,
    )
    for code, entries in directories.items():
        _add_directory(file, code, entries)


def _axes(picture: Picture, samples: Pixels) -> str:
    return picture.axes + "YXS"[: samples.ndim - len(picture.axes)]


def _for_size(description: bytes, height: int, width: int) -> bytes:
    """Where it is OME's it says how large pages are, and their pixels."""
    if not description.rstrip().endswith(b"OME>"):
        return description
    for axis, side in ((b"X", width), (b"Y", height)):
        size = re.search(rb'\bSize%b="(\d+)"' % axis, description)
        physical = re.search(rb'\bPhysicalSize%b="([^"]+)"' % axis, description)
        if size and int(size[1]) != side:
            description = description.replace(size[0], b'Size%b="%d"' % (axis, side))
            if physical:
                length = float(physical[1]) * int(size[1]) / side
                description = description.replace(
                    physical[0], b'PhysicalSize%b="%b"' % (axis, str(length).encode())
                )
    return description


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
