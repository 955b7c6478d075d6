"""Pictures side by side in one, each with its caption."""

import math
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
    """All tiles, row by row from the left, uint8; they are of one size, or wider, to have room for
    their captions.
    """
    font = ImageFont.load_default(LETTERS)
    height, width = tiles[0].image.shape[:2]
    width = max(
        width, *(math.ceil(font.getlength(line)) for tile in tiles for line in tile.caption)
    )
    above = LINE * max(len(tile.caption) for tile in tiles)
    across, down = width + GAP, above + height + GAP
    size = (min(columns, len(tiles)) * across + GAP, -(-len(tiles) // columns) * down)
    canvas = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(canvas)
    for k, tile in enumerate(tiles):
        row, column = divmod(k, columns)
        left, top = GAP + column * across, row * down
        for n, line in enumerate(tile.caption):
            draw.text((left, top + n * LINE), line, fill="black", font=font)
        canvas.paste(Image.fromarray(tile.image), (left, top + above))
    return np.asarray(canvas)
