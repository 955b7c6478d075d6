"""FITS, the format of astronomy: by astropy. What is not the image stays as it is."""

import io
import itertools
import math
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..errors import BadInput
from ..images import Pixels
from ..storage import strips
from .picture import Picture, check_page, room

BLOCK = 2880  # bytes, of which files have whole ones; a primary HDU without an image is one
PACKED = ".fz"  # the ending of files with compressed images
# what samples are stored as, by BITPIX and BZERO
SAMPLES = {
    "uint8": (8, 0),
    "int16": (16, 0),
    "uint16": (16, 2**15),
    "int32": (32, 0),
    "uint32": (32, 2**31),
    "int64": (64, 0),
    "float32": (-32, 0),
    "float64": (-64, 0),
}
# cards that do not hold of the result; of one that is enlarged: sections, coordinates of IRAF, and
# tables of distortion
OLD = ("BSCALE", "BZERO", "BLANK", "CHECKSUM", "DATASUM", "DATAMIN", "DATAMAX")
SECTIONS = r"(DATA|TRIM|BIAS|CCD|DET|AMP)SEC|LT[VM]\d(_\d)?"
DISTORTIONS = r"(CPDIS|CPERR|D2IMDIS|D2IMERR)\d|(DP|D2IM)\d\..*"


@dataclass(frozen=True)
class Header:
    """What a file says beside its pixels. cards: of the image. before, after: the other HDUs, as
    they are. leading: lengths of the axes before those of a picture, which may be one.
    """

    cards: Any
    before: Pixels
    after: Pixels
    leading: Sequence[int]


def read(path: Path, page: int | None) -> Picture:
    """The first image of the file, rows in their order there. Three planes are colours, unless
    CTYPE3 says what else; others are pages.
    """
    from astropy.io import fits

    with _quiet(), fits.open(path, memmap=True, do_not_scale_image_data=True) as file:
        hdu = _image(path, file)
        cards, shape, info = hdu.header.copy(), hdu.shape, hdu.fileinfo()
        kind = str(cards.get("CTYPE3", "")).strip()
        colours = shape[-3:-2] == (3,) and kind in ("", "RGB")
        leading = shape[: -3 if colours else -2]
        check_page(path, page, math.prod(leading))
        planes = [range(length) for length in shape[:-2]]
        if page:
            for axis, at in enumerate(np.unravel_index(page - 1, leading)):
                planes[axis] = range(int(at), int(at) + 1)
                _begin(cards, len(shape) - axis, int(at))
        samples = _physical(hdu, planes)
    raw = np.memmap(path, mode="r")
    before, after = raw[: info["hdrLoc"]], raw[info["datLoc"] + info["datSpan"] :]
    leading = samples.shape[: len(leading)]
    lengths = [length for length in leading if length > 1]
    pixels = samples.reshape(*lengths, *samples.shape[len(leading) :])
    return Picture(
        np.moveaxis(pixels, -3, -1) if colours else pixels[..., None],
        axes="I" * len(lengths),
        header=Header(cards, _copy(before), _copy(after), leading),
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Not a word on cards that break a rule, which are put right, nor on bytes that are missing:
    that is an error where the image needs them.
    """
    from astropy.io.fits.verify import VerifyWarning
    from astropy.utils.exceptions import AstropyUserWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VerifyWarning)
        warnings.filterwarnings("ignore", "File may have been|non-ASCII", AstropyUserWarning)
        yield


def _image(path: Path, file: Any) -> Any:
    """The first HDU that holds one. Raises BadInput."""
    from astropy.io import fits

    if isinstance(file[0], fits.GroupsHDU):
        raise BadInput(f"{path} holds random groups, of visibilities; make an image of them first")
    found = [each for each in file if each.is_image and len(each.shape) > 1 and each.size]
    if not found:
        raise BadInput(f"{path} holds no image of two axes or more; give a FITS file with one")
    if len(found) > 1:
        names = ", ".join(each.name or "one without a name" for each in found)
        warnings.warn(
            f"{path} holds {len(found)} images: {names}; the first is read, the others are kept "
            "as they are",
            stacklevel=1,
        )
    return found[0]


def _begin(cards: Any, axis: int, at: int) -> None:
    """The plane `at` of an axis, whose number FITS counts from 1, is the first from now on."""
    if f"CTYPE{axis}" in cards:
        cards.setdefault(f"CRPIX{axis}", 0.0)
    for key in _matching(cards, rf"CRPIX{axis}[A-Z]?"):
        cards[key] -= at


def _matching(cards: Any, pattern: str) -> list[str]:
    return [key for key in cards if re.fullmatch(pattern, key)]


def _physical(hdu: Any, planes: Sequence[range]) -> Pixels:
    """What the stored samples stand for, in the `planes` of the axes before rows and columns."""
    cards, (height, width) = hdu.header, hdu.shape[-2:]
    bits, scale, zero = cards["BITPIX"], cards.get("BSCALE", 1), cards.get("BZERO", 0)
    blank = cards.get("BLANK") if bits > 0 else None
    plain = [name for name, stored in SAMPLES.items() if stored == (bits, zero)]
    whole = plain and scale == 1 and blank is None
    dtype = np.dtype(plain[0] if whole else "float32" if abs(bits) <= 16 or bits == -32 else "f8")
    values = room([*map(len, planes), height, width], dtype)
    for place, plane in zip(np.ndindex(values.shape[:-2]), itertools.product(*planes), strict=True):
        for rows in strips(height, width):
            stored = hdu.section[(*plane, rows)]
            if whole:  # integers wrap round
                values[(*place, rows)] = stored.astype(dtype) + dtype.type(zero)
            else:
                physical = stored.astype(np.float64) * scale + zero
                physical[stored == blank] = np.nan
                values[(*place, rows)] = physical
    return values


def _copy(raw: Pixels) -> Pixels:
    copy = room(raw.shape, raw.dtype)
    copy[...] = raw
    return copy


def write(picture: Picture, suffix: str, file: BinaryIO) -> None:
    """Plane by plane, strip by strip, between the HDUs that were there; compressed images without
    loss, at once.
    """
    from astropy.io import fits

    header = picture.header
    if not isinstance(header, Header):
        none = np.empty(0, np.uint8)
        header = Header(fits.Header(), none, none, ())
    *pages, height, width, channels = picture.pixels.shape
    leading = header.leading if math.prod(header.leading) == math.prod(pages) else pages
    samples = np.moveaxis(picture.pixels, -1, -3).reshape(
        *leading, *([channels] if channels > 1 else []), height, width
    )
    with _quiet():
        cards = _cards(header.cards, width)
        file.write(header.before.data)
        if suffix == PACKED:
            image = fits.CompImageHDU(
                np.ascontiguousarray(samples), cards, compression_type="GZIP_2", quantize_level=0
            )
            packed = io.BytesIO()
            fits.HDUList([fits.PrimaryHDU(), image]).writeto(packed)
            file.write(packed.getbuffer()[BLOCK if header.before.size else 0 :])
        else:
            kind = fits.ImageHDU if header.before.size else fits.PrimaryHDU
            _write_plain(kind(samples, cards).header, samples, file)
        file.write(header.after.data)


def _write_plain(cards: Any, samples: Pixels, file: BinaryIO) -> None:
    from astropy.io import fits

    file.write(cards.tostring().encode("ascii"))
    stored = np.dtype(fits.BITPIX2DTYPE[cards["BITPIX"]]).newbyteorder(">")
    zero = samples.dtype.type(cards.get("BZERO", 0))
    for plane in np.ndindex(samples.shape[:-2]):
        for rows in strips(*samples.shape[-2:]):
            file.write((samples[(*plane, rows)] - zero).astype(stored).tobytes())
    file.write(bytes(-samples.nbytes % BLOCK))


def _cards(before: Any, width: int) -> Any:
    """Those that hold of the result, `width` pixels wide."""
    cards = before.copy()
    for key in OLD:
        cards.remove(key, ignore_missing=True)
    if width > cards.get("NAXIS1", width):  # a part that begins at the first pixel is at its place
        _enlarge(cards, width / cards["NAXIS1"])
    cards.add_history(f"restored by deep-image-prior {version('deep-image-prior')}")
    return cards


def _enlarge(cards: Any, factor: float) -> None:
    """The sky stays where it is, in every system of coordinates."""
    for key in _matching(cards, SECTIONS):
        del cards[key]
    if tables := _matching(cards, DISTORTIONS):
        for key in tables:
            del cards[key]
        warnings.warn(
            "the tables of distortion are not of the enlarged picture: its WCS is without them",
            stacklevel=1,
        )
    for system in {key[6:] for key in _matching(cards, r"CTYPE1[A-Z]?")}:
        for axis in "12":
            centre = cards.get(f"CRPIX{axis}{system}", 0.0)
            cards[f"CRPIX{axis}{system}"] = factor * (centre - 0.5) + 0.5  # of pixels, not corners
            step = f"CDELT{axis}{system}"
            for key in _matching(cards, rf"CD\d_{axis}{system}|{step}") or [step]:
                cards[key] = cards.get(key, 1.0) / factor
    for key in _matching(cards, r"(A|B|AP|BP)_\d_\d"):  # polynomials of distortion
        powers = sum(map(int, key.split("_")[1:]))
        cards[key] *= factor ** (1 - powers)
