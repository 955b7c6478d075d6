"""Non-local Bayes: every patch by the mean and covariance of those that look like it."""

from collections.abc import Iterator, Sequence
from itertools import product
from math import isqrt

import torch
import torch.nn.functional as F
from torch import Tensor

from ..colour import brightness, from_opponent, to_opponent
from ..padding import pad_reflect
from .covariance import Covariance, White

REACH = 10  # pixels to every side in which similar patches are looked for
SIMILAR = 40  # patches in a group
# pixels a side of what is worked on at a time: it stays in the cache of a processor; any part of a
# picture that begins on a multiple of 120 has the same tiles
TILE = 40
SIZES = ((5, 8), (3, 5))  # pixels a side of patches of gray, and of colour: smaller and larger ones
DIRECT = 40  # rows of the matrices for LAPACK: products of halves are faster for larger ones
# times the noise, for pilots that are estimates: they have errors too, so that groups look a little
# less alike than they are
CAUTION = 1.1


def nonlocal_bayes(
    noisy: Tensor,
    pilot: Tensor,
    noise: Covariance = White(),
    larger: bool = False,
    caution: float = CAUTION,
) -> Tensor:
    """The mean of all patches, each y of a group of alike ones replaced by m + S (S + N)^-1 (y -
    m).

    m and S are the mean and covariance of the group in the pilot, N is caution^2 times that of the
    noise. noisy and pilot: (1, C, H, W). larger: patches, and groups of
    twice as many. Second step of Lebrun, Buades, Morel 2013, doi:10.1137/120874989.
    """
    channels = noisy.shape[1]
    size = SIZES[channels > 2][larger]
    count = 2 * SIMILAR if larger else SIMILAR
    margin = REACH + size - 1
    guide, image = (pad_reflect(to_opponent(each), (margin, margin)) for each in (pilot, noisy))
    covariance = caution**2 * noise.of_patches(channels, size).to(noisy)
    total, times = torch.zeros_like(image), torch.zeros_like(image[:, :1])
    for tile in _tiles(image.shape[-2:], size):
        clean, patches = (_patches(each[tile], size) for each in (guide, image))
        # (groups, patches of a group)
        members = _similar(clean, image[tile].shape[-1] - size + 1, size, count)
        pilots = clean[members]
        light = brightness(pilots.unflatten(2, (-1, channels)).mean(dim=(1, 2)).T)
        drawn = _means(patches[members], pilots, noise.deviation(light).square(), covariance)
        sums = torch.zeros_like(patches).index_add_(0, members.flatten(), drawn.flatten(0, 1))
        drawings = members.flatten().bincount(minlength=len(patches)).to(sums)
        _add_patches(total[tile], sums)
        _add_patches(times[tile], drawings[:, None].expand(-1, size**2))
    result = total / times.clamp_min(1)
    return from_opponent(result[..., margin:-margin, margin:-margin])


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


def _patches(image: Tensor, size: int) -> Tensor:
    """Those of (1, C, H, W), (positions, size^2 C), the channels of a pixel together: many times as
    fast as F.unfold.
    """
    windows = image[0].permute(1, 2, 0).contiguous().unfold(0, size, 1).unfold(1, size, 1)
    return windows.permute(0, 1, 3, 4, 2).flatten(2).flatten(0, 1)


def _add_patches(image: Tensor, patches: Tensor) -> None:
    """Adds to (1, C, H, W) what `_patches` takes out."""
    channels, height, width = image.shape[1:]
    columns = patches.unflatten(1, (-1, channels)).permute(2, 1, 0).flatten(0, 1)
    size = isqrt(patches.shape[1] // channels)
    image += F.fold(columns[None], (height, width), size)


def _tiles(shape: Sequence[int], size: int) -> Iterator[tuple[slice, ...]]:
    """Pixels of reference patches and all that may be similar to them, of reference patches side by
    side: overlapping ones take twice the time, for little.
    """
    stride = min(8, TILE // size) * size
    corners = (range(0, side - 2 * REACH - size + 1, stride) for side in shape)
    for top, left in product(*corners):
        side = stride + 2 * REACH
        yield slice(None), slice(None), slice(top, top + side), slice(left, left + side)


def _similar(patches: Tensor, columns: int, size: int, count: int) -> Tensor:
    """Which of patches (positions, numbers), in rows of `columns`, are the `count` nearest to each
    reference patch, (references, count).

    |a - b|^2 = |a|^2 + |b|^2 - 2 ab: products of matrices.
    """
    grid = torch.arange(len(patches), device=patches.device).unflatten(0, (-1, columns))
    own = grid[REACH:-REACH:size, REACH:-REACH:size].flatten()
    reach = torch.arange(-REACH, REACH + 1, device=patches.device)
    near = own[:, None] + (columns * reach[:, None] + reach).flatten()
    centred = patches - patches.mean(dim=0)  # less is lost to rounding
    # without |a|^2, the same for all that are near
    distance = torch.addmm(centred.square().sum(dim=1), centred[own], centred.T, alpha=-2)
    distance = distance.gather(1, near)
    # a patch is in its own group, even where many are equal to it
    distance[:, near.shape[1] // 2] = -torch.inf
    return near.gather(1, distance.topk(count, dim=1, largest=False, sorted=False).indices)


def whitening(covariance: Tensor) -> Tensor:
    """The inverse W of the Cholesky factor of M = `covariance` (N, n, n), lower triangular: W M W^T
    = I and M^-1 = W^T W, by that of the first half of M and of its Schur complement.
    """
    n = covariance.shape[-1]
    if n <= DIRECT:
        factor = torch.linalg.cholesky(covariance)
        return torch.linalg.solve_triangular(factor, torch.eye(n).to(factor), upper=False)
    half = n // 2
    first = whitening(covariance[:, :half, :half])
    below = covariance[:, half:, :half] @ first.mT
    second = whitening(covariance[:, half:, half:] - below @ below.mT)
    corner = -second @ (below @ first)
    upper = F.pad(first, (0, n - half))
    return torch.cat([upper, torch.cat([corner, second], dim=2)], dim=1)
