"""Lossy files in memory: an image of any channels, coded in 8 bits and decoded."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..files.picture import MCU
from ..images import Pixels
from ..padding import pad_reflect


def coded(image: Tensor, grid: tuple[int, int], decoded: Callable[[Pixels], Pixels]) -> Tensor:
    """What is kept of `image` (1, C, H, W) in [0, 1] by `decoded`, of which the first three
    channels are colour and any others alone.

    grid: row and column of the first whole block, below 16. decoded: what a file keeps of pixels
    (H, W) or (H, W, 3) of 8 bits, whose first is that of a block.
    """
    height, width = image.shape[-2:]
    top, left = (MCU - first for first in grid)
    pixels = eight_bits(pad_reflect(image, (top, MCU), (left, MCU)))
    colours = 3 if pixels.shape[2] >= 3 else 0
    alone = [decoded(each)[..., None] for each in pixels[..., colours:].transpose(2, 0, 1)]
    colour = [decoded(pixels[..., :3])] if colours else []
    kept = torch.from_numpy(np.concatenate([*colour, *alone], axis=2))
    planes = kept.permute(2, 0, 1)[None].to(image) / 255
    return planes[..., top : top + height, left : left + width]


def eight_bits(image: Tensor) -> Pixels:
    """`image` (1, C, H, W) in [0, 1] as (H, W, C)."""
    planes = image[0].clamp(0, 1).permute(1, 2, 0).cpu().numpy()
    return np.rint(255 * planes).astype(np.uint8)
