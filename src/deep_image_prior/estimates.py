"""Estimates of an image (1, C, H, W) with white noise of variance sigma^2, or with holes, without a
network.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .padding import pad_reflect
from .patches import dct_basis

THRESHOLD = 2.7  # standard deviations that a coefficient must exceed
STRONG, WEAK = (
    60 / 255,
    2 / 255,
)  # the first and the last noise that `completed` takes its fill to have
REACH = 10  # pixels to every side in which similar patches are looked for
SIMILAR = 40  # patches in a group
# times the noise: the pilot has errors too, so that groups look a little less alike than they are
PATIENT = 1.1
CHUNK = 1024  # groups at a time
# the principal colours of natural images: gray, red against blue, green against both
OPPONENT = F.normalize(torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [0.5, -1.0, 0.5]]), dim=1)


def transform(noisy: Tensor, sigma: float = 1.0, size: int = 8) -> Tensor:
    """Cosines of every size x size patch, thresholded, then shrunk by Wiener's rule with that as
    the pilot.

    Sliding-window DCT: Yaroslavsky 1996; weights and second pass: Yu and Sapiro 2011,
    doi:10.5201/ipol.2011.ys-dct.
    """
    windows = Windows(noisy.shape[-2:], size, step=max(1, size // 8))

    def shrunk(plane: Tensor) -> Tensor:
        observed = windows.cosines(plane)
        power = windows.cosines(windows.planes(observed, _above(observed, sigma))).square()
        return windows.planes(observed, power / (power + sigma**2))

    # a channel at a time: the cosines are size^2 times as many as the pixels
    planes = _rotated(noisy).transpose(0, 1).split(1)
    return _rotated(torch.cat([shrunk(plane) for plane in planes]).transpose(0, 1), back=True)


def completed(image: Tensor, known: Tensor, size: int, step: int, rounds: int) -> Tensor:
    """`image` (1, C, H, W), its values where m = `known` (1, 1 or C, H, W) is 0 made over by x -> m
    x0 + (1 - m) D(x).

    D drops the cosines of patches below a threshold that falls from STRONG to WEAK. Guleryuz 2006,
    doi:10.1109/TIP.2005.863057; here with a patch every `step` pixels of a grid that moves each
    round.
    """
    offsets = np.random.default_rng(0).integers(0, step, (rounds, 2))
    x = image
    for sigma, (top, left) in zip(np.geomspace(STRONG, WEAK, rounds), offsets, strict=True):
        windows = Windows(image.shape[-2:], size, step, int(top), int(left))
        observed = windows.cosines(_rotated(x).transpose(0, 1))
        drawn = windows.planes(observed, _above(observed, float(sigma))).transpose(0, 1)
        x = torch.where(known > 0, image, _rotated(drawn, back=True))
    return x


def _above(observed: Tensor, sigma: float) -> Tensor:
    """1 for the cosines above the noise and for the mean, 0 for the others."""
    gain = (observed.abs() > THRESHOLD * sigma).to(observed)
    gain[:, 0] = 1
    return gain


class Windows:
    """The size x size patches of planes (B, 1, H, W), one every `step` pixels from (top, left), and
    their cosines.
    """

    def __init__(
        self, shape: Sequence[int], size: int, step: int = 1, top: int = 0, left: int = 0
    ) -> None:
        self.size, self.step, self.top, self.left = size, step, top, left
        self.margin = size + step - 2
        self.rows = slice(self.margin - top, self.margin - top + shape[0])
        self.columns = slice(self.margin - left, self.margin - left + shape[1])

    def cosines(self, planes: Tensor) -> Tensor:
        """(B, size^2, rows, columns)."""
        grown = pad_reflect(
            planes, (self.margin - self.top, self.margin), (self.margin - self.left, self.margin)
        )
        return F.conv2d(grown, self._basis(planes), stride=self.step)

    def planes(self, observed: Tensor, gain: Tensor) -> Tensor:
        """The patches with their cosines times `gain`, averaged by the inverse of the noise that
        they keep.
        """
        weight = 1 / (gain.square().sum(dim=1, keepdim=True) + 1e-3)
        basis = self._basis(observed)
        total = F.conv_transpose2d(observed * gain * weight, basis, stride=self.step)
        weights = F.conv_transpose2d(weight, torch.ones_like(basis[:1]), stride=self.step)
        return (total / weights.clamp_min(1e-9))[..., self.rows, self.columns]

    def _basis(self, like: Tensor) -> Tensor:
        return dct_basis(self.size).to(like).reshape(self.size**2, 1, self.size, self.size)


def nonlocal_bayes(
    noisy: Tensor, pilot: Tensor, sigma: float = 1.0, larger: bool = False
) -> Tensor:
    """The mean of all patches, each y of a group of alike ones replaced by m + S (S + sigma^2 I)^-1
    (y - m).

    m and S are the mean and covariance of the group in the pilot. Non-local Bayes, second step:
    Lebrun, Buades, Morel 2013, doi:10.1137/120874989. larger: of the patches, by two pixels, and of
    the groups, twice.
    """
    size = (
        3 if noisy.shape[1] > 2 else 5
    ) + 2 * larger  # 25 or 27 numbers in a smaller patch of gray or colour
    margin = REACH + size - 1
    guide, image = (pad_reflect(_rotated(each), (margin, margin)) for each in (pilot, noisy))
    # of reference patches side by side: overlapping ones take twice the time, for little
    groups = _similar(guide, size, step=size, count=2 * SIMILAR if larger else SIMILAR)
    clean, patches = (
        F.unfold(each, size)[0].T.contiguous() for each in (guide, image)
    )  # (positions, numbers)
    total, times = torch.zeros_like(patches), torch.zeros_like(patches[:, 0])
    white = sigma**2 * torch.eye(patches.shape[1]).to(noisy)
    for members in groups.split(CHUNK):  # (groups, patches of a group)
        pilots = clean[members]
        mean = pilots.mean(dim=1, keepdim=True)
        spread = pilots - mean
        covariance = spread.mT @ spread / (members.shape[1] - 1)
        rest = patches[members] - mean
        drawn = (
            mean + rest - sigma**2 * rest @ torch.linalg.inv(covariance + white)
        )  # S M^-1 = I - sigma^2 M^-1
        total.index_add_(0, members.flatten(), drawn.flatten(0, 1))
        times.index_add_(0, members.flatten(), torch.ones_like(times[:1]).expand(members.numel()))
    height, width = guide.shape[-2:]
    covered = times.reshape(1, 1, height - size + 1, width - size + 1)
    counts = F.conv_transpose2d(
        covered, torch.ones_like(covered[..., :1, :1]).expand(1, 1, size, size)
    )
    result = F.fold(total.T[None], (height, width), size) / counts.clamp_min(1)
    return _rotated(result[..., margin:-margin, margin:-margin], back=True)


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
        band = guide[..., down : down + rows, :].unfold(
            -1, columns, 1
        )  # (1, C, rows, 2 REACH + 1, columns)
        apart = (band - own.unsqueeze(3)).square().sum(dim=1).transpose(1, 2)
        distance = (
            F.avg_pool2d(apart, size, step)[0].flatten(1).T.contiguous()
        )  # (patches, 2 REACH + 1)
        if down == REACH:
            distance[:, REACH] = -1  # a patch is in its own group, even where many are equal to it
        nearest = torch.cat([nearest, distance], dim=1)
        positions = torch.cat([positions, at + (down - REACH) * (width - size + 1) + reach], dim=1)
        if nearest.shape[1] > count:
            nearest, best = nearest.topk(count, dim=1, largest=False, sorted=False)
            positions = positions.gather(1, best)
    return positions


def _rotated(image: Tensor, back: bool = False) -> Tensor:
    """RGB in opponent colours, where most of the structure is in the first; other channels as they
    are.
    """
    if image.shape[1] != 3:
        return image
    rotation = OPPONENT.to(image)
    return torch.einsum("ij,bjhw->bihw", rotation.T if back else rotation, image)
