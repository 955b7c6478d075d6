"""The parts of a large picture that its holes are filled from: the work does not grow with it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import find_objects, label
from torch import Tensor

from .images import Pixels
from .windows import LARGEST, Window

NEAR, FAR = 96, 256  # pixels around a hole: half of its longer side, but within these


@dataclass(frozen=True)
class Neighbourhood:
    """A part of the picture, and which of its missing pixels are filled from it, (1, 1, h, w);
    others are of holes that it has only a part of.
    """

    window: Window
    own: Tensor


def neighbourhoods(x0: Tensor) -> list[Neighbourhood]:
    """Those of the holes of x0 (1, C, H, W), NaN where it is missing; none if it is small: then
    all of it is one.
    """
    height, width = x0.shape[-2:]
    if height * width <= LARGEST:
        return []
    labels, _ = label(x0.isnan().any(dim=1)[0].cpu().numpy(), structure=np.ones((3, 3)))
    clusters: list[tuple[Box, list[int]]] = []
    for number, hole in enumerate(find_objects(labels), 1):
        box, numbers = _around(hole, labels.shape), [number]
        while near := [each for each in clusters if _area(_union(each[0], box)) <= LARGEST]:
            clusters.remove(near[0])
            near[0][1].extend(numbers)  # not a new list: there may be 100,000 holes
            box, numbers = _union(near[0][0], box), near[0][1]
        clusters.append((box, numbers))
    return [_neighbourhood(labels, x0.device, *cluster) for cluster in clusters]


Box = tuple[int, int, int, int]  # the first row and column, and those behind the last


def _around(hole: Sequence[slice], shape: Sequence[int]) -> Box:
    margin = int(np.clip(max(part.stop - part.start for part in hole) // 2, NEAR, FAR))
    top, left = (max(part.start - margin, 0) for part in hole)
    bottom, right = (min(part.stop + margin, side) for part, side in zip(hole, shape, strict=True))
    return top, left, bottom, right


def _union(a: Box, b: Box) -> Box:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _neighbourhood(
    labels: Pixels, device: torch.device, box: Box, numbers: Sequence[int]
) -> Neighbourhood:
    window = Window(slice(box[0], box[2]), slice(box[1], box[3]))
    own = np.isin(labels[window.rows, window.columns], numbers)
    return Neighbourhood(window, torch.from_numpy(own)[None, None].to(device))
