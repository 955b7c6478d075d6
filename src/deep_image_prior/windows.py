"""Windows: parts of a picture, for a step to look at or for f to be applied to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

PANELS = 4  # of a sheet
PANEL = 256  # pixels a side
OWN_SEED = 8_128_496  # of their places


@dataclass(frozen=True)
class Window:
    """Rows and columns of a picture."""

    rows: slice
    columns: slice

    def __call__(self, image: Tensor) -> Tensor:
        """That part of (B, C, H, W)."""
        return image[..., self.rows, self.columns]


WHOLE = Window(slice(None), slice(None))


def draw_window(
    generator: np.random.Generator, shape: Sequence[int], panels: int, side: int
) -> Window:
    """One of at most `side` x `side` pixels, anywhere in one of `panels` pictures of `shape` (H, W)
    side by side.
    """
    height, width = (min(side, each) for each in shape)
    panel, top, left = map(
        int, generator.integers([panels, shape[0] - height + 1, shape[1] - width + 1])
    )
    left += panel * shape[1]
    return Window(slice(top, top + height), slice(left, left + width))


def sheet(image: Tensor) -> Tensor:
    """PANELS parts of (1, C, H, W) side by side, one from each of as many parts of its longer
    side.
    """
    height, width = image.shape[-2:]
    generator = np.random.default_rng(OWN_SEED)
    rows, columns = (min(PANEL, side) for side in (height, width))
    parts = []
    for k in range(PANELS):
        places = [(k + generator.random()) / PANELS, generator.random()]
        down, across = places if height > width else reversed(places)
        top, left = int(down * (height - rows + 1)), int(across * (width - columns + 1))
        parts.append(Window(slice(top, top + rows), slice(left, left + columns))(image))
    return torch.cat(parts, dim=-1)


@dataclass(frozen=True)
class Tile:
    """A part of the picture to restore, and the part around it that it depends on."""

    core: Window
    around: Window

    def inside(self, image: Tensor) -> Tensor:
        """The core of an image of what is around it."""
        rows, columns = (
            slice(core.start - around.start, core.stop - around.start)
            for core, around in (
                (self.core.rows, self.around.rows),
                (self.core.columns, self.around.columns),
            )
        )
        return image[..., rows, columns]


def tiles(shape: Sequence[int], side: int, margin: int) -> Iterator[Tile]:
    """Those that make up a picture of `shape` (H, W); `side` x `side` pixels, and `margin` more to
    every side that the picture has.
    """
    height, width = shape

    def along(start: int, size: int) -> tuple[slice, slice]:
        stop = min(start + side, size)
        return slice(start, stop), slice(max(start - margin, 0), min(stop + margin, size))

    for top in range(0, height, side):
        for left in range(0, width, side):
            (rows, high), (columns, wide) = along(top, height), along(left, width)
            yield Tile(Window(rows, columns), Window(high, wide))
