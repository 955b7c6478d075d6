"""Groups of patches that look alike, taken out of a picture and put back."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

from ..padding import pad_reflect
from ..parallel import scratch
from ..patches import with_channels

# any part of a picture that begins on a multiple of so many pixels has the same tiles, so that the
# same is made of it to the bit; of `dct` too, not of patches of 7 pixels
TILE_GRID = 120
TILE = 40  # pixels a side of what is worked on at a time: it stays in the cache of a processor
# pixels to every side in which patches are looked for that look like one; far for what repeats, as
# bricks do
NEAR, FAR = 10, 22
# measured, 8 to 20: of a tile, for every distance, every value of a group and of its covariance
BYTES = 20
# how much farther than they are patches over the rim seem, in powers of the noise of a patch: their
# reflection has the same noise once more; 0.05 to 0.4 are alike
FARTHER = 0.2

# the patches of groups in each of the images, (groups, patches, size^2 C), the channels of a pixel
# together, and their rows and columns, (groups, patches, 2) -> what those of the last become, times
# the weights of the groups; those (groups,)
Filter = Callable[[list[Tensor], Tensor], tuple[Tensor, Tensor]]


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
        self,
        images: Sequence[Tensor],
        drawn: Filter,
        power: Tensor,
        compared: Tensor | None = None,
    ) -> Tensor:
        """The mean, by the weights of their groups, of all patches of the last of the images after
        `drawn`, which is given the patches of each. images: (1, C, H, W). power: (H, W), the
        mean |n|^2 of the noise n of a pixel. compared: (1, G, H, W), in which patches are alike,
        the first of the images if None.
        """
        margin = self.reach + self.size - 1
        seen = [compared, *images] if compared is not None else images
        padded = [pad_reflect(each, (margin, margin)) for each in seen]
        outside = pad_reflect(power[None, None], (margin, margin))
        outside[..., margin:-margin, margin:-margin] = 0
        # of every pixel, the sum of what is drawn and of the weights
        total = F.pad(torch.zeros_like(padded[-1]), (0, 0, 0, 0, 0, 1))
        shape, device = images[-1].shape, images[-1].device
        every = ([each[tile] for each in (outside, *padded, total)] for tile in self._tiles(shape))
        for alike in _batches(every, self.at_a_time(shape[1], device)):
            *pixels, sums = zip(*alike, strict=True)
            over, *parts = [torch.cat(each) for each in pixels]  # (tiles, C, h, w) each
            places = self._similar(
                parts[0], FARTHER * self.size**2 * F.max_pool2d(over, self.size, 1)
            )
            parts = parts[-len(images) :]
            indices = _indices(places, self.size, parts[-1].shape)
            patches = [
                each.flatten().index_select(0, indices.flatten()).view(indices.shape).flatten(0, 1)
                for each in parts
            ]
            made, weights = drawn(patches, places.flatten(0, 1))
            image = parts[-1].new_zeros(parts[-1].shape)
            image.view(-1).scatter_add_(0, indices.flatten(), made.flatten())
            heavy = self._spread(weights.view(places.shape[:2]), places, image.shape)
            for tile, some, more in zip(sums, image, heavy, strict=True):
                tile[:, :-1] += some
                tile[:, -1:] += more
        result = total[:, :-1] / total[:, -1:].clamp_min(1e-9)
        return result[..., margin:-margin, margin:-margin]

    def _tiles(self, shape: Sequence[int]) -> Iterator[tuple[slice, ...]]:
        """Pixels of reference patches and all that may be similar to them, in a picture of `shape`
        that has its margins.
        """
        stride = self.step * self._references
        around = 2 * self.reach + self.size - 1
        corners = (range(0, side + self.size - 1, stride) for side in shape[-2:])
        for top, left in product(*corners):
            side = stride - self.step + 1 + around
            yield slice(None), slice(None), slice(top, top + side), slice(left, left + side)

    @property
    def _references(self) -> int:
        """Reference patches to a side of a tile."""
        most = min(8, TILE // self.step)
        fits = (n for n in range(most, most // 2, -1) if TILE_GRID % (self.step * n) == 0)
        return next(fits, most)

    def at_a_time(self, channels: int, device: torch.device) -> int:
        """Tiles to work on at a time."""
        numbers, references = channels * self.size**2, self._references
        positions = (self.step * (references - 1) + 2 * self.reach + 1) ** 2
        values = references**2 * (positions + self.count * numbers + numbers**2)
        return max(1, scratch(device) // (BYTES * values))

    def _similar(self, tiles: Tensor, farther: Tensor) -> Tensor:
        """Rows and columns of the patches of tiles (N, C, h, w) that are the nearest to each
        reference patch of their tile, (N, references, count, 2). farther: how much each patch seems
        to be, (N, 1, h - size + 1, w - size + 1).

        |a - b|^2 = |a|^2 + |b|^2 - 2 ab: products of matrices.
        """
        # less is lost to rounding
        centred = tiles - tiles.mean(dim=(2, 3), keepdim=True)
        patches = with_channels(centred, self.size)  # (N, positions, numbers)
        columns = tiles.shape[3] - self.size + 1
        grid = torch.arange(patches.shape[1], device=tiles.device).unflatten(0, (-1, columns))
        inner = slice(self.reach, -self.reach, self.step)
        own = grid[inner, inner].flatten()
        reach = torch.arange(-self.reach, self.reach + 1, device=tiles.device)
        near = own[:, None] + (columns * reach[:, None] + reach).flatten()
        # without |a|^2, the same for all that are near
        square = _boxes(centred.square().sum(dim=1, keepdim=True), self.size) + farther
        distance = torch.baddbmm(square.flatten(2), patches[:, own], patches.mT, alpha=-2)
        distance = distance.gather(2, near.expand(len(tiles), -1, -1))
        # a patch is in its own group, even where many are equal to it
        distance[..., near.shape[1] // 2] = -torch.inf
        nearest = distance.topk(self.count, dim=2, largest=False).indices
        found = near.expand(len(tiles), -1, -1).gather(2, nearest)
        return torch.stack([found // columns, found % columns], dim=3)

    def _spread(self, weights: Tensor, places: Tensor, shape: Sequence[int]) -> Tensor:
        """Of every pixel of tiles of `shape` (N, C, h, w) the sum of the weights (N, references) of
        the patches that it is in, (N, 1, h, w).
        """
        height, width = shape[-2:]
        rows, columns = places.flatten(1, 2).unbind(dim=2)
        corners = weights.new_zeros(shape[0], height * width)
        corners.scatter_add_(
            1, width * rows + columns, weights.repeat_interleave(self.count, dim=1)
        )
        grown = F.pad(corners.view(-1, 1, height, width), (self.size - 1, 0) * 2)
        return _boxes(grown, self.size)


def _indices(places: Tensor, size: int, shape: Sequence[int]) -> Tensor:
    """Which numbers of tiles of `shape` (N, C, h, w) are in the patches at `places` (N, references,
    count, 2), (N, references, count, size^2 C), the channels of a pixel together.
    """
    count, channels, height, width = shape
    tile, channel, along = (torch.arange(n, device=places.device) for n in (count, channels, size))
    rows, columns = places.unbind(dim=3)
    corners = (height * channels * tile[:, None, None] + rows) * width + columns
    inside = (height * channel + along[:, None, None]) * width + along[:, None]
    return corners[..., None] + inside.flatten()


def _boxes(image: Tensor, size: int) -> Tensor:
    """Sums of `size` x `size` pixels of (N, C, h, w), (N, C, h - size + 1, w - size + 1)."""
    return size**2 * F.avg_pool2d(image, size, 1)


def _batches(parts: Iterable[list[Tensor]], count: int) -> Iterator[list[list[Tensor]]]:
    """`parts` of one size together, `count` at a time; in their order if that is 1."""
    waiting: dict[torch.Size, list[list[Tensor]]] = defaultdict(list)
    for part in parts:
        shape = part[0].shape
        waiting[shape].append(part)
        if len(waiting[shape]) == count:
            yield waiting.pop(shape)
    yield from waiting.values()
