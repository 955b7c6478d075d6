"""Collaborative filtering: the waves of patches that look alike, and those of these waves along
their group.
"""

import math

import torch
from torch import Tensor

from ..colour import from_opponent, to_opponent
from ..patches import cosines
from .dct import THRESHOLD
from .groups import FAR, Groups

SIZE = 8  # pixels a side of a patch
FIRST, SECOND = (Groups(SIZE, step=5, count=count, reach=FAR) for count in (16, 32))
# of the noise's variance: the pilot has errors of its own, so that less of what it lacks is lost
SHARE = 0.5
COLOUR = 0.2  # of its differences, where patches are compared


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

    def thresholded(pilots: Tensor, observed: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        y, variances = first(observed), first.variances(places)
        kept = (y.square() > THRESHOLD**2 * variances).to(y)
        kept[:, 0, :, 0] = 1  # the mean
        weights = 1 / (kept * variances).sum(dim=(1, 2, 3)).clamp_min(1)
        return first.back(y.mul_(kept), weights), weights

    def shrunk(pilots: Tensor, observed: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        power, variances = second(pilots).square_(), second.variances(places)
        kept = power.div_(power + SHARE * variances)
        weights = 1 / (kept.square() * variances).sum(dim=(1, 2, 3)).clamp_min(1)
        return second.back(second(observed).mul_(kept), weights), weights

    # what is alike in the pilot has errors of it in common
    guide = (guide + FIRST.filtered(_bright(planes), planes, thresholded)) / 2
    return from_opponent(SECOND.filtered(guide, planes, shrunk, _bright(guide)))


def _bright(planes: Tensor) -> Tensor:
    """With less of the differences of colours, which have as much noise and less of the image."""
    if planes.shape[1] != 3:
        return planes
    return torch.cat([planes[:, :1], COLOUR * planes[:, 1:]], dim=1)


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
        return powers_along(self.powers, self.along, places)[:, :, None]

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


def powers_along(powers: Tensor, along: Tensor, places: Tensor) -> Tensor:
    """Variances of waves along groups (groups, n, waves across), of white noise of deviation 1:
    sum_ij h_i h_j (what patches i and j have in common), h a wave.

    along: the waves, (n, n), a row each, of length 1. powers: of `overlaps`. places: rows and
    columns of the patches, (groups, n, 2).
    """
    n = len(along)
    i, j = torch.triu_indices(n, n, 1, device=places.device)
    apart = (places[:, i] - places[:, j]).abs().clamp_max(len(powers) - 1)
    rows, columns = apart.unbind(dim=2)
    # (groups, pairs, waves across); a table of rows is many times as fast as one of two indices
    common = powers.flatten(0, 1).index_select(0, (len(powers) * rows + columns).flatten())
    pairs = 2 * along[:, i] * along[:, j]
    # of every patch with itself it is 1
    return (1 + pairs @ common.view(*rows.shape, -1)).clamp_min(1e-3)
