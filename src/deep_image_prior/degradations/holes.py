"""Holes: values of an image that are missing."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import label
from torch import Tensor

from ..padding import pad_reflect

# of what single pixels, drawn by lot, have of neighbours that are not alike: lines and letters have
# less than half
LOT = 0.7
WIDE = 24  # pixels a side of a square that lines and letters have no room for
FRINGE = 8  # pixels around such squares that belong to the same hole
DEEP = 16  # pixels a side of a square whose middle is guessed from afar
STRAY = 0.02  # of the pixels of such squares may be known, as a threshold leaves them in a mask


def marked(image: Tensor, known: Tensor) -> Tensor:
    """`image` (1, C, H, W) with NaN where `known`, (1, 1 or C, H, W), is 0."""
    return image.masked_fill(known == 0, torch.nan)


def unmarked(image: Tensor) -> Tensor:
    """1 where (1, C, H, W) is a number and 0 where it is NaN; (1, 1, H, W) if the channels are
    alike.
    """
    known = ~image.isnan()
    alike = bool((known == known[:, :1]).all())
    return (known[:, :1] if alike else known).to(image)


def are_scattered(known: Tensor) -> bool:
    """Whether the missing pixels of `known` (1, C, H, W), 1 or 0, are single ones: of neighbours
    about as many differ as if every pixel was drawn by lot, 2 p (1 - p).
    """
    p = known.mean().item()
    rows, columns = ((known.diff(dim=axis) != 0).float().mean().item() for axis in (-2, -1))
    return min(rows, columns) > LOT * 2 * p * (1 - p)


def wide_holes(known: Tensor) -> Tensor:
    """1 where pixels of `known` (1, 1, H, W), 1 or 0, are missing in a square of WIDE pixels a
    side, but for strays, or near one; 0 elsewhere.

    That is a morphological opening of the missing pixels, with their rims, unless single pixels are
    missing beside them; and all of a connected hole, if that is half of it.
    """
    if min(known.shape[-2:]) < WIDE:
        return torch.zeros_like(known)
    inside = _has_room(known, WIDE).to(known)  # first rows and columns of the squares
    squares = _largest(F.pad(inside, (WIDE - 1,) * 4), WIDE)
    wide = (1 - known) * _largest(F.pad(squares, (FRINGE,) * 4), 2 * FRINGE + 1)
    if not wide.any():
        return wide
    if are_scattered(known + wide):  # in the rims, too
        return (1 - known) * squares
    numbers, _ = label(known[0, 0].cpu().numpy() == 0)
    whole, part = (np.bincount(numbers.ravel(), each) for each in (None, wide[0, 0].cpu().ravel()))
    mostly = torch.from_numpy((2 * part >= whole)[numbers]).to(known)
    return torch.maximum(wide, (1 - known) * mostly)


def are_deep(known: Tensor) -> bool:
    """Whether pixels of `known` (1, C, H, W), 1 or 0, are missing in a square of DEEP pixels a
    side, but for strays, or in half of one at the rim; not where they are single ones.
    """
    grown = pad_reflect(known, (DEEP // 2, DEEP // 2))
    return not are_scattered(known) and bool(_has_room(grown, DEEP).any())


def _has_room(known: Tensor, side: int) -> Tensor:
    """Whether the pixels of every square of (1, C, H, W) are missing, but for strays."""
    strays = 0 if are_scattered(known) else STRAY
    rows = F.avg_pool2d(known, (1, side), 1)  # one after the other: many times as fast
    return F.avg_pool2d(rows, (side, 1), 1) <= strays


def _largest(image: Tensor, side: int) -> Tensor:
    """Of every `side` x `side` pixels of (1, 1, H, W), by rows and then by columns."""
    rows = F.max_pool2d(image, (1, side), stride=1)
    return F.max_pool2d(rows, (side, 1), stride=1)


@dataclass(frozen=True)
class Holes:
    """find: x0 (1, C, H, W), or a part of it -> 1 known, 0 missing; (1, 1, H, W), or (1, C, H, W)
    if the channels are known apart.

    scattered: single pixels are missing, not areas. exact: the known values have no noise, and are
    to stay.
    """

    find: Callable[[Tensor], Tensor] = unmarked
    scattered: bool = False
    exact: bool = False
