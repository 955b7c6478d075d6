"""Collaborative filtering: the cosines of patches that look alike, and Haar's waves of those along
their group.
"""

import math

import torch
from torch import Tensor

from ..colour import from_opponent, to_opponent
from ..patches import cosines, dct_basis
from .dct import THRESHOLD
from .groups import FAR, Groups

SIZE = 8  # pixels a side of a patch
FIRST, SECOND = (Groups(SIZE, step=5, count=count, reach=FAR) for count in (16, 32))
# of the noise's variance: the pilot has errors of its own, so that less of what it lacks is lost
SHARE = 0.7


def collaborative(noisy: Tensor, pilot: Tensor) -> Tensor:
    """x0 (1, C, H, W) without its white noise of deviation 1.

    The waves Y of a group of alike patches are those above the noise, groups looked for in the
    pilot (1, C, H, W); with what that gives, P, they are shrunk to P^2 Y / (P^2 + `SHARE`). BM3D:
    Dabov, Foi, Katkovnik, Egiazarian 2007, doi:10.1109/TIP.2007.901238; the noise of patches that
    overlap: Mäkinen, Azzari, Foi 2020, doi:10.1109/TIP.2020.3014721.
    """
    planes, guide = to_opponent(noisy), to_opponent(pilot)
    across = torch.kron(dct_basis(SIZE), torch.eye(noisy.shape[1])).to(noisy)
    powers = overlaps(SIZE).to(noisy)

    def thresholded(pilots: Tensor, observed: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        along = haar(FIRST.count).to(observed)
        y = along @ (observed @ across.T)
        variance = powers_along(along, powers, places)
        variance = variance.repeat_interleave(noisy.shape[1], dim=2)
        kept = (y.square() > THRESHOLD**2 * variance).to(y)
        kept[:, 0, : noisy.shape[1]] = 1  # the mean
        weights = 1 / (kept * variance).sum(dim=(1, 2)).clamp_min(1)
        return _back(along, y * kept, across, weights), weights

    def shrunk(pilots: Tensor, observed: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        along = haar(SECOND.count).to(observed)
        p, y = (along @ (patches @ across.T) for patches in (pilots, observed))
        power = p.square_()
        kept = power / (power + SHARE)
        weights = 1 / kept.square().sum(dim=(1, 2)).clamp_min(1)
        return _back(along, y * kept, across, weights), weights

    guide = FIRST.filtered(guide, planes, thresholded)
    return from_opponent(SECOND.filtered(guide, planes, shrunk))


def _back(along: Tensor, waves: Tensor, across: Tensor, weights: Tensor) -> Tensor:
    """Patches of waves, times the weights of their groups."""
    return along.T @ (waves * weights[:, None, None] @ across)


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


def overlaps(size: int) -> Tensor:
    """How much of the noise in a cosine of a patch is in that of another, so many rows and columns
    away, (2 size, 2 size, size^2): that of the shift (i, j) at [i, j], negative ones from the end.
    """
    waves = cosines(size)
    moved = torch.zeros(2 * size, size)
    for shift in range(1 - size, size):
        overlap = size - abs(shift)
        first, second = (slice(max(0, each), max(0, each) + overlap) for each in (shift, -shift))
        moved[shift] = (waves[:, first] * waves[:, second]).sum(dim=1)
    return torch.einsum("iu,jv->ijuv", moved, moved).flatten(2)


def powers_along(along: Tensor, powers: Tensor, places: Tensor) -> Tensor:
    """Variances of the waves of groups (groups, n, waves across), of white noise of deviation 1.

    along: (n, n), orthonormal waves; powers: of `overlaps`; places: rows and columns of the
    patches, (groups, n, 2).
    """
    size = len(powers) // 2
    shifts = places[:, :, None] - places[:, None]
    # all of them that do not overlap: as far as that
    far = (shifts.abs() >= size).any(dim=3, keepdim=True)
    rows, columns = shifts.masked_fill(far, size).unbind(dim=3)
    common = powers[rows, columns]  # (groups, n, n, waves across)
    return torch.einsum("ki,gijw,kj->gkw", along, common, along).clamp_min(1e-3)
