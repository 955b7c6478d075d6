"""Missing values drawn from the known ones."""

from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..colour import from_opponent, to_opponent
from .dct import Windows, hard_threshold

# the first and the last noise that `dct_inpaint` takes its fill to have
STRONG, WEAK = 60 / 255, 2 / 255


def pyramid_fill(image: Tensor, mask: Tensor) -> Tensor:
    """`image` (1, C, H, W), its missing values (mask 0) taken from ever coarser means of the known
    ones (mask 1).
    """
    if mask.bool().all() or not mask.bool().any():
        return image
    coarse = pyramid_fill(*halve_known(image, mask))
    height, width = image.shape[-2:]
    smooth = F.interpolate(coarse, scale_factor=2, mode="bilinear")[..., :height, :width]
    return mask * image + (1 - mask) * smooth


def halve_known(image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Means of the known (mask 1) of every 2 x 2 pixels of `image` (1, C, H, W), and a mask of
    where there are any; of a last odd row or column by itself.
    """
    halve = partial(F.avg_pool2d, kernel_size=2, ceil_mode=True)
    known = halve(mask)
    return halve(image * mask) / known.clamp_min(1e-6), (known > 0).to(mask)


def dct_inpaint(image: Tensor, known: Tensor, size: int, step: int, rounds: int) -> Tensor:
    """`image` (1, C, H, W), its values where m = `known` (1, 1 or C, H, W) is 0 made over by x -> m
    x0 + (1 - m) D(x).

    D drops the cosines of patches below a threshold that falls from STRONG to WEAK. Guleryuz 2006,
    doi:10.1109/TIP.2005.863057; here with a patch every `step` pixels of a grid that moves each
    round.
    """
    offsets = np.random.default_rng(0).integers(0, step, (rounds, 2))
    x = image
    for sigma, (top, left) in zip(np.geomspace(STRONG, WEAK, rounds), offsets, strict=True):
        windows = Windows(image.shape[-2:], size, step, int(top), int(left))
        threshold = partial(hard_threshold, variance=float(sigma) ** 2)
        drawn = windows.shrink(threshold, to_opponent(x)[0])
        x = torch.where(known > 0, image, from_opponent(drawn[None]))
    return x
