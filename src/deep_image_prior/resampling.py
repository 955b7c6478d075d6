"""Filters that resample: their taps, and how codes, networks and operators apply them."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def gaussian(sigma: float) -> Tensor:
    """Taps exp(-t^2 / 2 sigma^2), summing to 1, cut at 3 sigma; sigma in pixels."""
    radius = max(1, math.ceil(3 * sigma))
    taps = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / sigma) ** 2)
    return taps / taps.sum()


def lanczos(factor: int, lobes: int) -> Tensor:
    """Taps sinc(t) sinc(t / lobes), |t| < lobes, summing to 1, a tap a pixel around the centre of
    `factor` pixels.

    The centre lies between two pixels for an even factor (the paper's phase 0.5), and on one for an
    odd factor. Turkowski 1990, Filters for common resampling tasks (section 4).
    """
    count = 2 * lobes * factor - factor % 2
    t = (torch.arange(count) - (count - 1) / 2) / factor
    taps = torch.sinc(t) * torch.sinc(t / lobes)
    return taps / taps.sum()


def correlate(image: Tensor, kernel: Tensor, stride: int = 1) -> Tensor:
    """Every channel of `image` (B, C, H, W) correlated with `kernel` (h, w), edges replicated.

    The result is (B, C, H / stride, W / stride); H and W are multiples of `stride`.
    """
    batch, channels, height, width = image.shape
    planes = image.reshape(batch * channels, 1, height, width)
    rows, columns = (size - stride for size in kernel.shape)
    edges = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
    planes = F.pad(planes, edges, mode="replicate")
    filtered = F.conv2d(planes, kernel[None, None].to(image), stride=stride)
    return filtered.reshape(batch, channels, *filtered.shape[-2:])
