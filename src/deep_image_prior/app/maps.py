"""The map of the uncertainty as a file: its numbers, or a picture of them with their scale."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage.color import lab2rgb

from .. import files
from ..errors import BadInput
from ..files import Picture
from ..images import Pixels, Scale
from ..panels import LETTERS
from ..restoration import Result
from . import stacks
from .say import say

BRIGHTEST = 99.5  # per cent of the pixels above 0 are not above the end of the scale
COLOURS = 256
NARROWEST, LINES = 200, 50  # pixels, for the numbers below the scale; letters in a line


def places(values: Mapping[str, Any], picture: Picture, factor: int) -> dict[str, Path]:
    """Where the map is written, if it is wanted. Raises BadInput."""
    path = values["uncertainty"]
    if path is None:
        return {}
    *pages, height, width, _ = picture.pixels.shape
    check(path, (*pages, factor * height, factor * width))
    return {"uncertainty": path}


def pictures(
    values: Mapping[str, Any],
    picture: Picture,
    pages: Sequence[Sequence[int]],
    results: Sequence[Result],
    factor: int,
    scale: Scale,
) -> dict[str, Picture]:
    """The uncertainty, as it is written, if it can be told; NaN where pages were not begun."""
    found = [each.uncertainty for each in results if each.uncertainty is not None]
    if len(found) < len(results):
        say(f"note: the uncertainty of this cannot be told; {values['uncertainty']} is not written")
        return {}
    unknown = np.full((*picture.pixels.shape[:-1], 1), np.nan, np.float32)
    made = zip(pages, found)  # noqa: B905
    numbers = stacks.whole(Picture(unknown, axes=picture.axes), made, factor)
    if not holds_numbers(values["uncertainty"]):
        return {"uncertainty": Picture(drawn(numbers[..., 0], scale))}
    return {"uncertainty": Picture(numbers, axes=picture.axes)}


def check(path: Path, shape: Sequence[int]) -> None:
    """Raise BadInput unless maps of `shape` (..., H, W) can be written there."""
    *pages, height, width = shape
    if not holds_numbers(path):
        if pages:
            raise BadInput(
                f"{path} would be a picture of one page; choose one by --page, or write the "
                "numbers of all, as .tif or .npy"
            )
        height, width = drawn_size(height, width)
        files.check_format(path, Picture(np.broadcast_to(np.uint8(0), (height, width, 3))))
    else:
        files.check_format(path, Picture(np.broadcast_to(np.float32(0), (*shape, 1))))


def holds_numbers(path: Path) -> bool:
    """Whether files of its format hold numbers as they are; else they get a picture."""
    format = files.BY_ENDING.get(path.suffix.lower())
    return format is not None and "float32" in format.samples


def drawn_size(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of the picture of a map."""
    width = max(width, NARROWEST)
    return height + 3 * _letters(width), width


def _letters(width: int) -> int:
    """Their height in pixels."""
    return max(LETTERS, width // LINES)


def drawn(deviation: Pixels, scale: Scale) -> Pixels:
    """A picture (H', W', 3) of the map (H, W), uint8, from black for 0 to white, with its scale
    below it; NaN is gray. scale: of the image.
    """
    unit, of = (255 / scale.one, " of 255") if scale.one else (1.0, "")
    known = np.isfinite(deviation)
    drawn = deviation[known & (deviation > 0)]  # not what was known before
    end = float(np.percentile(drawn, BRIGHTEST)) if drawn.size else 1.0
    ramp = colours(COLOURS)
    image = np.full((*drawn_size(*deviation.shape), 3), 255, np.uint8)
    (height, width), letters = deviation.shape, _letters(image.shape[1])
    places = np.nan_to_num((COLOURS - 1) * (deviation / end).clip(0, 1)).astype(np.uint8)
    image[:height, :width] = np.where(known[..., None], ramp[places], np.uint8(128))
    bar = np.linspace(0, COLOURS - 1, image.shape[1]).astype(np.uint8)
    image[height + letters // 2 : height + 3 * letters // 2] = ramp[bar]
    canvas, font = Image.fromarray(image), ImageFont.load_default(letters)
    draw = ImageDraw.Draw(canvas)
    for at in (0, 0.5, 1):
        text = f"{unit * end * at:.3g}{of if at == 1 else ''}"
        left = at * (image.shape[1] - font.getlength(text))
        draw.text((left, height + 3 * letters // 2), text, fill="black", font=font)
    return np.asarray(canvas)


def colours(count: int) -> Pixels:
    """From black by purple, red and orange to white, (count, 3), uint8, in even steps of lightness
    (CIELAB).
    """
    t = np.linspace(0, 1, count)
    hue, chroma = np.deg2rad(-60 + 150 * t), 70 * np.sin(np.pi * t) ** 0.7
    lab = np.stack([100 * t, chroma * np.cos(hue), chroma * np.sin(hue)], axis=-1)
    return np.rint(255 * lab2rgb(lab).clip(0, 1)).astype(np.uint8)
