"""JPEG: what a file keeps of an image, what that adds to it, and which images it may be of."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import product
from math import prod
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from torch import Tensor

from ..errors import BadInput
from ..files import Quantisation
from ..files.picture import MCU
from ..images import Pixels
from ..patches import dct_basis
from .coding import coded

BLOCK = 8
# red, green and blue in brightness and the two differences of colour: BT.601, as in JPEG
YCBCR = torch.tensor(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
)
CELL = 0.6  # of a cell of the quantiser, around its middle: where most values are
LEVEL = 128.0  # of brightness, of 255: the cosines of a file are those of what is left
ROUNDED = 0.5  # what rounding to 8 bits does to a coefficient, of 255
DRAWN = 512  # pixels a side of what is drawn of the artefacts
CLIPPED = 0.5  # share of a block at black or white beyond which nothing is known of it
KEPT = 2  # rounds of `_at_half`: what is left of an error is a quarter of it, or less
STEEP = 30.0  # of a distribution within a cell; any steeper are alike
SUBSAMPLING = {(False, False): "4:4:4", (False, True): "4:2:2", (True, True): "4:2:0"}

Tables = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Compression:
    """JPEG: cosines of 8 x 8 pixels, rounded to multiples of the numbers of a table.

    quality: 1 to 100, of the standard tables. tables: those of brightness and of colour, 64 numbers
    each in rows, in the place of the standard ones. halved: whether colour is kept at half the
    resolution, down and across. top, left: row and column of the first whole block, of colour too.
    transposed: rows and columns have changed places since, as cameras held upright ask for.
    """

    quality: int
    top: int = 0
    left: int = 0
    transposed: bool = False
    halved: tuple[bool, bool] = (True, True)
    tables: Tables = ()

    @classmethod
    def of_file(cls, kept: Quantisation) -> "Compression":
        """That of a file; the quality is that of the standard tables that are nearest. Raises
        BadInput.
        """
        if not isinstance(kept, Quantisation) or not _are_tables(kept.tables):
            raise BadInput(
                "coding is not how a file kept a picture; give what files.read(...).coding is, or "
                "a quality"
            )
        how = (kept.top, kept.left, kept.transposed, kept.halved, kept.tables)
        return cls(nearest_quality(kept.tables[0]), *how)

    @property
    def sentence(self) -> str:
        """What it is, for a person."""
        own = "" if self.standard else ", about, with tables of its own"
        return f"JPEG of quality {self.quality}{own}"

    @property
    def standard(self) -> bool:
        """Whether its tables are those of its quality; a file without colour has one of them."""
        usual = standard(self.quality)
        bright, colour = self.tables or usual
        return bright == usual[0] and colour in usual

    def at(self, row: int, column: int) -> "Compression":
        """The same of the part of the image that begins there."""
        return replace(self, top=(self.top - row) % MCU, left=(self.left - column) % MCU)

    def ways_of_colour(self) -> list["Compression"]:
        """The same with colour kept in other ways: its blocks, where it is halved, begin at every
        other one of brightness.
        """
        # if only one side is halved: that of rows, in a file, which tables of its own do not tell
        turned = (False, True) if self.tables else (self.transposed,)
        return [
            replace(
                self, top=self.top + BLOCK * down, left=self.left + BLOCK * right, halved=halved
            )
            for halved in ((True, True), *((each, not each) for each in turned), (False, False))
            for down, right in product(*(range(1 + each) for each in halved))
        ]

    def compress(self, image: Tensor) -> Tensor:
        """What a JPEG file keeps of `image` (1, C, H, W) in [0, 1]."""
        if not self.transposed:
            return coded(image, (self.top, self.left), self.decoded)
        turned = coded(image.mT, (self.left, self.top), self.decoded)
        return turned.mT

    def decoded(self, pixels: Pixels) -> Pixels:
        """What a file keeps of pixels (H, W) or (H, W, 3) of 8 bits, whose first is that of a
        block.
        """
        down, across = self.halved[::-1] if self.transposed else self.halved
        if down > across:  # which Pillow does not write; across, it is the same of the transposed
            turned = replace(self, transposed=not self.transposed, tables=self._transposed)
            return turned.decoded(pixels.swapaxes(0, 1)).swapaxes(0, 1)
        how: dict[str, Any] = {"subsampling": SUBSAMPLING[down, across]}
        if self.tables:
            how["qtables"] = [list(each) for each in self.tables]
        else:
            how["quality"] = self.quality
        buffer = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "JPEG", **how)
        return np.array(Image.open(buffer))

    @property
    def _transposed(self) -> Tables:
        """The tables, rows and columns in each other's place."""
        squares = np.array(self.tables or standard(self.quality)).reshape(-1, BLOCK, BLOCK)
        return tuple(tuple(each.T.ravel().tolist()) for each in squares)

    def project(self, image: Tensor, observation: Tensor) -> Tensor:
        """`image` (1, C, H, W) moved to where compression makes about x0 of it.

        Cosines of its blocks, of brightness and of colour, are brought into the middle of the
        quantiser's cell that x0 is in. Blocks that are mostly black or white stay, as there x0 is
        not what was decoded, and so do those that the border cuts.
        """
        mixing, kinds = self._mixing(image)
        moved, known = (_mixed(mixing, each) for each in (image, observation))
        touched = ((observation <= 0) | (observation >= 1)).any(dim=1, keepdim=True).to(image)
        for channel, kind in enumerate(kinds):
            plane = slice(channel, channel + 1)
            window = self._whole(kind, image)
            if not prod(moved[window].shape):
                continue
            mine, kept = (kind.cosines(255 * each[window][:, plane]) for each in (moved, known))
            steps = kind.steps.to(image)[:, None, None]
            middle = (kept / steps).round() * steps
            reach = CELL * steps / 2 + ROUNDED
            change = mine.clamp(middle - reach, middle + reach) - mine
            change *= (F.avg_pool2d(touched[window], kind.sides) <= CLIPPED).to(change)
            moved[window][:, plane] += kind.pixels(change) / 255
        return _mixed(torch.linalg.inv(mixing), moved)

    def cosines(self, image: Tensor) -> list[Tensor]:
        """Of each component of `image` (1, C, H, W) in [0, 1], those of its whole blocks without
        black or white, of 255, (64, blocks).
        """
        mixing, kinds = self._mixing(image)
        planes = 255 * _mixed(mixing, image)
        clipped = ((image <= 0) | (image >= 1)).any(dim=1, keepdim=True).to(image)
        found = []
        for channel, kind in enumerate(kinds):
            window = self._whole(kind, image)
            if not prod(planes[window].shape):
                found.append(image.new_zeros(BLOCK**2, 0))
                continue
            kept = F.max_pool2d(clipped[window], kind.sides)[0].flatten() == 0
            of_blocks = kind.cosines(planes[window][:, channel : channel + 1])
            found.append(of_blocks[0].flatten(1)[:, kept])
        return found

    def artefacts(self, observation: Tensor) -> Tensor:
        """What compression might have added to x0 (1, C, H, W): a draw, (1, C, 512, 512).

        Every cosine of a block is independent of the others, with the variance that it has within
        a cell of the quantiser if images have a Laplace distribution there (Reininger and Gibson
        1983, doi:10.1109/TCOM.1983.1095893), whose width the zeros of x0 tell.
        """
        mixing, kinds = self._mixing(observation)
        known = _mixed(mixing, observation)
        generator = torch.Generator().manual_seed(0)
        drawn = []
        for channel, kind in enumerate(kinds):
            plane = known[self._whole(kind, observation)][:, channel : channel + 1]
            deviation = (
                kind.deviation(255 * plane) if prod(plane.shape) else kind.steps / 12**0.5
            ).to(observation)
            blocks = [DRAWN // side for side in kind.sides]
            normal = torch.randn(1, BLOCK**2, *blocks, generator=generator).to(observation)
            drawn.append(kind.pixels(deviation[:, None, None] * normal, smooth=True) / 255)
        return _mixed(torch.linalg.inv(mixing), torch.cat(drawn, dim=1))

    def _mixing(self, image: Tensor) -> tuple[Tensor, list["Component"]]:
        """The matrix that makes the components of a file of the channels of `image`, and what is
        known of each.
        """
        channels = image.shape[1]
        mixing = torch.eye(channels)
        bright, colour = (
            Component(*each) for each in zip(self.steps, self._shrinks, (LEVEL, 0.0), strict=True)
        )
        kinds = [bright] * channels
        if channels >= 3:
            mixing[:3, :3] = YCBCR
            kinds[1:3] = [colour] * 2
        return mixing.to(image), kinds

    @property
    def _shrinks(self) -> tuple[tuple[int, int], tuple[int, int]]:
        down, across = (2 if each else 1 for each in self.halved)
        return (1, 1), (down, across)

    @cached_property
    def steps(self) -> Tensor:
        """The numbers of the tables, (2, 64)."""
        tables = torch.tensor(self.tables or standard(self.quality), dtype=torch.float32)
        square = tables.reshape(2, BLOCK, BLOCK)
        return (square.mT if self.transposed else square).flatten(1)

    def _whole(self, kind: "Component", image: Tensor) -> tuple[slice, ...]:
        """The whole blocks of a component in `image`."""
        rows, columns = (
            slice(first % side, first % side + max(0, size - first % side) // side * side)
            for size, first, side in zip(
                image.shape[-2:], (self.top, self.left), kind.sides, strict=True
            )
        )
        return slice(None), slice(None), rows, columns


@dataclass(frozen=True, eq=False)
class Component:
    """Brightness, or a difference of colour, as a file keeps it: how it is rounded, and the pixels
    of the image to one of its own, down and across.
    """

    steps: Tensor  # (64,), of 255
    shrink: tuple[int, int]
    level: float  # of 255, what is taken from the plane before

    @property
    def sides(self) -> tuple[int, int]:
        """Of a block, pixels of the image."""
        return BLOCK * self.shrink[0], BLOCK * self.shrink[1]

    def cosines(self, plane: Tensor) -> Tensor:
        """Of the blocks of a plane (1, 1, H, W), (1, 64, h, w)."""
        small = _at_half(plane, self.shrink) - self.level
        return F.conv2d(small, _basis().to(plane), stride=BLOCK)

    def pixels(self, cosines: Tensor, smooth: bool = False) -> Tensor:
        """The plane of blocks, without its level. smooth: made larger as decoders do it, or else by
        the nearest.
        """
        plane = F.conv_transpose2d(cosines, _basis().to(cosines), stride=BLOCK)
        return _enlarged(plane, self.shrink) if smooth else _repeated(plane, self.shrink)

    def deviation(self, plane: Tensor) -> Tensor:
        """Of what was rounded off in the plane, (64,): that of a Laplace distribution within the
        cells, of which as many values as in the plane are in the cell of zero.
        """
        steps = self.steps.to(plane)
        values = (self.cosines(plane)[0].flatten(1) / steps[:, None]).round()
        count = values.shape[1]
        zero = ((values == 0).sum(dim=1) + 0.5) / (count + 1)
        steep = (-2 * torch.log1p(-zero)).clamp(max=STEEP)[:, None]  # exp(-steep |v|) of v in steps
        inner, outer = (torch.linspace(low, 0.5, 401).to(plane) for low in (0.0, -0.5))
        weights = torch.exp(-steep * inner)
        of_zero = (weights * inner.square()).sum(dim=1) / weights.sum(dim=1)
        weights = torch.exp(-steep * (outer + 0.5))
        of_others = (weights * outer.square()).sum(dim=1) / weights.sum(dim=1)
        return steps * (zero * of_zero + (1 - zero) * of_others).sqrt()


@cache
def _basis() -> Tensor:
    return dct_basis(BLOCK).reshape(BLOCK**2, 1, BLOCK, BLOCK)


def nearest_quality(table: Sequence[int]) -> int:
    """Whose standard table of brightness is nearest, by the sum."""
    steps = sum(table)
    return min(range(1, 101), key=lambda quality: abs(sum(standard(quality)[0]) - steps))


@cache
def standard(quality: int) -> Tables:
    """The tables of brightness and of colour of libjpeg."""
    buffer = io.BytesIO()
    Image.new("RGB", (BLOCK, BLOCK)).save(buffer, "JPEG", quality=quality)
    buffer.seek(0)
    with JpegImageFile(buffer) as file:
        bright, *colour = (tuple(table) for table in file.quantization.values())
    return bright, colour[0] if colour else bright


def _are_tables(tables: Any) -> bool:
    try:
        return len(tables) == 2 and all(
            isinstance(each, tuple) and len(each) == BLOCK**2 and all(0 < n < 2**16 for n in each)
            for each in tables
        )
    except TypeError:
        return False


def _mixed(mixing: Tensor, image: Tensor) -> Tensor:
    return torch.einsum("ij,bjhw->bihw", mixing, image)


def _at_half(plane: Tensor, shrink: tuple[int, int]) -> Tensor:
    """The plane that `_enlarged` made this one of: the means of its squares, corrected."""
    if shrink == (1, 1):
        return plane
    small = means = F.avg_pool2d(plane, shrink)
    for _ in range(KEPT):
        small = small + means - F.avg_pool2d(_enlarged(small, shrink), shrink)
    return small


def _enlarged(plane: Tensor, shrink: tuple[int, int]) -> Tensor:
    """As decoders make colour larger, linearly."""
    if shrink == (1, 1):
        return plane
    return F.interpolate(plane, scale_factor=shrink, mode="bilinear")


def _repeated(plane: Tensor, shrink: tuple[int, int]) -> Tensor:
    for axis, times in zip((-2, -1), shrink, strict=True):
        plane = plane.repeat_interleave(times, dim=axis)
    return plane
