"""Holes: values of an image that are missing."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


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
