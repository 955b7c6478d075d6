"""Image files <-> pixels, and pixels <-> tensors (1, C, H, W) in [0, 1]; depth, alpha and metadata are kept."""

import io
import os
import struct
import tempfile
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
import torch
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError
from torch import Tensor

from .errors import BadInput

Pixels = NDArray[Any]

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
LOSSY = (".jpg", ".jpeg", ".webp")
ORIENTATION, EXIF_POINTER = 0x0112, 0x8769


@dataclass(frozen=True)
class Picture:
    """An upright image file: pixels (H, W, C) with C 1 or 3, alpha (H, W) or None, and what else the file said."""

    pixels: Pixels
    alpha: Pixels | None = None
    profile: bytes | None = None
    exif: Image.Exif | None = None
    dpi: tuple[float, float] | None = None

    def with_pixels(self, pixels: Pixels) -> "Picture":
        """The same picture with other pixels (H', W', C); an alpha of another size is resized to theirs."""
        alpha = self.alpha
        if alpha is not None and alpha.shape != pixels.shape[:2]:
            resized = Image.fromarray(alpha.astype(np.float32)).resize(pixels.shape[1::-1], Image.Resampling.BICUBIC)
            top = np.iinfo(alpha.dtype).max if alpha.dtype.kind in "iu" else alpha.max()
            alpha = np.clip(np.asarray(resized), 0, top).round().astype(alpha.dtype)
        return replace(self, pixels=pixels, alpha=alpha)


def read(path: Path) -> Picture:
    """The single image in the file at `path`, EXIF orientation applied. Raises BadInput."""
    with _refusals(path):
        start = path.read_bytes()[:32]
        if start[:2] in (b"II", b"MM") and (deep := _read_deep_tiff(path)):
            picture, orientation = deep
        else:
            picture, orientation = _read_pillow(path, png16=start[1:4] == b"PNG" and start[24] == 16)
    height, width = picture.pixels.shape[:2]
    if min(height, width) < 2:
        raise BadInput(f"{path} is {width} x {height} pixels; an image needs at least 2 x 2")
    if picture.exif:
        picture.exif[ORIENTATION] = 1
    alpha = None if picture.alpha is None else _upright(picture.alpha, orientation)
    return replace(picture, pixels=_upright(picture.pixels, orientation), alpha=alpha)


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """What the libraries raise for files that are no images, as one line that names the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except FileNotFoundError:
        raise BadInput(f"{path} does not exist; give the path of an image file") from None
    except IsADirectoryError:
        raise BadInput(f"{path} is a folder; give the path of one image file") from None
    except PermissionError:
        raise BadInput(f"{path} may not be read; change its permissions") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadInput(_too_large(path)) from None
    except (UnidentifiedImageError, tifffile.TiffFileError):
        raise BadInput(f"{path} is not an image in a known format; use PNG, JPEG, WebP, TIFF or BMP") from None
    except BadInput:
        raise
    except (OSError, SyntaxError, ValueError, IndexError, imagecodecs.PngError) as error:
        raise BadInput(f"{path} is damaged or truncated ({error}); get a whole copy of it") from None


def _too_large(path: Path) -> str:
    return f"{path} holds over {Image.MAX_IMAGE_PIXELS:,} pixels, more than can be opened safely; crop it first"


def _read_pillow(path: Path, png16: bool) -> tuple[Picture, int]:
    with Image.open(path) as file:
        frames = getattr(file, "n_frames", 1)
        # phones write a JPEG with a depth map or preview behind it, and call it MPO
        if frames > 1 and file.format != "MPO":
            raise BadInput(f"{path} holds {frames} frames; extract one of them first")
        exif, info = file.getexif(), file.info
        colour = file.mode not in ("1", "L", "LA", "I;16", "I;16B", "I")
        if file.mode in ("CMYK", "LAB", "HSV"):
            raise BadInput(f"{path} is {file.mode}; convert it to RGB first")
        if png16:
            samples = imagecodecs.png_decode(path.read_bytes())
            has_alpha = samples.ndim == 3 and samples.shape[2] in (2, 4)
        else:
            has_alpha = file.has_transparency_data
            samples = np.asarray(file.convert(("RGB" if colour else "L") + ("A" if has_alpha else "")))
    dpi = info.get("dpi")
    picture = Picture(
        *_split(samples, has_alpha),
        profile=info.get("icc_profile"),
        exif=exif or None,
        dpi=(float(dpi[0]), float(dpi[1])) if dpi else None,
    )
    return picture, int(exif.get(ORIENTATION, 1))


def _read_deep_tiff(path: Path) -> tuple[Picture, int] | None:
    """A TIFF of more than 8 bits, which Pillow reads in part only; None for the others."""
    with tifffile.TiffFile(path) as file:
        pages = [page for page in file.pages if not getattr(page, "is_reduced", False)]
        page = file.pages.first
        if len(pages) > 1 or len(file.series[0].shape) > 3 or page.axes not in ("YX", "YXS", "SYX"):
            count = max(len(pages), file.series[0].size // page.size)
            raise BadInput(f"{path} holds {count} pages; extract one of them first")
        if page.dtype is None or page.dtype.itemsize == 1 or page.bitspersample == 1:
            return None
        if page.imagewidth * page.imagelength > (Image.MAX_IMAGE_PIXELS or 0):
            raise BadInput(_too_large(path))
        samples = page.asarray()
        if page.axes == "SYX":
            samples = np.moveaxis(samples, 0, -1)
        if samples.dtype.name not in FORMATS[".tif"][0].split():
            raise BadInput(f"{path} holds {samples.dtype} samples; convert it to 8 or 16 bits or to float")
        tags = {tag.code: tag.value for tag in page.tags}
        unit = {2: 1.0, 3: 2.54}.get(int(tags.get(296, 2)))
        dpi = (_ratio(tags[282]) * unit, _ratio(tags[283]) * unit) if unit and 282 in tags and 283 in tags else None
        exif = Image.Exif()
        exif.load_from_fp(path.open("rb"))
        picture = Picture(*_split(samples, bool(page.extrasamples)), profile=tags.get(34675), dpi=dpi, exif=exif)
        return picture, int(tags.get(ORIENTATION, 1))


def _ratio(value: tuple[int, int]) -> float:
    return value[0] / max(value[1], 1)


def _split(samples: Pixels, has_alpha: bool) -> tuple[Pixels, Pixels | None]:
    """Samples (H, W) or (H, W, C) as colours (H, W, C) and alpha (H, W) or None."""
    samples = samples if samples.ndim == 3 else samples[..., None]
    return (samples[..., :-1], samples[..., -1]) if has_alpha else (samples, None)


def _upright(samples: Pixels, orientation: int) -> Pixels:
    """Samples (H, W, ...) turned and mirrored as EXIF `orientation` 1 to 8 asks for."""
    if orientation in (5, 6, 7, 8):
        samples = samples.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    return np.ascontiguousarray(samples)


def check_format(path: Path, picture: Picture) -> None:
    """Raise BadInput if the format that the name `path` asks for cannot hold the depth and channels of `picture`."""
    if path.suffix.lower() not in FORMATS:
        raise BadInput(f"{path} has no known image format; name it {', '.join(sorted(FORMATS))}")
    types, alpha = FORMATS[path.suffix.lower()]
    if picture.pixels.dtype.name not in types.split():
        raise BadInput(f"{path} cannot hold {picture.pixels.dtype} samples; name it .tif, or .png for 16 bits")
    if picture.alpha is not None and not alpha:
        raise BadInput(f"{path} cannot hold the alpha channel; name it .png or .tif")
    if picture.pixels.shape[2] not in (1, 3) and path.suffix.lower() not in (".tif", ".tiff"):
        raise BadInput(f"{path} cannot hold {picture.pixels.shape[2]} channels; name it .tif")


def encode(picture: Picture, suffix: str) -> bytes:
    """The bytes of an image file of the format named by `suffix`; JPEG at quality 95, all others without loss."""
    if suffix.lower() in (".tif", ".tiff"):
        return _encode_tiff(picture)
    if picture.pixels.dtype == np.uint16:
        return _encode_png16(picture)
    options: dict[str, Any] = {}
    if suffix.lower() in (".jpg", ".jpeg"):
        options = {"quality": 95, "subsampling": 0}
    elif suffix.lower() == ".webp":
        options = {"lossless": True, "exact": True}
    kept = {"icc_profile": picture.profile, "exif": picture.exif, "dpi": picture.dpi}
    options.update({name: value for name, value in kept.items() if value is not None})
    buffer = io.BytesIO()
    Image.fromarray(_joined(picture)).save(buffer, Image.registered_extensions()[suffix.lower()], **options)
    return buffer.getvalue()


def _joined(picture: Picture) -> Pixels:
    """Colours and alpha as one array, (H, W) or (H, W, C)."""
    planes = [picture.pixels] if picture.alpha is None else [picture.pixels, picture.alpha]
    samples = np.ascontiguousarray(np.dstack(planes))
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


def _encode_tiff(picture: Picture) -> bytes:
    exif = picture.exif or Image.Exif()
    texts = [(code, "s", 0, str(exif[code]), True) for code in (271, 272, 315, 33432) if code in exif]
    profile = [(34675, "B", len(picture.profile), picture.profile, True)] if picture.profile else []
    details = exif.get_ifd(EXIF_POINTER)
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        _joined(picture),
        photometric="rgb" if picture.pixels.shape[2] == 3 else "minisblack",
        planarconfig="contig" if _joined(picture).ndim == 3 else None,
        extrasamples=["unassalpha"] if picture.alpha is not None else None,
        compression="zlib",
        description=exif.get(270, ""),
        software=exif.get(305, ""),
        datetime=exif.get(306),
        metadata=None,
        resolution=picture.dpi,
        resolutionunit="inch" if picture.dpi else None,
        extratags=texts + profile + ([(EXIF_POINTER - 1, "I", 1, 0, True)] if details else []),
    )
    return _with_exif(buffer.getvalue(), details) if details else buffer.getvalue()


def _with_exif(tiff: bytes, details: dict[int, Any]) -> bytes:
    """`tiff` with the EXIF directory `details` behind it, and a pointer to it in place of the placeholder."""
    directory = TiffImagePlugin.ImageFileDirectory_v2(prefix=tiff[:2])
    directory.update(details)
    offset = len(tiff) + len(tiff) % 2
    content = bytearray(tiff.ljust(offset, b"\0") + directory.tobytes(offset))
    with tifffile.TiffFile(io.BytesIO(tiff)) as file:
        entry = file.pages.first.tags[EXIF_POINTER - 1].offset
        struct.pack_into(f"{file.byteorder}HHII", content, entry, EXIF_POINTER, 4, 1, offset)
    return bytes(content)


def check_free(path: Path, overwrite: bool) -> None:
    """Raise BadInput unless a file can be written at `path` now."""
    if not path.parent.is_dir():
        raise BadInput(f"{path.parent} is not a folder; make it first, or write elsewhere")
    if path.is_dir():
        raise BadInput(f"{path} is a folder; give the name of a file")
    if path.exists() and not overwrite:
        raise BadInput(f"{path} exists; choose another name, or allow --overwrite")
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".dip-"):
            pass
    except OSError as error:
        raise BadInput(f"{path.parent} cannot be written to ({error.strerror}); write elsewhere") from None


def write_atomically(path: Path, content: bytes, overwrite: bool) -> None:
    """Write all of `content` to `path` or nothing. Raises BadInput if it exists and may not be overwritten."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        if not overwrite:
            path.touch(exist_ok=False)  # ours from here on
        part.replace(path)
    except FileExistsError:
        raise BadInput(f"{path} exists; choose another name, or allow --overwrite") from None
    finally:
        part.unlink(missing_ok=True)


def check_pixels(pixels: Pixels, channel_axis: int | None, name: str) -> None:
    """Raise BadInput, calling it `name`, if `pixels` is not an image that can be restored."""
    if pixels.dtype.kind not in "biuf":
        raise BadInput(f"{name} has dtype {pixels.dtype}; give integers or real numbers")
    if pixels.ndim != (2 if channel_axis is None else 3):
        hint = "give channel_axis for colours" if channel_axis is None else "give no channel_axis for gray"
        raise BadInput(f"{name} has shape {pixels.shape}; {hint}")
    sides = np.delete(pixels.shape, channel_axis) if channel_axis is not None else pixels.shape
    if min(sides) < 2:
        raise BadInput(f"{name} is {sides[1]} x {sides[0]} pixels; an image needs at least 2 x 2")
    if not np.isfinite(pixels).all():
        raise BadInput(
            f"{name} has {np.count_nonzero(~np.isfinite(pixels))} NaN or infinite values; replace them first"
        )
    if pixels.min() == pixels.max():
        raise BadInput(f"{name} is constant, {pixels.flat[0]} everywhere: there is nothing to restore")


@dataclass(frozen=True)
class Scale:
    """How stored values of `dtype` become x in [0, 1]: x = (value - black) / (white - black)."""

    black: float
    white: float
    dtype: np.dtype[Any]
    clips: bool  # whether brighter and darker light would have ended at white and black

    def unit(self, pixels: Pixels) -> Pixels:
        """The values x of `pixels`, in double precision."""
        return (pixels.astype(np.float64) - self.black) / (self.white - self.black)


def scale_of(pixels: Pixels) -> Scale:
    """The range of `pixels`: full scale for 8 bits; for uint16 the full scale of 8, 10, 12, 14 or 16 bits, as needed.

    Floats in [0, 1] stay as they are; all other values are scaled by their own least and greatest.
    """
    least, greatest = float(pixels.min()), float(pixels.max())
    if pixels.dtype == np.uint8:
        return Scale(0.0, 255.0, pixels.dtype, clips=True)
    if pixels.dtype == np.uint16:
        white = next(2.0**bits - 1 for bits in (8, 10, 12, 14, 16) if greatest < 2**bits)
        return Scale(0.0, white, pixels.dtype, clips=True)
    if pixels.dtype.kind in "fb" and least >= 0 and greatest <= 1:
        return Scale(0.0, 1.0, pixels.dtype, clips=True)
    return Scale(least, greatest, pixels.dtype, clips=False)


def to_tensor(pixels: Pixels, channel_axis: int | None, scale: Scale, device: torch.device) -> Tensor:
    """Pixels (H, W), or with channels along `channel_axis`, as (1, C, H, W) in [0, 1] on `device`."""
    planes = pixels[None] if channel_axis is None else np.moveaxis(pixels, channel_axis, 0)
    return torch.from_numpy(scale.unit(planes).astype(np.float32))[None].to(device)


def from_tensor(image: Tensor, channel_axis: int | None, scale: Scale) -> Pixels:
    """The inverse of `to_tensor`; integers are rounded and clipped to their type."""
    planes = image[0].detach().cpu().numpy().astype(np.float64)
    values = planes * (scale.white - scale.black) + scale.black
    if scale.dtype.kind in "iu":
        limits = np.iinfo(scale.dtype)
        values = np.clip(np.rint(values), limits.min, limits.max)
    stored: Pixels = values >= 0.5 if scale.dtype.kind == "b" else values.astype(scale.dtype)
    return stored[0] if channel_axis is None else np.moveaxis(stored, 0, channel_axis)
