"""How far x is from the truth, pixel by pixel: the mean square error of a trial, shared out by how
much x differs from the images in its code.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .resampling import correlate, gaussian

WIDTH = 1.5  # pixels, the deviation of the Gaussian over which differences are averaged
SHARES = torch.linspace(0, 0.98, 50).tolist()
ROUNDED = (1 / 255) ** 2 / 12  # a mean square error that 8 bits have anyway


def spread(x: Tensor, code: Tensor, missing: Tensor | None = None) -> Tensor:
    """s = (G * |x - z_k|)^2, the mean over images z_k of the code and over channels, (1, 1, h, w).

    x: (1, C, h, w). code: (1, K C, h', w'), of which x is the middle. missing: (1, 1 or C, h, w), 1
    where x is drawn and 0 where it is known: what counts.
    """
    channels, height, width = x.shape[1:]
    top, left = ((code.shape[axis] - x.shape[axis]) // 2 for axis in (-2, -1))
    images = code[..., top : top + height, left : left + width].unflatten(1, (-1, channels))
    apart = (images - x[:, None]).abs().mean(dim=1)
    drawn = torch.ones_like(apart) if missing is None else missing.expand_as(apart)
    kernel = torch.outer(gaussian(WIDTH), gaussian(WIDTH))
    sums = correlate(torch.cat([drawn * apart, drawn]).mean(dim=1, keepdim=True), kernel)
    return (sums[:1] / sums[1:].clamp_min(1e-6)).square()


@dataclass(frozen=True)
class ErrorModel:
    """E[(x - x*)^2] = error (1 - share + share s / mean), s the `spread` of a pixel, `mean` that of
    all that was tried.
    """

    error: float
    share: float

    def variance(self, s: Tensor, mean: float) -> Tensor:
        """Of x, of the shape of s."""
        return self.error * (1 - self.share + self.share * s / max(mean, 1e-12))


def mean_spread(s: Tensor, missing: Tensor) -> float:
    """Of s (..., h, w), where x is drawn: `missing` is the share of channels in which it is."""
    return ((missing * s).sum() / missing.sum().clamp_min(1e-6)).item()


def most_likely(spreads: Sequence[Tensor], errors: Sequence[Tensor]) -> ErrorModel:
    """The model under which the squared errors of trials are most likely, normal as it takes them.

    The likelihood is linear in a squared error, so that unbiased estimates do as well. spreads: (1,
    1, h, w); errors: (1, C, h, w), NaN where they are not known; one a trial.
    """
    s = torch.cat([each.expand_as(e)[~e.isnan()] for each, e in zip(spreads, errors, strict=True)])
    e = torch.cat([each[~each.isnan()] for each in errors])
    error, mean = e.mean().clamp_min(ROUNDED).item(), s.mean().item()

    def unlikely(share: float) -> float:
        variance = ErrorModel(1, share).variance(s, mean)
        return (variance.log() + e / error / variance).mean().item()

    return ErrorModel(error, min(SHARES, key=unlikely))
