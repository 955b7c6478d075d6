"""Windows: parts of a picture, for a step to look at or for f to be applied to."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil

import numpy as np
import torch
from torch import Tensor

from .storage import strips

LARGEST = 2**18 + 2**17  # pixels of a picture that is fitted as it is, without panels or parts
PANELS = 4  # of a sheet
PANEL_GRID = 16  # pixels: panels begin on this grid, as the blocks of JPEG do
OWN_SEED = 8_128_496  # of their places

Place = tuple[int, int]  # rows and columns of a picture before a part of it


@dataclass(frozen=True)
class Window:
    """Rows and columns of a picture."""

    rows: slice
    columns: slice

    def __call__(self, image: Tensor) -> Tensor:
        """That part of (B, C, H, W)."""
        return image[..., self.rows, self.columns]

    def enlarged(self, factor: int) -> "Window":
        """The same part of a picture with `factor` times as many rows and columns."""
        rows, columns = (
            slice(factor * part.start, factor * part.stop) for part in (self.rows, self.columns)
        )
        return Window(rows, columns)


@dataclass(frozen=True)
class Windows:
    """Several of one size."""

    parts: tuple[Window, ...]

    def __call__(self, image: Tensor) -> Tensor:
        """Those parts of (B, C, H, W) side by side."""
        parts = [part(image) for part in self.parts]
        return torch.cat(parts, dim=-1) if len(parts) > 1 else parts[0]


WHOLE = Windows((Window(slice(None), slice(None)),))


def middle(shape: Sequence[int], side: int, grid: int = 1) -> Window:
    """That of (..., H, W), `side` rows and columns or all, which begin at multiples of `grid`."""
    first = (max(0, each - side) // 2 // grid * grid for each in shape[-2:])
    return Window(*(slice(start, start + side) for start in first))


def draw_windows(
    generator: np.random.Generator, shape: Sequence[int], panels: int, side: int, count: int
) -> Windows:
    """`count` of at most `side` x `side` pixels, anywhere in `panels` pictures of `shape` (H, W)
    side by side, in as many of them as can be.
    """
    height, width = (min(side, each) for each in shape)
    first, parts = int(generator.integers(panels)), []
    for k in range(count):
        top, left = map(int, generator.integers([shape[0] - height + 1, shape[1] - width + 1]))
        left += (first + k) % panels * shape[1]
        parts.append(Window(slice(top, top + height), slice(left, left + width)))
    return Windows(tuple(parts))


def as_batch(image: Tensor, count: int) -> Tensor:
    """`count` parts of (B, C, h, count w) side by side as (count B, C, h, w)."""
    return torch.cat(image.chunk(count, dim=-1))


def side_by_side(images: Tensor, count: int) -> Tensor:
    """The inverse of `as_batch`."""
    return torch.cat(images.chunk(count), dim=-1)


def sheet(image: Tensor, side: int) -> Tensor:
    """The `panels` of (1, C, H, W) side by side."""
    return Windows(panels(image, side))(image)


def panels(image: Tensor, side: int) -> tuple[Window, ...]:
    """PANELS parts of (1, C, H, W), `side` pixels a side or all that there are, one from each of as
    many parts of the longer side of the picture; around missing values (NaN) if there are any.
    """
    height, width = image.shape[-2:]
    generator = np.random.default_rng(OWN_SEED)
    missing = _missing(image)
    missing = missing[missing[:, int(width >= height)].argsort(stable=True)]
    parts = []
    for k in range(PANELS):
        along, across = (k + generator.random()) / PANELS, generator.random()
        if len(missing):
            row, column = missing[int(along * len(missing))].tolist()
        else:
            down, right = (along, across) if height > width else (across, along)
            row, column = int(down * height), int(right * width)
        parts.append(Window(_around(row, height, side), _around(column, width, side)))
    return tuple(parts)


def _missing(image: Tensor) -> Tensor:
    """The places of the missing values (NaN) of (1, C, H, W), (N, 2)."""
    found = []
    for rows in strips(*image.shape[-2:]):
        places = image[..., rows, :].isnan().any(dim=1)[0].nonzero()
        found.append(places + torch.tensor([rows.start, 0]).to(places))
    return torch.cat(found)


def _around(middle: int, size: int, side: int) -> slice:
    """`side` of `size` pixels, or as many as there are, on the grid."""
    side = min(side, size // PANEL_GRID * PANEL_GRID or size)
    first = min(max(middle - side // 2, 0), size - side) // PANEL_GRID * PANEL_GRID
    return slice(first, first + side)


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

    def enlarged(self, factor: int) -> "Tile":
        """The same part of a picture `factor` times as large."""
        return Tile(self.core.enlarged(factor), self.around.enlarged(factor))

    def weights(self) -> Tensor:
        """Of `around` in a blend of all tiles, (h, w) in (0, 1]: 1 in the middle, falling towards
        the next tiles; those of all add up to 1 where two overlap.
        """
        down, across = (
            _rise(core.start - around.start, core.stop - around.start, around.stop - around.start)
            for core, around in (
                (self.core.rows, self.around.rows),
                (self.core.columns, self.around.columns),
            )
        )
        return torch.outer(down, across)


def blended(tiles: Sequence[Tile], images: Sequence[Tensor], shape: Sequence[int]) -> Tensor:
    """The picture of `shape` (H, W) whose tiles with what is around them are `images` (1, C, h, w),
    in a mean by their weights.
    """
    total = images[0].new_zeros((*images[0].shape[:2], *shape))
    weights = images[0].new_zeros(tuple(shape))
    for tile, image in zip(tiles, images, strict=True):
        weight = tile.weights().to(image)
        tile.around(total).add_(weight * image)
        tile.around(weights).add_(weight)
    return total / weights


def _rise(first: int, last: int, size: int) -> Tensor:
    """1 from pixel 2 first to pixel size - 2 (size - last), falling outside; (size,)."""
    places = torch.arange(size) + 0.5
    rise = places / (2 * first) if first else torch.ones(size)
    fall = (size - places) / (2 * (size - last)) if last < size else torch.ones(size)
    return rise.clamp(max=1) * fall.clamp(max=1)


def tiles(shape: Sequence[int], side: int, margin: int, grid: int = 1) -> list[Tile]:
    """Those that make up a picture of `shape` (H, W): as equal as they can be, at most `side`
    pixels a side, beginning on multiples of `grid`; and `margin` more to every side that the
    picture has.
    """

    def along(size: int) -> list[tuple[slice, slice]]:
        stride = ceil(size / ceil(size / side) / grid) * grid
        cores = (slice(first, min(first + stride, size)) for first in range(0, size, stride))
        return [
            (core, slice(max(core.start - margin, 0), min(core.stop + margin, size)))
            for core in cores
        ]

    return [
        Tile(Window(rows, columns), Window(high, wide))
        for (rows, high), (columns, wide) in product(*map(along, shape))
    ]
