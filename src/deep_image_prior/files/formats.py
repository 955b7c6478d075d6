"""The table of formats: what each can hold, and how it is read and written."""

import io
import math
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import tifffile
from PIL import UnidentifiedImageError

from ..errors import BadInput
from . import dicom, fits, numpy_array, ordinary, raw, tiff, zarr_folder
from .picture import Picture
from .places import ZARR, Content, is_picture_folder, names_folder, names_in

HEAD = 132  # bytes of a file by which its format is known


@dataclass(frozen=True)
class Format:
    """A format of image files, or of folders that are pictures.

    endings: of names, the first is the usual one. begins: whether such a file begins like that;
    None where only the ending tells. read: (path, page), all pages if page is None; raises
    BadInput. write: (picture, ending, open file or new folder), None where we do not write it.
    samples: the types that it holds. channels: how many it holds, () any. stacks: whether it holds
    several pages. largest: pixels a side. lossy: whether ours lose something, or those of others
    may have. instead: the ending of results that would lose something in this format. extra: of
    this package that brings what reads it.
    """

    name: str
    endings: Sequence[str]
    begins: Callable[[bytes], bool] | None
    read: Callable[[Path, int | None], Picture]
    write: Callable[[Picture, str, Any], None] | None
    samples: Sequence[str]
    alpha: bool = False
    channels: Sequence[int] = (1, 3)
    stacks: bool = False
    largest: int = 2**31 - 1
    lossy: bool = False
    instead: str = ".png"
    extra: str = ""

    @property
    def lossless(self) -> bool:
        """Whether what we write keeps everything."""
        return bool(self.write) and not self.lossy


def _with(*starts: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(starts)


FORMATS = (
    Format(
        "PNG",
        (".png",),
        _with(b"\x89PNG"),
        ordinary.read,
        ordinary.write,
        samples=("uint8", "uint16"),
        alpha=True,
    ),
    Format(
        "JPEG",
        (".jpg", ".jpeg"),
        _with(b"\xff\xd8"),
        ordinary.read,
        ordinary.write,
        samples=("uint8",),
        largest=65500,
        lossy=True,
    ),
    Format(
        "WebP",
        (".webp",),
        lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP",
        ordinary.read,
        ordinary.write,
        samples=("uint8",),
        alpha=True,
        largest=16383,
        lossy=True,
    ),
    Format(
        "AVIF",
        (".avif",),
        lambda head: head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis"),
        ordinary.read,
        None,
        samples=(),
    ),
    Format("GIF", (".gif",), _with(b"GIF8"), ordinary.read, None, samples=()),
    Format(
        "DICOM",
        (".dcm", ".dicom"),
        lambda head: head[128:] == b"DICM",  # behind what may begin like TIFF
        dicom.read,
        dicom.write,
        samples=dicom.SAMPLES,
        largest=dicom.LARGEST,
        extra="medical",
    ),
    Format(
        "TIFF",
        (".tif", ".tiff"),
        _with(b"II", b"MM"),
        tiff.read,
        tiff.write,
        samples=tiff.SAMPLES,
        alpha=True,
        channels=(),
        stacks=True,
    ),
    Format("BMP", (".bmp",), _with(b"BM"), ordinary.read, ordinary.write, samples=("uint8",)),
    Format(
        "FITS",
        (".fits", ".fit", ".fts", fits.PACKED),
        _with(b"SIMPLE  ="),
        fits.read,
        fits.write,
        samples=tuple(fits.SAMPLES),
        stacks=True,
        extra="astronomy",
    ),
    Format(
        "NumPy",
        (".npy",),
        numpy_array.begins,
        numpy_array.read,
        numpy_array.write,
        samples=numpy_array.SAMPLES,
        channels=range(1, numpy_array.COLOURS + 1),
        stacks=True,
    ),
    Format(
        "Zarr",
        (ZARR,),
        _with(b"PK"),  # of an archive; a folder is known by what is in it
        zarr_folder.read,
        zarr_folder.write,
        samples=zarr_folder.SAMPLES,
        channels=(),
        stacks=True,
        extra="zarr",
    ),
    Format(
        "a raw photograph",
        raw.ENDINGS,
        None,  # most begin as a TIFF does
        raw.read,
        None,
        samples=(),
        instead=".tif",
        extra="raw",
    ),
)
BY_ENDING = {ending: each for each in FORMATS for ending in each.endings}


def read(path: Path | str, page: int | None = None) -> Picture:
    """The picture in the file at `path`, upright: all of its pages, or one, counted from 1. Raises
    BadInput.
    """
    path = Path(path)
    with _refusals(path):
        if re.match(r"\w{2,}:/", path.as_posix()):
            raise BadInput(f"{path} is an address; download it, and give the path of the file")
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise BadInput(f"{path} is no plain file; give the path of an image file")
        format = _format_of(path)
        if format is None:
            raise UnidentifiedImageError
        try:
            picture = format.read(path, page)
        except ModuleNotFoundError as missing:
            raise BadInput(_wanting(path, format, missing)) from None
    height, width = picture.pixels.shape[-3:-1]
    if min(height, width) < 2:
        raise BadInput(f"{path} is {width} x {height} pixels; an image needs at least 2 x 2")
    return picture


def _format_of(path: Path) -> Format | None:
    """By what is in the file, whatever its name, but where only the ending tells."""
    if is_picture_folder(path):
        return BY_ENDING[ZARR]
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head.startswith(b"\x1f\x8b"):
        raise BadInput(f"{path} is compressed by gzip; unpack it first, as gunzip does")
    named = BY_ENDING.get(path.suffix.lower())
    if named and not named.begins:
        return named
    return next((each for each in FORMATS if each.begins and each.begins(head)), None)


def _wanting(path: Path, format: Format, missing: ModuleNotFoundError) -> str:
    return (
        f"{path} is {format.name}, which needs {missing.name}: "
        f"pip install 'deep-image-prior[{format.extra}]'"
    )


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
        raise BadInput(f"{path} is not an image in a known format; use {_listed()}") from None
    except MemoryError:
        raise
    except Exception as error:  # decoders fail in their own ways on damaged files
        if isinstance(error, OSError) and error.errno:  # of the system, not of a decoder
            raise BadInput(f"{path} cannot be read: {error.strerror}") from None
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadInput(
            f"{path} is damaged or truncated ({reason}); get a whole copy of it"
        ) from None


def _listed() -> str:
    *names, last = (each.name for each in FORMATS)
    return f"{', '.join(names)} or {last}"


def suffix_for(path: Path) -> str:
    """Of the name of a result, by the name of the image: the same, if nothing is lost by it."""
    format = BY_ENDING.get(path.suffix.lower())
    return path.suffix if format and format.lossless else _instead(format)


def ending_for(path: Path) -> str:
    """Of a file that keeps all of the picture in the file at `path`: of the same format, if that
    keeps it. Raises BadInput.
    """
    with _refusals(path):
        format = _format_of(path)
    return format.endings[0] if format and format.lossless else _instead(format)


def _instead(format: Format | None) -> str:
    return format.instead if format else Format.instead


def check_ending(path: Path) -> Format:
    """The format that the name `path` asks for. Raises BadInput if none can be written there."""
    format = BY_ENDING.get(path.suffix.lower())
    if format is None or format.write is None:
        endings = sorted(ending for ending, each in BY_ENDING.items() if each.write)
        folder = "" if path.suffix else "; a folder is to be made first"
        raise BadInput(f"{path} has no known image format; name it {', '.join(endings)}{folder}")
    return format


def check_format(path: Path, picture: Picture, factor: int = 1) -> None:
    """Raise BadInput if the format that the name `path` asks for cannot hold `picture`, enlarged by
    `factor`.
    """
    format = check_ending(path)
    *pages, height, width, channels = picture.pixels.shape
    if pages and not format.stacks:
        raise BadInput(f"{path} cannot hold {math.prod(pages)} pages; name it .tif")
    samples = picture.pixels.dtype
    if samples.name not in format.samples and samples.kind != "b":  # which no task takes
        raise BadInput(f"{path} cannot hold {samples} samples; name it .tif, or .png for 16 bits")
    if picture.alpha is not None and not format.alpha:
        raise BadInput(f"{path} cannot hold the alpha channel; name it .png or .tif")
    if format.channels and channels not in format.channels:
        raise BadInput(f"{path} cannot hold {channels} channels; name it .tif")
    side = factor * max(height, width)
    if side > format.largest:
        raise BadInput(
            f"{path} cannot hold {side} pixels a side, {format.largest} at the most; name it .png "
            "or .tif"
        )
    corner = replace(
        picture,
        pixels=picture.pixels[..., :2, :2, :],
        alpha=None if picture.alpha is None else picture.alpha[..., :2, :2],
    )
    try:
        encoded(corner, path.suffix.lower())
    except ModuleNotFoundError as missing:
        raise BadInput(_wanting(path, format, missing)) from None
    except Exception as error:  # metadata that a format has no room for
        reason = str(error).partition("\n")[0]
        raise BadInput(
            f"{path} cannot hold this picture ({reason}); name it .png or .tif"
        ) from None


def encode(picture: Picture, suffix: str, target: BinaryIO | Path) -> None:
    """Write an image of the format named by `suffix` to an open file, or into a new folder where
    that is one; JPEG at quality 95, all others without loss.
    """
    write = BY_ENDING[suffix.lower()].write
    assert write
    write(picture, suffix.lower(), target)


def encoded(picture: Picture, suffix: str) -> Content:
    """The same in memory."""
    if not names_folder(Path(f"picture{suffix}")):
        file = io.BytesIO()
        encode(picture, suffix, file)
        return file.getvalue()
    with tempfile.TemporaryDirectory(prefix="dip-") as name:
        folder = Path(name)
        encode(picture, suffix, folder)
        return {each: (folder / each).read_bytes() for each in names_in(folder)}
