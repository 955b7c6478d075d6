"""JPEG: the quality and the grid of a compression, found in the pixels that it left, and the same
for other pixels.
"""

import io
import math
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from torch import Tensor

from ..images import Pixels
from ..padding import pad_reflect
from ..patches import dct_basis

BLOCK = 8
LUMA = (0.299, 0.587, 0.114)  # BT.601, as in JPEG
AROUND = 6  # qualities to both sides that one is compared with
DIP = 0.3  # measured: 0.25 or less at the quality of a compressed image
CELL = (
    0.6  # of a cell of the quantiser, around its middle: where most values were (Park and Lee 1999)
)
ROUNDED = 0.5  # what rounding to 8 bits does to a coefficient, of 255
BEST = 90  # beyond it every image is left as it is
CHANGE = 1.0  # mean square, of 255, that other qualities must make
SIDE = 512  # pixels a side that are looked at
FEW = 256  # blocks that tell whether rows and columns have changed places
LIKELY = 3  # rows, and columns, that blocks may begin at
FINE = 6  # the least sum of the two numbers of a cosine that compression makes zero
# share of zeros, in blocks over any other patches: measured 0.003 and less without compression,
# 0.09 and more in photographs as cameras store them
ZEROS = 0.05


@dataclass(frozen=True)
class Compression:
    """JPEG with the standard tables at `quality`, 1 to 100; the first whole block is at row `top`,
    column `left`.

    transposed: rows and columns have changed places since, as cameras held upright ask for.
    """

    quality: int
    top: int = 0
    left: int = 0
    transposed: bool = False

    @property
    def sigma(self) -> float:
        """Of the white noise that estimates of the image do best to take the artefacts for, white
        being 1.

        A power of the scale of the tables (libjpeg's of the quality), measured at 10 and 30.
        """
        scale = 50 / self.quality if self.quality < 50 else 2 - self.quality / 50
        return 10.5 / 255 * max(scale, 0.02) ** 0.56

    def compress(self, image: Tensor) -> Tensor:
        """What a JPEG file keeps of `image` (1, C, H, W) in [0, 1]."""
        height, width = image.shape[-2:]
        whole = (
            2 * BLOCK
        )  # pixels a side of the blocks of colour, which is kept at half the resolution
        top, left = whole - self.top, whole - self.left
        grown = pad_reflect(image, (top, whole), (left, whole))
        planes = np.rint(255 * grown[0].clamp(0, 1).permute(1, 2, 0).cpu().numpy()).astype(np.uint8)
        if self.transposed:
            kept = _kept(planes.swapaxes(0, 1), self.quality).swapaxes(0, 1)
        else:
            kept = _kept(planes, self.quality)
        pixels = torch.from_numpy(kept).permute(2, 0, 1)[None].to(image) / 255
        return pixels[..., top : top + height, left : left + width]

    def project(self, image: Tensor, observation: Tensor) -> Tensor:
        """`image` (1, C, H, W) moved to where compression makes about the brightness of x0 of it.

        Cosines of its blocks are brought to the middle of the quantiser's cell that x0 is in.
        Blocks that touch black or white stay, as there x0 is not what was decoded, and so do those
        that the border cuts.
        """
        weights = _luma(image)
        rows, columns = (
            (size - first) // BLOCK * BLOCK
            for size, first in zip(image.shape[-2:], (self.top, self.left), strict=True)
        )
        if not rows or not columns:
            return image
        window = (..., slice(self.top, self.top + rows), slice(self.left, self.left + columns))
        x, x0 = image[window], observation[window]
        basis = dct_basis(BLOCK).to(image).reshape(BLOCK**2, 1, BLOCK, BLOCK)
        mine, kept = (
            255 * F.conv2d((each * weights).sum(dim=1, keepdim=True), basis, stride=BLOCK)
            for each in (x, x0)
        )
        reach = (CELL * self._table.to(image) / 2 + ROUNDED)[:, None, None]
        change = (mine.clamp(kept - reach, kept + reach) - mine) / 255
        touched = ((x0 <= 0) | (x0 >= 1)).any(dim=1, keepdim=True).to(image)
        change = change * (1 - F.max_pool2d(touched, BLOCK))
        moved = image.clone()
        moved[window] += F.conv_transpose2d(change, basis, stride=BLOCK)
        return moved

    @property
    def _table(self) -> Tensor:
        """The steps of the quantiser of brightness, (64,), of 255."""
        buffer = io.BytesIO()
        Image.new("L", (BLOCK, BLOCK)).save(buffer, "JPEG", quality=self.quality)
        buffer.seek(0)
        with JpegImageFile(buffer) as file:
            steps = torch.tensor(file.quantization[0], dtype=torch.float32).reshape(BLOCK, BLOCK)
        return (steps.T if self.transposed else steps).flatten()


def detect(observation: Tensor, quality: int | None = None) -> Compression | None:
    """The compression of x0 (1, C, H, W) in [0, 1], or None if it left no trace, as above a quality
    of about 75.

    Compressed once more at its own quality, on its own grid, the image hardly changes (Farid 2009,
    doi:10.1109/TIFS.2008.2012215). quality: if it is known, and only the grid is not.
    """
    luma = (observation * _luma(observation)).sum(dim=1)[0]
    y = np.rint(255 * luma.clamp(0, 1).cpu().numpy()).astype(np.uint8)
    if min(y.shape) < 3 * BLOCK:
        return Compression(quality) if quality else None
    for grid in _grids(y):
        blocks = _blocks(y, *grid)
        few = _thinned(blocks)
        transposed = bool(_dips(few.T).min() < _dips(few).min())
        dips = _dips(blocks.T if transposed else blocks)
        if dips.min() < DIP:
            return Compression(quality or int(dips.argmin()) + 1, *grid, transposed)
    return Compression(quality) if quality else None


def is_compressed(observation: Tensor) -> bool:
    """Whether x0 (1, C, H, W) in [0, 1] has been a JPEG file, of high quality too: then more of the
    fine cosines are zero in its blocks than in patches that begin elsewhere.
    """
    height, width = observation.shape[-2:]
    if min(height, width) < 3 * BLOCK:
        return False
    top, left = (max(0, (side - SIDE) // 2) for side in (height, width))
    part = observation[..., top : top + SIDE, left : left + SIDE]
    luma = 255 * (part * _luma(part)).sum(dim=1, keepdim=True)
    order = torch.arange(BLOCK)
    fine = (order[:, None] + order).flatten() >= FINE
    basis = dct_basis(BLOCK)[fine].to(part).reshape(-1, 1, BLOCK, BLOCK)
    zero = (F.conv2d(luma, basis).abs() < ROUNDED).float().mean(dim=1)[0]
    rows, columns = (side // BLOCK for side in zero.shape)
    zero = zero[: rows * BLOCK, : columns * BLOCK]
    # of blocks that begin at each of 8 x 8 places
    shares = zero.reshape(rows, BLOCK, columns, BLOCK).mean(dim=(0, 2))
    most, second = shares.flatten().topk(2).values
    return bool(most - second > ZEROS)


def _grids(y: Pixels) -> list[tuple[int, int]]:
    """Rows and columns where blocks may begin: those of a whole file, then where neighbours differ
    most.
    """
    likely = []
    for axis in (0, 1):
        differences = np.abs(np.diff(y.astype(float), axis=axis)).mean(axis=1 - axis)
        steps = [differences[(first - 1) % BLOCK :: BLOCK].mean() for first in range(BLOCK)]
        likely.append(np.argsort(steps)[::-1][:LIKELY].tolist())
    return list(dict.fromkeys([(0, 0), *product(*likely)]))


def _blocks(y: Pixels, top: int, left: int) -> Pixels:
    """The whole blocks of y, at most SIDE pixels a side of them."""
    rows, columns = (
        (min(SIDE, size - first) // BLOCK) * BLOCK
        for size, first in zip(y.shape, (top, left), strict=True)
    )
    return y[top : top + rows, left : left + columns]


def _thinned(blocks: Pixels) -> Pixels:
    """Every n-th block both ways, about FEW of them or all."""
    rows, columns = (size // BLOCK for size in blocks.shape)
    step = max(1, math.isqrt(rows * columns // FEW))
    every = blocks.reshape(rows, BLOCK, columns, BLOCK)[::step, :, ::step]
    return every.reshape(every.shape[0] * BLOCK, -1)


def _dips(blocks: Pixels) -> Pixels:
    """How much less than around it another compression changes the blocks at every quality from 1
    to BEST.
    """
    changes = [
        np.square(_decoded(blocks, q) - blocks.astype(float)).mean() + 0.05
        for q in range(1, BEST + 1)
    ]
    around = [np.median(changes[max(0, k - AROUND) : k + AROUND + 1]) for k in range(BEST)]
    # a drawing that hardly changes at any quality is no sign of one
    return np.array([c / a if a > CHANGE else 1.0 for c, a in zip(changes, around, strict=True)])


def _luma(image: Tensor) -> Tensor:
    """The weights of brightness, (C, 1, 1): of the three channels of colour, or of the first of
    fewer.
    """
    weights = torch.zeros(image.shape[1])
    weights[:3] = torch.tensor(LUMA) if len(weights) >= 3 else torch.eye(3)[0, : len(weights)]
    return weights.to(image)[:, None, None]


def _kept(planes: Pixels, quality: int) -> Pixels:
    """`planes` (H, W, C) of 8 bits, compressed: the first three as colour, any others alone."""
    colours = 3 if planes.shape[2] >= 3 else 0
    alone = [
        _decoded(plane, quality)[..., None] for plane in planes[..., colours:].transpose(2, 0, 1)
    ]
    return np.concatenate(
        [*([_decoded(planes[..., :3], quality)] if colours else []), *alone], axis=2
    )


def _decoded(pixels: Pixels, quality: int) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.array(Image.open(buffer))
