"""Raw photographs: developed by LibRaw, which rawpy brings."""

import io
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms

from ..errors import BadInput
from . import ordinary, tiff
from .picture import Picture, check_page, described

ENDINGS = (
    ".dng",
    ".3fr",
    ".arw",
    ".cr2",
    ".cr3",
    ".crw",
    ".dcr",
    ".erf",
    ".fff",
    ".iiq",
    ".kdc",
    ".mef",
    ".mos",
    ".mrw",
    ".nef",
    ".nrw",
    ".orf",
    ".pef",
    ".raf",
    ".rw2",
    ".rwl",
    ".sr2",
    ".srf",
    ".srw",
    ".x3f",
)
CURVE = (2.4, 12.92)  # of sRGB: the power, and the slope at black
BYTES = 24  # a pixel, while it is developed


def read(path: Path, page: int | None) -> Picture:
    """Upright, in sRGB of 16 bits, with the camera's white balance and no brighter than it was
    exposed; gray where the sensor is.
    """
    import rawpy

    check_page(path, page, 1)
    try:
        with rawpy.imread(str(path)) as file:
            ordinary.check_memory(path, file.sizes.iwidth, file.sizes.iheight, BYTES)
            pixels = file.postprocess(
                use_camera_wb=True,
                no_auto_bright=True,
                adjust_maximum_thr=0,  # white is where the sensor's is
                gamma=CURVE,
                output_bps=16,
            )
            found = exif_of(path, file)
    except rawpy.LibRawError as error:
        raise BadInput(
            f"{path} cannot be developed ({error.args[0].decode()}); get a whole copy of it, or "
            "convert it to DNG"
        ) from None
    profile = _srgb() if pixels.shape[-1] == 3 else None
    return Picture(pixels, profile=profile, exif=found or None, raw=True).turned(1)


def _srgb() -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[:24] + bytes(12) + profile[36:]  # no date: the same results at any time


def exif_of(path: Path, file: Any) -> Image.Exif:
    """Of the TIFF that most raw files are inside, or else of the preview."""
    import rawpy

    with suppress(SyntaxError):  # Pillow's word for no TIFF
        return tiff.exif_of(path)
    with suppress(rawpy.LibRawError):  # there may be none
        preview = file.extract_thumb()
        if preview.format == rawpy.ThumbFormat.JPEG:
            with Image.open(io.BytesIO(preview.data)) as image:
                return described(image.getexif())
    return Image.Exif()
