"""Non-local Bayes: every patch by the mean and covariance of those that look like it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from math import isqrt

import torch
import torch.nn.functional as F
from torch import Tensor

from ..colour import brightness, from_opponent, to_opponent
from ..padding import pad_reflect
from ..parallel import scratch
from .covariance import Covariance, White

REACH = 10  # pixels to every side in which similar patches are looked for
SIMILAR = 40  # patches in a group
# pixels a side of what is worked on at a time: it stays in the cache of a processor; any part of a
# picture that begins on a multiple of 120 has the same tiles
TILE = 40
SIZES = ((5, 8), (3, 5))  # pixels a side of patches of gray, and of colour: smaller and larger ones
# measured, 7 to 15: of a tile, for every distance, every value of a group and of its covariance
BYTES = 16
DIRECT = 40  # rows of the matrices for LAPACK: products of halves are faster for larger ones
# times the noise, for pilots that are estimates: they have errors too, so that groups look a little
# less alike than they are
CAUTION = 1.1
# deviations of the noise that another picture of the scene is taken to have: 0.05 to 0.3 are alike
# where it has 0.12, 0.4 costs 0.5 dB
OF_BESIDE = 0.2


def nonlocal_bayes(
    noisy: Tensor,
    pilot: Tensor,
    noise: Covariance = White(),
    larger: bool = False,
    caution: float = CAUTION,
    beside: Tensor | None = None,
) -> Tensor:
    """The mean of all patches, each y of a group of alike ones replaced by m + S (S + N)^-1 (y -
    m).

    m and S are the mean and covariance of the group in the pilot, N is caution^2 times that of the
    noise. noisy and pilot: (1, C, H, W). larger: patches, and groups of
    twice as many. beside: (1, G, H, W), another picture of the scene with deviations of
    `OF_BESIDE` of the noise, whose values belong to the patches too: what of it goes along with
    the pilot within a group is taken from it, and nothing else. Second step of Lebrun, Buades,
    Morel 2013, doi:10.1137/120874989.
    """
    channels = noisy.shape[1]
    size = SIZES[channels > 2][larger]
    count = SIMILAR if beside is None and not larger else 2 * SIMILAR
    margin = REACH + size - 1
    covariance = caution**2 * noise.of_patches(channels, size).to(noisy)
    guide, image = to_opponent(pilot), to_opponent(noisy)
    if beside is not None:
        guide, image = (torch.cat([each, to_opponent(beside)], dim=1) for each in (guide, image))
        covariance = _with_beside(covariance, channels, beside.shape[1])
    guide, image = (pad_reflect(each, (margin, margin)) for each in (guide, image))
    every_channel = image.shape[1]
    # of every pixel, the sum of what is drawn and how often that was
    total = image.new_zeros(1, every_channel + 1, *image.shape[-2:])
    every = (
        [each[tile] for each in (guide, image, total)] for tile in _tiles(image.shape[-2:], size)
    )
    for alike in _batches(every, _at_a_time(every_channel, size, count, image.device)):
        *both, places = zip(*alike, strict=True)
        clean, patches = (_patches(torch.cat(each), size) for each in both)
        # (groups, patches of a group)
        members = _similar(clean, places[0].shape[-1] - size + 1, size, count)
        pilots = clean.flatten(0, 1)[members]
        light = brightness(pilots.unflatten(2, (-1, every_channel)).mean(dim=(1, 2)).T[:channels])
        observed = patches.flatten(0, 1)[members]
        drawn = _means(observed, pilots, noise.deviation(light).square(), covariance)
        _add_patches(places, members.flatten(), drawn.flatten(0, 1))
    result = total[:, :channels] / total[:, -1:].clamp_min(1)
    return from_opponent(result[..., margin:-margin, margin:-margin])


def _with_beside(covariance: Tensor, channels: int, more: int) -> Tensor:
    """Covariance of patches, the channels of a pixel together, with `more` channels of weak white
    noise behind the others.
    """
    pixels = len(covariance) // channels
    weak = OF_BESIDE**2 * covariance.diagonal().mean()
    joint = (weak * torch.eye(pixels * (channels + more)).to(covariance)).view(
        2 * (pixels, channels + more)
    )
    joint[:, :channels, :, :channels] = covariance.view(2 * (pixels, channels))
    return joint.flatten(2).flatten(0, 1)


def _means(noisy: Tensor, pilots: Tensor, variance: Tensor, noise: Tensor) -> Tensor:
    """m + S (S + N)^-1 (y - m) of groups (groups, patches, numbers), N = variance (groups,) times
    noise (numbers, numbers).
    """
    variance = variance[:, None, None]
    mean = pilots.mean(dim=1, keepdim=True)
    spread = pilots - mean
    both = spread.mT @ spread / (pilots.shape[1] - 1) + variance * noise
    diagonal = both.diagonal(dim1=1, dim2=2)
    # as much as rounding may have taken, for it to be positive definite
    diagonal += torch.finfo(both.dtype).eps * diagonal.sum(dim=1, keepdim=True)
    white = whitening(both)
    # S M^-1 = I - N M^-1, M = S + N
    return noisy - (noisy - mean) @ (white.mT @ (variance * white @ noise))


def _patches(images: Tensor, size: int) -> Tensor:
    """Those of (tiles, C, H, W), (tiles, positions, size^2 C), the channels of a pixel together:
    many times as fast as F.unfold.
    """
    windows = images.permute(0, 2, 3, 1).contiguous().unfold(1, size, 1).unfold(2, size, 1)
    return windows.permute(0, 1, 2, 4, 5, 3).flatten(3).flatten(1, 2)


def _add_patches(tiles: Sequence[Tensor], places: Tensor, patches: Tensor) -> None:
    """Adds patches (N, size^2 C) to tiles, each (1, C + 1, H, W), the last channel their number.

    places: (N,), where `_patches` would take them out of the tiles.
    """
    height, width = tiles[0].shape[-2:]
    channels = tiles[0].shape[1] - 1
    size = isqrt(patches.shape[1] // channels)
    positions = len(tiles) * (height - size + 1) * (width - size + 1)
    sums = patches.new_zeros(positions, patches.shape[1]).index_add_(0, places, patches)
    ones = patches.new_ones(1).expand(len(places))
    times = patches.new_zeros(positions).index_add_(0, places, ones)
    # (tiles, channels, pixels of a patch, positions)
    values = sums.view(len(tiles), -1, size**2, channels).permute(0, 3, 2, 1)
    counts = times.view(len(tiles), 1, 1, -1).expand(-1, 1, size**2, -1)
    columns = torch.cat([values, counts], dim=1).flatten(1, 2)
    for tile, drawn in zip(tiles, F.fold(columns, (height, width), size), strict=True):
        tile += drawn


def _tiles(shape: Sequence[int], size: int) -> Iterator[tuple[slice, ...]]:
    """Pixels of reference patches and all that may be similar to them, of reference patches side by
    side: overlapping ones take twice the time, for little.
    """
    stride = size * _references(size)
    corners = (range(0, side - 2 * REACH - size + 1, stride) for side in shape)
    for top, left in product(*corners):
        side = stride + 2 * REACH
        yield slice(None), slice(None), slice(top, top + side), slice(left, left + side)


def _references(size: int) -> int:
    """Reference patches to a side of a tile."""
    return min(8, TILE // size)


def _at_a_time(channels: int, size: int, count: int, device: torch.device) -> int:
    """Tiles to work on at a time."""
    numbers, references = channels * size**2, _references(size)
    positions = (size * (references - 1) + 2 * REACH + 1) ** 2
    values = references**2 * (positions + count * numbers + numbers**2)
    return max(1, scratch(device) // (BYTES * values))


def _batches(parts: Iterable[list[Tensor]], count: int) -> Iterator[list[list[Tensor]]]:
    """`parts` of one size together, `count` at a time; in their order if that is 1."""
    waiting: dict[torch.Size, list[list[Tensor]]] = defaultdict(list)
    for part in parts:
        shape = part[0].shape
        waiting[shape].append(part)
        if len(waiting[shape]) == count:
            yield waiting.pop(shape)
    yield from waiting.values()


def _similar(patches: Tensor, columns: int, size: int, count: int) -> Tensor:
    """Which of patches (tiles, positions, numbers), in rows of `columns`, are the `count` nearest
    to each reference patch of their tile, (references, count); numbered through all tiles.

    |a - b|^2 = |a|^2 + |b|^2 - 2 ab: products of matrices.
    """
    tiles, positions, _ = patches.shape
    grid = torch.arange(positions, device=patches.device).unflatten(0, (-1, columns))
    own = grid[REACH:-REACH:size, REACH:-REACH:size].flatten()
    reach = torch.arange(-REACH, REACH + 1, device=patches.device)
    near = own[:, None] + (columns * reach[:, None] + reach).flatten()
    near = near.expand(tiles, -1, -1)
    centred = patches - patches.mean(dim=1, keepdim=True)  # less is lost to rounding
    # without |a|^2, the same for all that are near
    square = centred.square().sum(dim=2)[:, None]
    distance = torch.baddbmm(square, centred[:, own], centred.mT, alpha=-2).gather(2, near)
    # a patch is in its own group, even where many are equal to it
    distance[..., near.shape[2] // 2] = -torch.inf
    nearest = distance.topk(count, dim=2, largest=False, sorted=False).indices
    first = positions * torch.arange(tiles, device=patches.device)[:, None, None]
    return (first + near.gather(2, nearest)).flatten(0, 1)


def whitening(covariance: Tensor) -> Tensor:
    """The inverse W of the Cholesky factor of M = `covariance` (N, n, n), lower triangular: W M W^T
    = I and M^-1 = W^T W, by that of the first half of M and of its Schur complement.
    """
    n = covariance.shape[-1]
    if n <= DIRECT:
        # torch.linalg.cholesky waits until a graphics card says whether that went well
        factor = torch.linalg.cholesky_ex(covariance).L
        one = torch.eye(n, dtype=factor.dtype, device=factor.device)
        return torch.linalg.solve_triangular(factor, one, upper=False)
    half = n // 2
    first = whitening(covariance[:, :half, :half])
    below = covariance[:, half:, :half] @ first.mT
    second = whitening(covariance[:, half:, half:] - below @ below.mT)
    corner = -second @ (below @ first)
    upper = F.pad(first, (0, n - half))
    return torch.cat([upper, torch.cat([corner, second], dim=2)], dim=1)
