"""Image files <-> pixels; depth, alpha and metadata are kept."""

import io
import logging
import os
import re
import shutil
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import tifffile
from PIL import Image, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError

from .available import available, in_words
from .errors import BadInput
from .images import Pixels
from .storage import empty

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what matters is raised

# what each format can hold: sample types, and whether an alpha channel
FORMATS = {
    ".png": ("uint8 uint16", True),
    ".tif": ("uint8 uint16 int16 uint32 int32 float16 float32 float64", True),
    ".tiff": ("uint8 uint16 int16 uint32 int32 float16 float32 float64", True),
    ".webp": ("uint8", True),
    ".bmp": ("uint8", False),
    ".jpg": ("uint8", False),
    ".jpeg": ("uint8", False),
}
# pixels a side that a format has room for, if that is less than 2^31
LARGEST = {".webp": 16383, ".jpg": 65500, ".jpeg": 65500}
COPIES = 3  # of the samples while a file is read
ROOM = 2**32 - 2**25  # bytes of samples in a TIFF of 32 bits; larger ones have no EXIF directories
LONGEST = 230  # bytes of a name, that of a file in the making has some more
LOSSY = (".jpg", ".jpeg", ".webp")

# TIFF and EXIF tags: the texts that describe a picture, and the directories of more of them
DESCRIPTION, ORIENTATION, SOFTWARE, DATE, TEXTS = 270, 274, 305, 306, (271, 272, 315, 33432)
TRANSPOSED = (5, 6, 7, 8)  # orientations whose rows are columns of the upright picture
SHAPED = (
    '{"shape":'  # a description that tifffile writes for itself, of the array that it was given
)
EXIF_DIRECTORY, GPS_DIRECTORY, PROFILE = 34665, 34853, 34675
DESCRIPTIVE = {DESCRIPTION, ORIENTATION, SOFTWARE, DATE, *TEXTS, EXIF_DIRECTORY, GPS_DIRECTORY}


@dataclass(frozen=True)
class Picture:
    """An upright image file: pixels (H, W, C), alpha (H, W) or None, and what else the file
    said.

    dpi: dots per inch across and down. per_unit: pixels per unit across and down where TIFF names
    no unit; ImageJ names it in the description.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    profile: bytes | None = None
    exif: Image.Exif | None = None
    dpi: tuple[float, float] | None = None
    per_unit: tuple[float, float] | None = None

    def with_pixels(self, pixels: Pixels) -> "Picture":
        """The same picture with other pixels (H', W', C) of the same view: an alpha of another size
        is resized to theirs, and more of them lie in a unit of length.
        """
        height, width = (
            new / old for new, old in zip(pixels.shape[:2], self.pixels.shape[:2], strict=True)
        )
        per_unit = self.per_unit and (width * self.per_unit[0], height * self.per_unit[1])
        alpha = self.alpha
        if alpha is not None and alpha.shape != pixels.shape[:2]:
            top = float(np.iinfo(alpha.dtype).max) if alpha.dtype.kind in "iu" else 1.0
            unit = Image.fromarray((alpha / top).astype(np.float32)).resize(
                pixels.shape[1::-1], Image.Resampling.BILINEAR
            )
            resized = np.clip(np.asarray(unit, np.float64), 0, 1) * top
            alpha = (np.rint(resized) if alpha.dtype.kind in "iu" else resized).astype(alpha.dtype)
        return replace(self, pixels=pixels, alpha=alpha, per_unit=per_unit)


def read(path: Path) -> Picture:
    """The single image in the file at `path`, EXIF orientation applied. Raises BadInput."""
    with _refusals(path):
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise BadInput(f"{path} is no plain file; give the path of an image file")
        with path.open("rb") as file:
            start = file.read(32)
        if start[:2] in (b"II", b"MM") and (plain := _read_tiff(path)):
            picture, orientation = plain
        else:
            picture, orientation = _read_pillow(
                path, png16=start[1:4] == b"PNG" and start[24:25] == b"\x10"
            )
    height, width = picture.pixels.shape[:2]
    if min(height, width) < 2:
        raise BadInput(f"{path} is {width} x {height} pixels; an image needs at least 2 x 2")
    if picture.exif:
        picture.exif[ORIENTATION] = 1
    alpha = None if picture.alpha is None else _upright(picture.alpha, orientation)
    dpi, per_unit = (
        each[::-1] if each and orientation in TRANSPOSED else each
        for each in (picture.dpi, picture.per_unit)
    )
    upright = _upright(picture.pixels, orientation)
    return replace(picture, pixels=upright, alpha=alpha, dpi=dpi, per_unit=per_unit)


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """What the libraries raise for files that are no images, as one line that names the file."""
    try:
        yield
    except BadInput:
        raise
    except FileNotFoundError:
        raise BadInput(f"{path} does not exist; give the path of an image file") from None
    except IsADirectoryError:
        raise BadInput(f"{path} is a folder; give the path of one image file") from None
    except PermissionError:
        raise BadInput(f"{path} may not be read; change its permissions") from None
    except (UnidentifiedImageError, tifffile.TiffFileError):
        raise BadInput(
            f"{path} is not an image in a known format; use PNG, JPEG, WebP, TIFF or BMP"
        ) from None
    except Exception as error:  # decoders fail in their own ways on damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadInput(
            f"{path} is damaged or truncated ({reason}); get a whole copy of it"
        ) from None


def _check_memory(path: Path, width: int, height: int, bytes_of_pixel: int) -> None:
    """Raise BadInput if memory cannot hold what the file says that it holds."""
    size, free = COPIES * width * height * bytes_of_pixel, available()
    if size > free:
        raise BadInput(
            f"{path} is {width} x {height} pixels, which need {in_words(size)} to be opened, and "
            f"{in_words(free)} may be used; save it as TIFF, which is opened part by part, or crop "
            "it first"
        )


@contextmanager
def _any_size() -> Iterator[None]:
    """Pillow refuses no picture for its size: `_check_memory` does."""
    limit = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _read_pillow(path: Path, png16: bool) -> tuple[Picture, int]:
    with _any_size(), Image.open(path, formats=("PNG", "JPEG", "WEBP", "TIFF", "BMP")) as file:
        _check_memory(path, *file.size, bytes_of_pixel=8 if png16 else 4)
        frames = getattr(file, "n_frames", 1)
        # phones write a JPEG with a depth map or preview behind it, and call it MPO
        if frames > 1 and file.format != "MPO":
            raise BadInput(f"{path} holds {frames} frames; extract one of them first")
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
        if file.format == "TIFF":
            exif = _described(exif)
    dpi = info.get("dpi")
    picture = Picture(
        *_split(samples, has_alpha),
        profile=info.get("icc_profile"),
        exif=exif or None,
        dpi=(float(dpi[0]), float(dpi[1])) if dpi else None,
    )
    return picture, int(exif.get(ORIENTATION, 1))


def _read_tiff(path: Path) -> tuple[Picture, int] | None:
    """A TIFF of plain samples of 8 bits and more, many of which Pillow cannot hold; None for
    palettes and the like.
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
            return None
        picture = _plain(path, page)
        exif = None
        if not file.is_bigtiff:  # Pillow reads no EXIF from these
            exif = Image.Exif()
            with path.open("rb") as opened:
                exif.load_from_fp(opened)
                exif = _described(exif) or None
        return replace(picture, exif=exif), int(getattr(page.tags.get(ORIENTATION), "value", 1))


def _plain(path: Path, page: tifffile.TiffPage) -> Picture:
    """Samples, alpha, profile and resolution of a gray or RGB page."""
    if page.dtype is None or page.dtype.name not in FORMATS[".tif"][0].split():
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
        *_split(samples, extra == (2,)),
        profile=profile.value if profile else None,
        dpi=dpi,
        per_unit=None if unit else resolution,
    )


def _ratio(value: tuple[int, int]) -> float:
    return value[0] / max(value[1], 1)


def _described(exif: Image.Exif) -> Image.Exif:
    """`exif` of an open TIFF without the tags that say how its samples were stored."""
    for code in (EXIF_DIRECTORY, GPS_DIRECTORY):
        exif.get_ifd(code)  # read before the file is closed
    for code in set(exif) - DESCRIPTIVE:
        del exif[code]
    if str(exif.get(DESCRIPTION)).startswith(SHAPED):
        del exif[DESCRIPTION]
    return exif


def _split(samples: Pixels, has_alpha: bool) -> tuple[Pixels, Pixels | None]:
    """Samples (H, W) or (H, W, C) as colours (H, W, C) and alpha (H, W) or None."""
    samples = samples if samples.ndim == 3 else samples[..., None]
    return (samples[..., :-1], samples[..., -1]) if has_alpha else (samples, None)


def _upright(samples: Pixels, orientation: int) -> Pixels:
    """Samples (H, W, ...) turned and mirrored as EXIF `orientation` 1 to 8 asks for."""
    if orientation in TRANSPOSED:
        samples = samples.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    return np.ascontiguousarray(samples)


def check_format(path: Path, picture: Picture, factor: int = 1) -> None:
    """Raise BadInput if the format that the name `path` asks for cannot hold `picture`, enlarged by
    `factor`.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise BadInput(f"{path} has no known image format; name it {', '.join(sorted(FORMATS))}")
    types, alpha = FORMATS[suffix]
    if picture.pixels.dtype.name not in types.split():
        raise BadInput(
            f"{path} cannot hold {picture.pixels.dtype} samples; name it .tif, or .png for 16 bits"
        )
    if picture.alpha is not None and not alpha:
        raise BadInput(f"{path} cannot hold the alpha channel; name it .png or .tif")
    if picture.pixels.shape[2] not in (1, 3) and suffix not in (".tif", ".tiff"):
        raise BadInput(f"{path} cannot hold {picture.pixels.shape[2]} channels; name it .tif")
    side, most = factor * max(picture.pixels.shape[:2]), LARGEST.get(suffix, 2**31 - 1)
    if side > most:
        raise BadInput(
            f"{path} cannot hold {side} pixels a side, {most} at the most; name it .png or .tif"
        )
    corner = replace(
        picture,
        pixels=picture.pixels[:2, :2],
        alpha=None if picture.alpha is None else picture.alpha[:2, :2],
    )
    try:
        encode(corner, suffix, io.BytesIO())
    except Exception as error:  # metadata that a format has no room for
        raise BadInput(f"{path} cannot hold this picture ({error}); name it .png or .tif") from None


def encode(picture: Picture, suffix: str, file: BinaryIO) -> None:
    """Write an image file of the format named by `suffix`; JPEG at quality 95, all others without
    loss. TIFF is written strip by strip.
    """
    suffix = suffix.lower()
    if suffix in (".tif", ".tiff"):
        _encode_tiff(picture, file)
        return
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
    Image.fromarray(_joined(picture)).save(file, Image.registered_extensions()[suffix], **options)


def _joined(picture: Picture) -> Pixels:
    """Colours and alpha as one array, (H, W) or (H, W, C)."""
    samples = np.ascontiguousarray(
        picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])
    )
    return samples[..., 0] if samples.shape[2] == 1 else samples


def _encode_png16(picture: Picture) -> bytes:
    encoded = bytes(imagecodecs.png_encode(_joined(picture)))
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


def _encode_tiff(picture: Picture, file: BinaryIO) -> None:
    exif = picture.exif or Image.Exif()
    text = {
        code: str(exif[code]).encode() for code in (DESCRIPTION, SOFTWARE, *TEXTS) if code in exif
    }
    tags: list[tuple[Any, ...]] = [
        (code, "s", 0, text[code], True) for code in TEXTS if code in text
    ]
    if picture.profile:
        tags.append((PROFILE, "B", len(picture.profile), picture.profile, True))
    samples = _joined(picture)
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


def check_free(path: Path, overwrite: bool) -> None:
    """Raise BadInput unless a file can be written at `path` now."""
    if not path.parent.is_dir():
        raise BadInput(f"{path.parent} is not a folder; make it first, or write elsewhere")
    if path.is_dir():
        raise BadInput(f"{path} is a folder; give the name of a file")
    if path.exists() and not path.is_file():
        raise BadInput(f"{path} is no plain file; give the name of one")
    if (path.exists() or path.is_symlink()) and not overwrite:
        raise BadInput(f"{path} exists; choose another name, or allow --overwrite")
    if len(os.fsencode(path.name)) > LONGEST:
        raise BadInput(f"{path.name} is longer than {LONGEST} bytes; give a shorter name")
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".dip-"):
            pass
    except OSError as error:
        raise BadInput(
            f"{path.parent} cannot be written to ({error.strerror}); write elsewhere"
        ) from None


def write_atomically(
    path: Path, content: bytes | Callable[[BinaryIO], None], overwrite: bool
) -> None:
    """Write all of `content` to `path`, or what it writes to a file, or nothing. Raises BadInput if
    it exists and may not be overwritten, OSError that names it if it cannot be written.

    A link that is overwritten stays one, and a file keeps its permissions.
    """
    path = path.resolve() if overwrite and path.is_symlink() else path
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w+b") as file:
            if callable(content):
                content(file)
            else:
                file.write(content)
        if not overwrite:
            path.touch(exist_ok=False)  # ours from here on
        elif path.exists():
            shutil.copymode(path, part)
        part.replace(path)
    except FileExistsError:
        raise BadInput(f"{path} exists; choose another name, or allow --overwrite") from None
    except OSError as error:  # a full disk does not name the file
        raise OSError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
