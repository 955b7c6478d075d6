"""Non-local Bayes: every patch by the mean and covariance of those that look like it."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ..colour import from_opponent, to_opponent
from ..padding import pad_reflect
from .covariance import Covariance, White

REACH = 10  # pixels to every side in which similar patches are looked for
SIMILAR = 40  # patches in a group
CHUNK = 1024  # groups at a time
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
    noise. noisy and pilot: (1, C, H, W). larger: of the patches, by two pixels, and of the groups,
    twice. Second step of Lebrun, Buades, Morel 2013, doi:10.1137/120874989.
    """
    channels = noisy.shape[1]
    # 25 or 27 numbers in a smaller patch of gray or colour
    size = (3 if channels > 2 else 5) + 2 * larger
    margin = REACH + size - 1
    guide, image = (pad_reflect(to_opponent(each), (margin, margin)) for each in (pilot, noisy))
    # of reference patches side by side: overlapping ones take twice the time, for little
    groups = _similar(guide, size, step=size, count=2 * SIMILAR if larger else SIMILAR)
    # (positions, numbers)
    clean, patches = (F.unfold(each, size)[0].T.contiguous() for each in (guide, image))
    light = F.avg_pool2d(
        pad_reflect(pilot.mean(dim=1, keepdim=True), (margin, margin)), size, stride=1
    ).flatten()
    total, times = torch.zeros_like(patches), torch.zeros_like(patches[:, 0])
    for members in groups.split(CHUNK):  # (groups, patches of a group)
        pilots = clean[members]
        mean = pilots.mean(dim=1, keepdim=True)
        spread = pilots - mean
        covariance = spread.mT @ spread / (members.shape[1] - 1)
        deviation = caution * noise.deviation(light[members].mean(dim=1))
        own = deviation.square()[:, None, None] * noise.of_patches(channels, size).to(noisy)
        rest = patches[members] - mean
        # S M^-1 = I - N M^-1, M = S + N
        drawn = mean + rest - rest @ (torch.linalg.inv(covariance + own) @ own)
        total.index_add_(0, members.flatten(), drawn.flatten(0, 1))
        times.index_add_(0, members.flatten(), torch.ones_like(times[:1]).expand(members.numel()))
    height, width = guide.shape[-2:]
    covered = times.reshape(1, 1, height - size + 1, width - size + 1)
    counts = F.conv_transpose2d(
        covered, torch.ones_like(covered[..., :1, :1]).expand(1, 1, size, size)
    )
    result = F.fold(total.T[None], (height, width), size) / counts.clamp_min(1)
    return from_opponent(result[..., margin:-margin, margin:-margin])


def _similar(guide: Tensor, size: int, step: int, count: int) -> Tensor:
    """Positions of the `count` patches nearest to every `step`-th one, (patches, count), as unfold
    counts them.
    """
    height, width = guide.shape[-2:]
    rows, columns = height - 2 * REACH, width - 2 * REACH
    reach = torch.arange(-REACH, REACH + 1, device=guide.device)
    own = guide[..., REACH : REACH + rows, REACH : REACH + columns]
    top = torch.arange(REACH, REACH + rows - size + 1, step, device=guide.device)
    left = torch.arange(REACH, REACH + columns - size + 1, step, device=guide.device)
    at = (top[:, None] * (width - size + 1) + left).flatten()[:, None]
    nearest = torch.empty(len(at), 0, device=guide.device)
    positions = torch.empty(len(at), 0, dtype=torch.long, device=guide.device)
    for down in range(2 * REACH + 1):
        # (1, C, rows, 2 REACH + 1, columns)
        band = guide[..., down : down + rows, :].unfold(-1, columns, 1)
        apart = (band - own.unsqueeze(3)).square().sum(dim=1).transpose(1, 2)
        # (patches, 2 REACH + 1)
        distance = F.avg_pool2d(apart, size, step)[0].flatten(1).T.contiguous()
        if down == REACH:
            distance[:, REACH] = -1  # a patch is in its own group, even where many are equal to it
        nearest = torch.cat([nearest, distance], dim=1)
        positions = torch.cat([positions, at + (down - REACH) * (width - size + 1) + reach], dim=1)
        if nearest.shape[1] > count:
            nearest, best = nearest.topk(count, dim=1, largest=False, sorted=False)
            positions = positions.gather(1, best)
    return positions
