"""Pictures side by side in one, each with its caption."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .images import Pixels

GAP, LINE, LETTERS = 8, 24, 15  # pixels


@dataclass(frozen=True)
class Tile:
    """A picture (H, W, 3), uint8, and the lines above it."""

    caption: Sequence[str]
    image: Pixels


def panel(tiles: Sequence[Tile], columns: int) -> Pixels:
    """All tiles, row by row from the left, uint8; they are of one size."""
    height, width = tiles[0].image.shape[:2]
    above = LINE * max(len(tile.caption) for tile in tiles)
    across, down = width + GAP, above + height + GAP
    size = (min(columns, len(tiles)) * across + GAP, -(-len(tiles) // columns) * down)
    canvas = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(LETTERS)
    for k, tile in enumerate(tiles):
        row, column = divmod(k, columns)
        left, top = GAP + column * across, row * down
        for n, line in enumerate(tile.caption):
            draw.text((left, top + n * LINE), _cut(line, width, draw, font), fill="black", font=font)
        canvas.paste(Image.fromarray(tile.image), (left, top + above))
    return np.asarray(canvas)


def _cut(line: str, width: int, draw: ImageDraw.ImageDraw, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> str:
    """As much of `line` as has room."""
    if draw.textlength(line, font) <= width:
        return line
    while line and draw.textlength(f"{line}...", font) > width:
        line = line[:-1]
    return f"{line}..."
