"""Sliding-window DCT: the cosines of overlapping patches, thresholded and averaged."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..colour import from_opponent, to_opponent
from ..padding import pad_reflect
from ..patches import dct_basis
from .covariance import Covariance, White

THRESHOLD = 2.7  # standard deviations that a coefficient must exceed


def dct_denoise(noisy: Tensor, noise: Covariance = White(), size: int = 8) -> Tensor:
    """Cosines of every size x size patch, thresholded, then shrunk by Wiener's rule with that as
    the pilot; noisy (1, C, H, W).

    Sliding-window DCT: Yaroslavsky 1996; weights and second pass: Yu and Sapiro 2011,
    doi:10.5201/ipol.2011.ys-dct.
    """
    windows = Windows(noisy.shape[-2:], size, step=max(1, size // 8))
    brightness = windows.dct(noisy.mean(dim=1, keepdim=True))[0, 0] / size

    def shrunk(channel: int, plane: Tensor) -> Tensor:
        variance = noise.of_dct(channel, size, brightness)
        observed = windows.dct(plane)
        power = windows.dct(windows.inverse(observed, hard_threshold(observed, variance))).square()
        return windows.inverse(observed, power / (power + variance))

    # a channel at a time: the cosines are size^2 times as many as the pixels
    planes = to_opponent(noisy).transpose(0, 1).split(1)
    clean = [shrunk(channel, plane) for channel, plane in enumerate(planes)]
    return from_opponent(torch.cat(clean).transpose(0, 1))


def hard_threshold(observed: Tensor, variance: Tensor | float) -> Tensor:
    """1 for the cosines above noise of `variance` and for the mean, 0 for the others."""
    gain = (observed.square() > THRESHOLD**2 * variance).to(observed)
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

    def dct(self, planes: Tensor) -> Tensor:
        """The cosines of every patch, (B, size^2, rows, columns)."""
        grown = pad_reflect(
            planes, (self.margin - self.top, self.margin), (self.margin - self.left, self.margin)
        )
        return F.conv2d(grown, self._basis(planes), stride=self.step)

    def inverse(self, observed: Tensor, gain: Tensor) -> Tensor:
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
