"""PNG, JPEG, WebP, AVIF, GIF, BMP, and what TIFF has that is no plain samples: by Pillow."""

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
from PIL import Image, PngImagePlugin
from PIL.JpegImagePlugin import JpegImageFile

from ..available import available, in_words
from ..errors import BadInput
from .picture import COPIES, ORIENTATION, Coded, Picture, Quantisation, check_page, described, split

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "TIFF", "BMP")  # as Pillow names them


def check_memory(path: Path, width: int, height: int, bytes_of_pixel: int) -> None:
    """Raise BadInput if memory cannot hold so many bytes a pixel while the file is read."""
    size, free = width * height * bytes_of_pixel, available()
    if size > free:
        raise BadInput(
            f"{path} is {width} x {height} pixels, which need {in_words(size)} to be opened, and "
            f"{in_words(free)} may be used; save it as TIFF, which is opened part by part, or crop "
            "it first"
        )


@contextmanager
def _any_size() -> Iterator[None]:
    """Pillow refuses no picture for its size: `check_memory` does."""
    limit = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def read(path: Path, page: int | None) -> Picture:
    """The image of the file, or one frame of an animation, counted from 1. Raises BadInput."""
    with path.open("rb") as opened:
        start = opened.read(25)
    png16 = start[1:4] == b"PNG" and start[24:25] == b"\x10"
    with _any_size(), Image.open(path, formats=FORMATS) as file:
        check_memory(path, *file.size, bytes_of_pixel=COPIES * (8 if png16 else 4))
        # phones write a JPEG with a depth map or preview behind it, and call it MPO
        frames = 1 if file.format == "MPO" else getattr(file, "n_frames", 1)
        check_page(path, page, frames)
        if frames > 1:
            if page is None:
                raise BadInput(f"{path} holds {frames} frames; choose one by --page")
            file.seek(page - 1)
        if (
            file.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBa", "YCbCr")
            and not png16
        ):
            raise BadInput(f"{path} is {file.mode}; convert it to RGB or gray first")
        exif, info = file.getexif(), file.info
        if png16:
            samples = imagecodecs.png_decode(path.read_bytes())
            has_alpha = samples.ndim == 3 and samples.shape[2] in (2, 4)
        else:
            has_alpha = file.has_transparency_data
            colours = "L" if file.mode in ("1", "L", "LA") else "RGB"
            samples = np.asarray(file.convert(colours + ("A" if has_alpha else "")))
        samples = samples if samples.ndim == 3 else samples[..., None]
        if file.format == "TIFF":
            exif = described(exif)
        coding = _coding(file, path) if frames == 1 else None
    dpi = info.get("dpi")
    picture = Picture(
        *split(samples, has_alpha),
        profile=info.get("icc_profile"),
        exif=exif or None,
        dpi=(float(dpi[0]), float(dpi[1])) if dpi else None,
        coding=coding,
    )
    return picture.turned(int(exif.get(ORIENTATION, 1)))


def _coding(file: Image.Image, path: Path) -> Quantisation | Coded | None:
    """How a lossy file keeps its picture, as far as it is known."""
    if isinstance(file, JpegImageFile):
        return _quantisation(file)
    if file.format == "AVIF":
        beside = [file.info.get(name) or b"" for name in ("icc_profile", "exif", "xmp")]
        return Coded("AVIF", path.stat().st_size - sum(map(len, beside)))
    if file.format == "WEBP":
        return _lossy_webp(path.read_bytes())
    return None


def _lossy_webp(content: bytes) -> Coded | None:
    """Of chunks of a name, a size and so many bytes, an even number; without loss it is VP8L."""
    at = 12
    while at + 8 <= len(content):
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        if content[at : at + 4] == b"VP8 ":
            return Coded("WEBP", size)
        at += 8 + size + size % 2
    return None


def _quantisation(file: JpegImageFile) -> Quantisation | None:
    """How the file keeps its picture, or None if that is not as most files do: red, green and blue,
    or colour at a quarter of the resolution.
    """
    if file.mode not in ("L", "RGB") or file.info.get("adobe_transform") == 0:
        return None
    # number, samples across and down, and table: of brightness, and of both differences of colour
    (_, wide, high, table), *colour = file.layer
    ratios = {(high / down, wide / across) for _, across, down, _ in colour} or {(1, 1)}
    tables = {number for *_, number in colour} or {table}
    if len(ratios) > 1 or len(tables) > 1 or not ratios <= {(1, 1), (1, 2), (2, 1), (2, 2)}:
        return None
    down, across = ratios.pop()
    bright, coloured = (tuple(file.quantization[each]) for each in (table, tables.pop()))
    return Quantisation((bright, coloured), halved=(down == 2, across == 2))


def write(picture: Picture, suffix: str, file: BinaryIO) -> None:
    """JPEG at quality 95, all others without loss."""
    if picture.pixels.dtype == np.uint16:
        file.write(_encode_png16(picture))
        return
    options: dict[str, Any] = {}
    if suffix in (".jpg", ".jpeg"):
        options = {"quality": 95, "subsampling": 0}
    elif suffix == ".webp":
        options = {"lossless": True, "exact": True}
    kept = {"icc_profile": picture.profile, "exif": picture.exif, "dpi": picture.dpi}
    options.update({name: value for name, value in kept.items() if value is not None})
    Image.fromarray(picture.joined()).save(file, Image.registered_extensions()[suffix], **options)


def _encode_png16(picture: Picture) -> bytes:
    encoded = bytes(imagecodecs.png_encode(picture.joined()))
    chunks = io.BytesIO()
    if picture.profile:
        PngImagePlugin.putchunk(chunks, b"iCCP", b"ICC Profile\0\0", zlib.compress(picture.profile))
    if picture.dpi:
        metres = b"".join(round(dots / 0.0254).to_bytes(4, "big") for dots in picture.dpi)
        PngImagePlugin.putchunk(chunks, b"pHYs", metres, b"\1")
    if picture.exif:
        PngImagePlugin.putchunk(chunks, b"eXIf", picture.exif.tobytes().removeprefix(b"Exif\0\0"))
    header = 8 + 25  # signature and IHDR chunk: the others come after them
    return encoded[:header] + chunks.getvalue() + encoded[header:]
