"""What JPEG compression leaves in the pixels: the quality, the grid and how colour was kept."""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..files import Quantisation
from ..files.picture import MCU
from ..images import Pixels
from ..patches import dct_basis
from ..windows import middle
from .jpeg import BLOCK, ROUNDED, YCBCR, Compression
from .jpeg_tables import SIDE, seen, with_brightness_told, with_colour_told

AROUND = 6  # qualities to both sides that one is compared with
DIP = 0.3  # measured: 0.25 or less at the quality of a compressed image
BEST = 90  # beyond it every image is left as it is
# of the change on the next best grid, that on the grid of an older compression: measured 0.5 to
# 0.82 where there was one, of half the quality or less, and 0.85 and more where there was not
OLDER = 0.8
CHANGE = 1.0  # mean square, of 255, that other qualities must make
LEAST, MOST = 16, 4096  # blocks that vary: fewer tell nothing, of more a part is looked at
FEW = 256  # of them, that tell whether rows and columns have changed places
LIKELY = 3  # rows, and columns, that blocks may begin at
FINE = 6  # the least sum of the two numbers of a cosine that compression makes zero
# share of zeros, in blocks over any other patches: measured 0.003 and less without compression,
# 0.09 and more in photographs as cameras store them
ZEROS = 0.05
GRAYS = 8  # of a drawing, whose blocks many qualities leave as they are; files have more


def detect(
    observation: Tensor, quality: int | None = None, file: Quantisation | None = None
) -> Compression | None:
    """The compression of x0 (1, C, H, W) in [0, 1], or None if it left no trace, as above a quality
    of about 90.

    Compressed once more at its own quality, on its own grid, the image hardly changes (Farid 2009,
    doi:10.1109/TIFS.2008.2012215); tables that are of no quality its cosines tell. quality: if it
    is known, and only the grid is not. file: how its file kept it, which is what is to be undone
    unless there are traces of one before that was coarser. Raises BadInput.
    """
    stored = None if file is None else Compression.of_file(file)
    y = luma(observation)
    grids = _grids(y)
    found = next(filter(None, (_standard(y, grid) for grid in grids)), None)
    if stored and not (found and found.quality < stored.quality - AROUND):
        return replace(stored, quality=quality, tables=()) if quality else stored
    if quality is None and stored is None and (own := _own(observation, grids, found)):
        return own
    if found is None:
        return None
    return _with_colour(replace(found, quality=quality or found.quality), observation)


def older(y: Pixels, last: Compression) -> Compression | None:
    """The coarser compression of y (H, W) before `last`, on another grid; None unless at some
    quality one grid, compressed once more, changes much less than all others.
    """
    own = (last.top % BLOCK, last.left % BLOCK)
    grids = [grid for grid in _grids(y) if grid != own]
    coarser = last.quality - AROUND
    blocks = [_blocks(y, *grid) for grid in grids]
    if coarser < 1 or len(grids) < 2 or min(map(_count, blocks)) < LEAST:
        return None
    dips = np.minimum(1, [_dips(each)[:coarser] for each in blocks])  # (grids, qualities)
    least, second = np.sort(dips, axis=0)[:2]
    k = int((least / second).argmin())
    if least[k] >= OLDER * second[k]:
        return None
    return Compression(k + 1, *grids[int(dips[:, k].argmin())])


def _own(
    observation: Tensor, grids: list[tuple[int, int]], found: Compression | None
) -> Compression | None:
    """With tables that are of no quality, told by the cosines; None unless they are clearly coarser
    than `found`, or than BEST without that.
    """
    if found:
        grids = [(found.top, found.left)]
    finest = found.quality - AROUND if found else BEST
    own = next(filter(None, (with_brightness_told(observation, grid) for grid in grids)), None)
    return with_colour_told(own, observation) if own and own.quality <= finest else None


def _standard(y: Pixels, grid: tuple[int, int]) -> Compression | None:
    """Of y (H, W), with standard tables, in blocks from `grid` on; None if no quality changes it
    much less than the qualities around it.
    """
    blocks = _blocks(y, *grid)
    if _count(blocks) < LEAST:
        return None
    few = _thinned(blocks, FEW)
    transposed = bool(_dips(_turned(few)).min() < _dips(few).min())
    dips = _dips(_turned(blocks) if transposed else blocks)
    if dips.min() >= DIP:
        return None
    return Compression(int(dips.argmin()) + 1, *grid, transposed)


def _with_colour(found: Compression, observation: Tensor) -> Compression:
    """How colour was kept: so that it changes least if that is done again."""
    if observation.shape[1] < 3:
        return found
    part = seen(observation)

    def change(each: Compression) -> float:
        differs = _colour(each.compress(part)) - _colour(part)
        # not at the border, where colour was drawn from beyond
        inside = differs[..., MCU:-MCU, MCU:-MCU]
        return (inside if inside.numel() else differs).square().mean().item()

    return min(found.ways_of_colour(), key=change)


def _colour(image: Tensor) -> Tensor:
    return torch.einsum("ij,bjhw->bihw", YCBCR[1:].to(image), image[:, :3])


def is_compressed(observation: Tensor) -> bool:
    """Whether x0 (1, C, H, W) in [0, 1] has been a JPEG file, of high quality too: then more of the
    fine cosines are zero in its blocks than in patches that begin elsewhere.
    """
    height, width = observation.shape[-2:]
    if min(height, width) < 3 * BLOCK:
        return False
    part = middle(observation.shape, SIDE)(observation)
    y = 255 * (part * _luma(part)).sum(dim=1, keepdim=True)
    order = torch.arange(BLOCK)
    fine = (order[:, None] + order).flatten() >= FINE
    basis = dct_basis(BLOCK)[fine].to(part).reshape(-1, 1, BLOCK, BLOCK)
    zero = (F.conv2d(y, basis).abs() < ROUNDED).float().mean(dim=1)[0]
    rows, columns = (side // BLOCK for side in zero.shape)
    zero = zero[: rows * BLOCK, : columns * BLOCK]
    # of blocks that begin at each of 8 x 8 places
    shares = zero.reshape(rows, BLOCK, columns, BLOCK).mean(dim=(0, 2))
    most, second = shares.flatten().topk(2).values
    return bool(most - second > ZEROS)


def _grids(y: Pixels) -> list[tuple[int, int]]:
    """Rows and columns where blocks may begin: those of a whole file, then where neighbours differ
    most. An empty list for drawings.
    """
    drawing = np.count_nonzero(np.bincount(y.ravel())) <= GRAYS
    if min(y.shape) < 3 * BLOCK or drawing:
        return []
    likely = []
    for axis in (0, 1):
        differences = np.abs(np.diff(y.astype(float), axis=axis)).mean(axis=1 - axis)
        likely.append(np.argsort(by_place(differences))[::-1][:LIKELY].tolist())
    return list(dict.fromkeys([(0, 0), *product(*likely)]))


def by_place(steps: Pixels) -> Pixels:
    """The mean step to the rows that are 0 to 7 beyond a multiple of 8, (8,)."""
    return np.array([steps[(first - 1) % BLOCK :: BLOCK].mean() for first in range(BLOCK)])


def _blocks(y: Pixels, top: int, left: int) -> Pixels:
    """Blocks of y from all over it, side by side, (8, 8 N). Those of one value are left out: any
    quality may keep them, and another not.
    """
    rows, columns = (
        (size - first) // BLOCK for size, first in zip(y.shape, (top, left), strict=True)
    )
    whole = y[top : top + rows * BLOCK, left : left + columns * BLOCK]
    every = whole.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2).reshape(-1, BLOCK, BLOCK)
    varied = every[np.ptp(every, axis=(1, 2)) > 0]
    return _thinned(varied.swapaxes(0, 1).reshape(BLOCK, -1), MOST)


def _count(blocks: Pixels) -> int:
    return blocks.shape[1] // BLOCK


def _thinned(blocks: Pixels, most: int) -> Pixels:
    """Every n-th of them, `most` or less."""
    step = max(1, math.ceil(_count(blocks) / most))
    return blocks.reshape(BLOCK, -1, BLOCK)[:, ::step].reshape(BLOCK, -1)


def _turned(blocks: Pixels) -> Pixels:
    """Each with its rows as columns."""
    return blocks.reshape(BLOCK, -1, BLOCK).transpose(2, 1, 0).reshape(BLOCK, -1)


def _dips(blocks: Pixels) -> Pixels:
    """How much less than around it another compression changes blocks (8, 8 N) at every quality
    from 1 to BEST.
    """
    changes = [
        np.square(Compression(q).decoded(blocks) - blocks.astype(float)).mean() + 0.05
        for q in range(1, BEST + 1)
    ]
    around = [np.median(changes[max(0, k - AROUND) : k + AROUND + 1]) for k in range(BEST)]
    # a drawing that hardly changes at any quality is no sign of one
    return np.array([c / a if a > CHANGE else 1.0 for c, a in zip(changes, around, strict=True)])


def luma(image: Tensor) -> Pixels:
    """Brightness of (1, C, H, W) in 8 bits, (H, W)."""
    plane = (image * _luma(image)).sum(dim=1)[0]
    return np.rint(255 * plane.clamp(0, 1).cpu().numpy()).astype(np.uint8)


def _luma(image: Tensor) -> Tensor:
    """The weights of brightness, (C, 1, 1): of the three channels of colour, or of the first of
    fewer.
    """
    weights = torch.zeros(image.shape[1])
    weights[:3] = YCBCR[0] if len(weights) >= 3 else torch.eye(3)[0, : len(weights)]
    return weights.to(image)[:, None, None]
