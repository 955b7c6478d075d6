"""Sliding-window DCT: the cosines of overlapping patches, thresholded and averaged."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from math import ceil

import torch
import torch.nn.functional as F
from torch import Tensor

from ..colour import brightness, from_opponent, to_opponent
from ..padding import pad_reflect
from ..parallel import scratch
from ..patches import cosines
from .covariance import Covariance, White

SIZE = 8  # pixels a side of a patch
THRESHOLD = 2.7  # standard deviations that a coefficient must exceed
# pixels from one tile to the next, of windows close by each other and of others: what stays in the
# cache of a processor; any part of a picture that begins on a multiple of both has the same tiles
DENSE, SPARSE = 24, 40
BYTES = 20  # measured, 11 to 20: of a tile, for every cosine
# weight of a window over the rim, where the reflection has the same noise once more: even waves
# have twice its power there, and pass the threshold; 0.2 is alike
RIM_WEIGHT = 0.1


def dct_denoise(noisy: Tensor, noise: Covariance = White()) -> Tensor:
    """Cosines of every patch of `SIZE` pixels a side, thresholded, then shrunk by Wiener's rule
    with that as the pilot; noisy (1, C, H, W).

    Sliding-window DCT: Yaroslavsky 1996; weights and second pass: Yu and Sapiro 2011,
    doi:10.5201/ipol.2011.ys-dct.
    """
    windows = Windows(noisy.shape[-2:], SIZE, rim=RIM_WEIGHT)
    powers = noise.of_dct(noisy.shape[1], SIZE).to(noisy)[:, None, :, None, :, None]

    def variance(observed: Tensor) -> Tensor:
        light = brightness(observed[:, :, 0, :, 0] / SIZE)
        return powers * noise.deviation(light).square()[:, None, :, None]

    def threshold(observed: Tensor) -> Tensor:
        return hard_threshold(observed, variance(observed))

    def wiener(observed: Tensor, pilot: Tensor) -> Tensor:
        power = pilot.square()
        return power / (power + variance(observed))

    planes = to_opponent(noisy)[0]
    pilot = windows.shrink(threshold, planes)
    return from_opponent(windows.shrink(wiener, planes, pilot)[None])


def hard_threshold(observed: Tensor, variance: Tensor | float) -> Tensor:
    """1 for the cosines above noise of `variance` and for the mean, 0 for the others."""
    gain = observed.square().gt_(THRESHOLD**2 * variance)
    gain[:, :, 0, :, 0] = 1
    return gain


class Windows:
    """The size x size patches of planes (C, H, W), one every `step` pixels from (top, left), and
    their cosines. rim: weight of those over the rim of the planes.
    """

    def __init__(
        self,
        shape: Sequence[int],
        size: int,
        step: int = 1,
        top: int = 0,
        left: int = 0,
        rim: float = 1.0,
    ) -> None:
        self.size, self.step, self.rim = size, step, rim
        self.stride = DENSE if step < size // 4 else SPARSE
        self.tile = self.stride // step  # windows along a side
        self.overlap = size - step  # pixels that two tiles have
        self.before = [size + step - 2 - offset for offset in (top, left)]
        self.inside = [slice(b, b + n) for b, n in zip(self.before, shape, strict=True)]

    def shrink(self, gain: Callable[..., Tensor], planes: Tensor, *pilots: Tensor) -> Tensor:
        """The patches of `planes` with their cosines times gain(cosines, those of the pilots),
        averaged by the inverse of the noise that they keep.

        Cosines are (C, tiles, size, tile, size, tile): frequency and place down, frequency and
        place across.
        """
        grown = [self._tiles(self._grown(each)) for each in (planes, *pilots)]
        waves = _sliding(self.size, self.step, self.stride, planes.device)
        analysis, box = (each.to(planes) for each in waves)
        channels, down, across = grown[0].shape[:3]
        of_tile = BYTES * channels * len(analysis) ** 2
        at_a_time = max(1, scratch(planes.device) // of_tile)
        rows, columns = max(1, at_a_time // across), min(at_a_time, across)
        below, beside = self._rims(down, across, planes)
        total, weights = (self._empty(planes, down, across) for _ in range(2))
        for row in range(0, down, rows):
            tiles, weightings = [], []
            for first in range(0, across, columns):
                some = (slice(None), slice(row, row + rows), slice(first, first + columns))
                parts = (x[some].flatten(1, 2) for x in grown)
                observed, *others = (self._split(analysis @ x @ analysis.T) for x in parts)
                kept = gain(observed, *others)
                trust = torch.minimum(below[some[1], :, None, None], beside[some[2]])
                trust = trust.transpose(1, 2).flatten(0, 1)
                weight = trust / (kept.square().sum(dim=2).sum(dim=3) + 1e-3)
                shrunk = observed.mul_(kept).mul_(weight[:, :, None, :, None])
                tiles.append(analysis.T @ shrunk.flatten(4).flatten(2, 3) @ analysis)
                weightings.append(box.T @ weight @ box)
            self._add(total, row, torch.cat(tiles, dim=1).unflatten(1, (-1, across)))
            self._add(weights, row, torch.cat(weightings, dim=1).unflatten(1, (-1, across)))
        return (total / weights.clamp_min(1e-9))[:, *self.inside]

    def _split(self, products: Tensor) -> Tensor:
        return products.unflatten(3, (self.size, self.tile)).unflatten(2, (self.size, self.tile))

    def _grown(self, planes: Tensor) -> Tensor:
        """`planes` among their reflection, as a whole number of tiles: windows that miss the image
        change nothing of it.
        """
        rows, columns = (
            (before, ceil(inside.stop / self.stride) * self.stride - inside.stop + self.overlap)
            for before, inside in zip(self.before, self.inside, strict=True)
        )
        return pad_reflect(planes[None], rows, columns)[0]

    def _rims(self, down: int, across: int, planes: Tensor) -> Iterator[Tensor]:
        """Weights of the windows by their rows, (down, tile), and by their columns."""
        for count, before, inside in zip((down, across), self.before, self.inside, strict=True):
            first = self.step * torch.arange(count * self.tile, device=planes.device) - before
            over = (first < 0) | (first > inside.stop - before - self.size)
            yield torch.where(over, self.rim, 1.0).to(planes).view(count, self.tile)

    def _tiles(self, planes: Tensor) -> Tensor:
        """Those of planes (C, H, W), (C, down, across, side, side)."""
        side = self.stride + self.overlap
        return planes.unfold(1, side, self.stride).unfold(2, side, self.stride)

    def _empty(self, planes: Tensor, down: int, across: int) -> Tensor:
        sides = (count * self.stride + self.overlap for count in (down, across))
        return planes.new_zeros(len(planes), *sides)

    def _add(self, planes: Tensor, row: int, tiles: Tensor) -> None:
        """Adds tiles (C, rows, across, side, side), from `row` on, to planes (C, H, W). No pixel of
        a row is in more than two, so that their order changes nothing.
        """
        side = tiles.shape[-1]
        strips = tiles.new_zeros(*tiles.shape[:2], side, planes.shape[2])
        for first in range(2):
            some = tiles[:, :, first::2]
            if some.shape[2]:
                places = strips[..., first * self.stride :].unfold(3, side, 2 * self.stride)
                places += some.transpose(2, 3)
        for number, strip in enumerate(strips.unbind(1), row):
            planes.narrow(1, number * self.stride, side).add_(strip)


@lru_cache(maxsize=16)
def _sliding(size: int, step: int, stride: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The matrices (K tile, pixels) of the products of every window along a side of a tile with K
    waves (K, size): with the cosines, and with ones.
    """

    def slid(waves: Tensor) -> Tensor:
        places = range(0, stride, step)
        shifted = [F.pad(waves, (at, stride - step - at)) for at in places]
        return torch.stack(shifted, dim=1).flatten(0, 1).to(device)

    return slid(cosines(size)), slid(torch.ones(1, size))
