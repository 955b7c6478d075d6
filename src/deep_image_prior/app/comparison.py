"""How near a result is to a clean picture that is given."""

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path

import numpy as np

from .. import images, metrics
from ..errors import BadInput
from ..files import Picture
from ..images import Pixels

FAINT = 0.25  # of white: floats that stay below it are in units of their own, such as flux
Scores = Mapping[str, float | None]


def check(clean: Picture, path: Path, picture: Picture, enlargement: int) -> None:
    """Raise BadInput unless `clean`, of that path, has the size, pages and channels of the result
    for `picture`.
    """
    *pages, height, width, channels = picture.pixels.shape
    expected = (*pages, enlargement * height, enlargement * width, channels)
    if clean.pixels.shape != expected:
        raise BadInput(f"{path} is {_sized(clean.pixels.shape)}, the result {_sized(expected)}")
    for page in clean.pixels.reshape(-1, *expected[-3:]):
        images.check_pixels(page, -1, str(path))


def _sized(shape: Sequence[int]) -> str:
    *pages, height, width, channels = shape
    of = f"{prod(pages)} pages of " if pages else ""
    return f"{of}{width} x {height} with {channels} channels"


def scores(clean: Picture, picture: Picture, result: Picture) -> dict[str, float | None]:
    """PSNR and SSIM of what is written, and of the input if it has that size; all channels, no
    crop, no alpha.

    The peak is the white of the clean image; its range if it has no white, or stays below FAINT of
    it.
    """
    truth, scale = images.scale_of(clean.pixels), images.scale_of(picture.pixels)
    one = truth.one or 1.0
    own = scale.one if scale.one and truth.one and truth.dtype != scale.dtype else one
    bright = truth.one is not None and truth.white > FAINT * truth.one
    peak, black = (1.0, 0.0) if bright else (truth.span, truth.black / one)

    def compare(pixels: Pixels, name: str) -> dict[str, float | None]:
        pair = (clean.pixels.astype(float) / one - black, pixels.astype(float) / own - black)
        pages = (each.reshape(-1, *each.shape[-3:]) for each in pair)
        similar = [metrics.ssim(x, y, peak=peak) for x, y in zip(*pages, strict=True)]
        known = [each for each in similar if each is not None]
        return {
            f"psnr{name}": metrics.psnr(*pair, peak=peak),
            f"ssim{name}": float(np.mean(known)) if known else None,
        }

    same_size = picture.pixels.shape == clean.pixels.shape
    return {
        **compare(result.pixels, ""),
        **(compare(picture.pixels, "_input") if same_size else {}),
    }


def lines(scores: Scores) -> list[str]:
    """For a person, a line each."""
    said = []
    for name in ("psnr", "ssim"):
        after, before = scores.get(name), scores.get(f"{name}_input")
        if after is not None:
            given = f"{before:.4g} -> " if before is not None else ""
            said.append(f"{name.upper()} {given}{after:.4g}")
    return said
