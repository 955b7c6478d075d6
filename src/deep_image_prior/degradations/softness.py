"""How soft a picture is, told from what of it comes back at half its size."""

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import KDTree
from torch import Tensor

from ..images import Pixels
from ..windows import middle

SIDE = 128  # pixels a side that are looked at, in the middle
PATCH = 3  # pixels a side
CONTRASTS = 0.7  # a share of the patches, which have less contrast than those that are compared
FLAT = 0.02  # deviation of a patch, which is not compared
FEW = 100  # patches, which tell nothing
SHARPEST, SOFTEST = 0.2, 2.0  # deviations between which it is looked for
HALVINGS = 7
# of the height of an edge, what most edges of photographs rise by from a pixel to the next, at the
# most: 0.81 of 28 under Lanczos filters; edges that a program drew rise at once
DRAWN = 0.85
EDGES, STEEP = 0.95, 0.8  # quantiles: of the heights, that are edges, and of how steep they are
# of 28 pictures a Lanczos filter leaves a seventh so soft, which were soft before; a Gaussian of
# 0.5 pixels three fifths, of 0.75 pixels nine tenths
SOFT = 0.5


def softness(observation: Tensor) -> float | None:
    """The deviation, in pixels of x0 (1, C, H, W), of the Gaussian that leaves a sharp scene as
    soft as x0 is: 0.2 to 2, about 0.4 after a Lanczos filter; None if there is too little to see,
    or a program has drawn it.

    A scene has alike parts at several scales, and what made x0 blurred them all in the same way.
    Blurred once more and decimated, x0 has patches as sharp as its own if that blur was right:
    then those of the one are as far from those of the other as the other way round. Michaeli and
    Irani 2013, doi:10.1109/ICCV.2013.121.
    """
    image = _middle(observation)
    if min(image.shape) < 2 * PATCH:
        return None
    own = _patches([image])
    if len(_compared(own)) < FEW or _steepness(image) > DRAWN:
        return None
    sharp, soft = SHARPEST, SOFTEST
    for _ in range(HALVINGS):
        tried = (sharp + soft) / 2
        other = _patches(_halved(image, tried))
        if not len(_compared(other)):
            return None
        softer = _distance(own, other) < _distance(other, own)  # x0 is
        sharp, soft = (tried, soft) if softer else (sharp, tried)
    return (sharp + soft) / 2


def _middle(observation: Tensor) -> Pixels:
    """Of the mean of the channels."""
    part = middle(observation.shape, SIDE)(observation)
    return part[0].mean(dim=0).cpu().numpy().astype(np.float64)


def _halved(image: Pixels, sigma: float) -> list[Pixels]:
    """From a Gaussian of `sigma` pixels to one of as many pixels of half the size; four grids."""
    blurred = gaussian_filter(image, np.sqrt(3) * sigma)
    return [blurred[row::2, column::2] for row in (0, 1) for column in (0, 1)]


def _patches(images: list[Pixels]) -> Pixels:
    """Of all of them, each without its mean, (N, PATCH^2)."""
    every = [
        np.lib.stride_tricks.sliding_window_view(image, (PATCH, PATCH)).reshape(-1, PATCH**2)
        for image in images
    ]
    found = np.concatenate(every)
    return found - found.mean(axis=1, keepdims=True)


def _compared(patches: Pixels) -> Pixels:
    """Those of high contrast."""
    contrast = patches.std(axis=1)
    return patches[contrast > max(FLAT, np.quantile(contrast, CONTRASTS))]


def _distance(patches: Pixels, others: Pixels) -> float:
    """The mean square of those of high contrast from the nearest of the others."""
    apart, _ = KDTree(others).query(_compared(patches))
    return float(np.square(apart).mean())


def _steepness(image: Pixels) -> float:
    """Of the height of an edge over four pixels, how much of it lies between the middle two."""
    heights, steps = [], []
    for lines in (image, image.T):
        heights.append(np.abs(lines[:, 3:] - lines[:, :-3]).ravel())
        steps.append(np.abs(lines[:, 2:-1] - lines[:, 1:-2]).ravel())
    height, step = np.concatenate(heights), np.concatenate(steps)
    edges = height > max(FLAT, np.quantile(height, EDGES))
    return float(np.quantile(step[edges] / height[edges], STEEP)) if edges.any() else 0.0
