"""Holes: values of an image that are missing."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

# of what single pixels, drawn by lot, have of neighbours that are not alike: lines and letters have
# less than half
LOT = 0.7
WIDE = 40  # pixels a side of a square that lines and letters have no room for


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


def are_wide(known: Tensor) -> bool:
    """Whether a square of WIDE pixels a side, or a little less, is missing anywhere."""
    step = WIDE // 5
    if min(known.shape[-2:]) < WIDE:
        return False
    return F.max_pool2d(known, WIDE - step, stride=step).min().item() == 0


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
