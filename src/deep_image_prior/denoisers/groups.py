"""Groups of patches that look alike, taken out of a picture and put back."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import isqrt

import torch
import torch.nn.functional as F
from torch import Tensor

from ..padding import pad_reflect
from ..parallel import scratch
from ..patches import with_channels

# pixels a side of what is worked on at a time: it stays in the cache of a processor; any part of a
# picture that begins on a multiple of 120 has the same tiles
TILE = 40
# pixels to every side in which patches are looked for that look like one: for what repeats, as
# bricks do, in pictures that are not taken apart into tiles
FAR = 22
# measured, 7 to 15: of a tile, for every distance, every value of a group and of its covariance
BYTES = 16

# the patches of groups in the pilot and in the observation, (groups, patches, size^2 C), the
# channels of a pixel together, and their rows and columns, (groups, patches, 2) -> what they
# become, times the weights of the groups; those (groups,)
Filter = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Groups:
    """Every `step` pixels a patch of `size` x `size`, with the `count` - 1 that look most like it,
    at most `reach` pixels away to every side.
    """

    size: int
    step: int
    count: int
    reach: int

    def filtered(
        self, pilot: Tensor, noisy: Tensor, drawn: Filter, compared: Tensor | None = None
    ) -> Tensor:
        """The mean of all patches of noisy (1, C, H, W) after `drawn`, by the weights of their
        groups. pilot: (1, C, H, W); compared: (1, G, H, W), in which patches are alike, the pilot
        if it is None.
        """
        margin = self.reach + self.size - 1
        seen = (pilot, noisy) if compared is None else (pilot, noisy, compared)
        padded = [pad_reflect(each, (margin, margin)) for each in seen]
        image = padded[1]
        # of every pixel, the sum of what is drawn and of the weights
        total = F.pad(torch.zeros_like(image), (0, 0, 0, 0, 0, 1))
        every = ([each[tile] for each in (*padded, total)] for tile in self._tiles(image))
        for alike in _batches(every, self.at_a_time(image.shape[1], image.device)):
            *pixels, places = zip(*alike, strict=True)
            clean, patches, *other = (with_channels(torch.cat(each), self.size) for each in pixels)
            columns = places[0].shape[-1] - self.size + 1
            shown = other[0] if other else clean
            members = self._similar(shown, columns)  # (groups, patches of a group)
            pilots, observed = (each.flatten(0, 1)[members] for each in (clean, patches))
            rows = members % clean.shape[1] // columns
            values, weights = drawn(pilots, observed, torch.stack([rows, members % columns], dim=2))
            weights = weights.repeat_interleave(self.count)
            _add_patches(places, members.flatten(), values.flatten(0, 1), weights)
        result = total[:, :-1] / total[:, -1:].clamp_min(1e-9)
        return result[..., margin:-margin, margin:-margin]

    def _tiles(self, image: Tensor) -> Iterator[tuple[slice, ...]]:
        """Pixels of reference patches and all that may be similar to them."""
        stride = self.step * self._references
        around = 2 * self.reach + self.size - 1
        corners = (range(0, side - around, stride) for side in image.shape[-2:])
        for top, left in product(*corners):
            side = stride - self.step + 1 + around
            yield slice(None), slice(None), slice(top, top + side), slice(left, left + side)

    @property
    def _references(self) -> int:
        """Reference patches to a side of a tile."""
        return min(8, TILE // self.step)

    def at_a_time(self, channels: int, device: torch.device) -> int:
        """Tiles to work on at a time."""
        numbers, references = channels * self.size**2, self._references
        positions = (self.step * (references - 1) + 2 * self.reach + 1) ** 2
        values = references**2 * (positions + self.count * numbers + numbers**2)
        return max(1, scratch(device) // (BYTES * values))

    def _similar(self, patches: Tensor, columns: int) -> Tensor:
        """Which of patches (tiles, positions, numbers), in rows of `columns`, are the nearest to
        each reference patch of their tile, (references, count); numbered through all tiles.

        |a - b|^2 = |a|^2 + |b|^2 - 2 ab: products of matrices.
        """
        tiles, positions, _ = patches.shape
        grid = torch.arange(positions, device=patches.device).unflatten(0, (-1, columns))
        inner = slice(self.reach, -self.reach, self.step)
        own = grid[inner, inner].flatten()
        reach = torch.arange(-self.reach, self.reach + 1, device=patches.device)
        near = own[:, None] + (columns * reach[:, None] + reach).flatten()
        near = near.expand(tiles, -1, -1)
        centred = patches - patches.mean(dim=1, keepdim=True)  # less is lost to rounding
        # without |a|^2, the same for all that are near
        square = centred.square().sum(dim=2)[:, None]
        distance = torch.baddbmm(square, centred[:, own], centred.mT, alpha=-2).gather(2, near)
        # a patch is in its own group, even where many are equal to it
        distance[..., near.shape[2] // 2] = -torch.inf
        nearest = distance.topk(self.count, dim=2, largest=False).indices
        first = positions * torch.arange(tiles, device=patches.device)[:, None, None]
        return (first + near.gather(2, nearest)).flatten(0, 1)


def _add_patches(tiles: Sequence[Tensor], places: Tensor, patches: Tensor, weights: Tensor) -> None:
    """Adds patches (N, size^2 C) to tiles, each (1, C + 1, H, W), the last channel their weights
    (N,).

    places: (N,), where `with_channels` would take them out of the tiles.
    """
    height, width = tiles[0].shape[-2:]
    channels = tiles[0].shape[1] - 1
    size = isqrt(patches.shape[1] // channels)
    positions = len(tiles) * (height - size + 1) * (width - size + 1)
    sums = patches.new_zeros(positions, patches.shape[1]).index_add_(0, places, patches)
    heavy = patches.new_zeros(positions).index_add_(0, places, weights)
    # (tiles, channels, pixels of a patch, positions)
    values = sums.view(len(tiles), -1, size**2, channels).permute(0, 3, 2, 1)
    drawn = F.fold(values.flatten(1, 2), (height, width), size)
    grown = F.pad(heavy.view(len(tiles), 1, height - size + 1, -1), (size - 1,) * 4)
    counts = size**2 * F.avg_pool2d(grown, size, 1)
    for tile, image, count in zip(tiles, drawn, counts, strict=True):
        tile[:, :-1] += image
        tile[:, -1:] += count


def _batches(parts: Iterable[list[Tensor]], count: int) -> Iterator[list[list[Tensor]]]:
    """`parts` of one size together, `count` at a time; in their order if that is 1."""
    waiting: dict[torch.Size, list[list[Tensor]]] = defaultdict(list)
    for part in parts:
        shape = part[0].shape
        waiting[shape].append(part)
        if len(waiting[shape]) == count:
            yield waiting.pop(shape)
    yield from waiting.values()
