"""Collaborative filtering: the waves of patches that look alike, and those of these waves along
their group.
"""

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from ..colour import from_opponent, to_opponent
from ..patches import cosines
from .dct import THRESHOLD
from .groups import FAR, Groups

SIZE = 8  # pixels a side of a patch
FIRST, SECOND = (Groups(SIZE, step=5, count=count, reach=FAR) for count in (16, 32))
# of the noise's variance: the pilot has errors of its own, so that less of what it lacks is lost
SHARE = 0.5


def collaborative(noisy: Tensor, pilot: Tensor) -> Tensor:
    """x0 (1, C, H, W) without its white noise of deviation 1.

    The waves of Haar of groups of patches that are alike in x0 are those above the noise; then,
    with cosines P of the mean of that and the pilot (1, C, H, W), those Y of x0 are shrunk to P^2 Y
    / (P^2 + `SHARE` N), N the variance of their noise. BM3D: Dabov, Foi, Katkovnik, Egiazarian
    2007, doi:10.1109/TIP.2007.901238; N where patches overlap: Mäkinen, Azzari, Foi 2020,
    doi:10.1109/TIP.2020.3014721.
    """
    planes, guide = to_opponent(noisy), to_opponent(pilot)
    first, second = (
        _Transform(across, groups.count, planes)
        for across, groups in ((haar(SIZE), FIRST), (cosines(SIZE), SECOND))
    )

    def thresholded(patches: list[Tensor], places: Tensor) -> tuple[Tensor, Tensor]:
        y, variances = first(patches[0]), first.variances(places)
        kept = (y.square() > THRESHOLD**2 * variances).to(y)
        kept[:, 0, :, 0] = 1  # the mean
        weights = 1 / (kept * variances).sum(dim=(1, 2, 3)).clamp_min(1)
        return first.back(y.mul_(kept), weights), weights

    def shrunk(patches: list[Tensor], places: Tensor) -> tuple[Tensor, Tensor]:
        pilots, observed = map(second, patches)
        power, variances = pilots.square_(), second.variances(places)
        kept = power.div_(power + SHARE * variances)
        weights = 1 / (kept.square() * variances).sum(dim=(1, 2, 3)).clamp_min(1)
        return second.back(observed.mul_(kept), weights), weights

    power = torch.full_like(planes[0, 0], _compared(planes).shape[1])
    # what is alike in the pilot has errors of it in common
    guide = (guide + FIRST.filtered([planes], thresholded, power, _compared(planes))) / 2
    return from_opponent(SECOND.filtered([guide, planes], shrunk, power, _compared(guide)))


def _compared(planes: Tensor) -> Tensor:
    """Brightness, if there are differences of colours, which have as much noise and less of the
    image.
    """
    return planes[:, :1] if planes.shape[1] == 3 else planes


class _Transform:
    """Waves (groups, count, C, size^2) of groups of `count` patches (groups, count, size^2 C):
    along each group those of Haar, across a patch, down and to the right, the rows of `line` (size,
    size).
    """

    def __init__(self, line: Tensor, count: int, image: Tensor) -> None:
        self.channels = image.shape[1]
        self.along, self.powers = haar(count).to(image), overlaps(line).to(image)
        self.across = torch.kron(line, line).to(image)

    def __call__(self, patches: Tensor) -> Tensor:
        # contiguous: one product, not one a patch
        pixels = patches.unflatten(2, (-1, self.channels)).mT.contiguous()
        across = (pixels @ self.across.T).flatten(2)
        return (self.along @ across).unflatten(2, (self.channels, -1))

    def variances(self, places: Tensor) -> Tensor:
        """Of white noise of deviation 1 in the waves of a channel, (groups, count, 1, size^2);
        places: (groups, count, 2).
        """
        return powers_along(self.powers, places)[:, :, None]

    def back(self, waves: Tensor, weights: Tensor) -> Tensor:
        """Patches, times the weights of their groups."""
        across = (waves * weights[:, None, None, None] @ self.across).mT.flatten(2)
        return self.along.T @ across


def haar(count: int) -> Tensor:
    """The orthonormal waves of Haar of `count` numbers, a power of 2, (count, count), a row each:
    the mean first, then the differences of halves, of quarters, and so on.
    """
    rows = torch.ones(1, 1)
    while len(rows) < count:
        coarse = torch.kron(rows, torch.ones(1, 2))
        fine = torch.kron(torch.eye(len(rows)), torch.tensor([[1.0, -1.0]]))
        rows = torch.cat([coarse, fine]) / math.sqrt(2)
    return rows


def overlaps(line: Tensor) -> Tensor:
    """How much of the noise in a wave of a patch is in that of another, i rows and j columns away
    to any side, at [i, j], (size + 1, size + 1, size^2); the last have none.

    line: the waves of a row or column, (size, size).
    """
    size = len(line)
    moved = torch.zeros(size + 1, size)
    for shift in range(size):
        moved[shift] = (line[:, shift:] * line[:, : size - shift]).sum(dim=1)
    return torch.einsum("iu,jv->ijuv", moved, moved).flatten(2)


def powers_along(powers: Tensor, places: Tensor) -> Tensor:
    """Variances of the waves of `haar` along groups (groups, n, waves across), of white noise of
    deviation 1: sum_ij h_i h_j (what patches i and j have in common), h a wave.

    powers: of `overlaps`. places: rows and columns of the patches, (groups, n, 2).
    """
    groups, n = places.shape[:2]
    i, j, first = _pairs(n, places.device)
    apart = (places[:, i] - places[:, j]).abs().clamp_max(len(powers) - 1)
    rows, columns = apart.unbind(dim=2)
    # what the halves of each wave have in common, (groups, n - 1, waves across)
    common = F.embedding_bag(
        (len(powers) * rows + columns).flatten(),
        powers.flatten(0, 1),
        (len(i) * torch.arange(groups, device=first.device)[:, None] + first).flatten(),
        mode="sum",
    ).unflatten(0, (groups, -1))
    # from the finest waves to the coarsest, with what patches within their parts have in common;
    # of every patch with itself it is 1
    within, variances, parts = common.new_zeros(groups, n, common.shape[2]), [], n
    while parts > 1:
        parts //= 2
        within = within.unflatten(1, (parts, 2)).sum(dim=2)
        between = common[:, parts - 1 : 2 * parts - 1]
        variances.append(1 + 2 * parts / n * (within - between))
        within = within + between
    variances.append(1 + 2 / n * within)
    return torch.cat(variances[::-1], dim=1).clamp_min(1e-3)


@cache
def _pairs(n: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs i < j of n numbers, a power of 2, (n (n - 1) / 2,) each, in the order of the waves of
    `haar` in whose two halves they are; and the first of each wave, (n - 1,).
    """
    i, j = torch.triu_indices(n, n, 1)
    # n + i is a leaf of the tree whose node 1 is the whole, and nodes 2 k and 2 k + 1 the halves
    waves = (n + i) >> torch.frexp((i ^ j).float()).exponent
    order = waves.argsort(stable=True)
    counts = waves.bincount()[1:]
    return i[order].to(device), j[order].to(device), (counts.cumsum(0) - counts).to(device)
