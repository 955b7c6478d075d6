"""Filters that resample: their taps, and how codes, networks and operators apply them."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def gaussian(sigma: float, even: bool = False) -> Tensor:
    """Taps exp(-t^2 / 2 sigma^2), summing to 1, cut at 3 sigma; sigma in pixels. even: around the
    middle between two pixels.
    """
    radius = max(1, math.ceil(3 * sigma))
    t = torch.arange(-radius, radius) + 0.5 if even else torch.arange(-radius, radius + 1)
    taps = torch.exp(-0.5 * (t / sigma) ** 2)
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


def bicubic(factor: int) -> Tensor:
    """Taps of Keys' cubic, a = -1/2, as wide as `factor` pixels call for, summing to 1, around the
    same centre as those of `lanczos`. Keys 1981, doi:10.1109/TASSP.1981.1163711.
    """
    count = 4 * factor - factor % 2
    t = ((torch.arange(count) - (count - 1) / 2) / factor).abs()
    near, far = 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    taps = torch.where(t < 1, near, far)
    return taps / taps.sum()


def box(factor: int) -> Tensor:
    """Taps of the mean of `factor` pixels."""
    return torch.full((factor,), 1 / factor)


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


HALF = lanczos(2, 2)  # keeps the longer half of the waves


def halved(image: Tensor) -> Tensor:
    """(B, C, H, W) at half the resolution, a last odd row or column counted twice."""
    height, width = image.shape[-2:]
    image = F.pad(image, (0, width % 2, 0, height % 2), mode="replicate")
    return correlate(image, torch.outer(HALF, HALF), stride=2)


def doubled(image: Tensor, shape: Sequence[int]) -> Tensor:
    """(B, C, h, w) at twice the resolution, the first `shape` (H, W) of it: the transpose of
    `halved`, brought to the same mean.
    """
    reach = len(HALF) // 2
    batch, channels, *_ = image.shape
    planes = F.pad(image, (reach,) * 4, mode="replicate").flatten(0, 1)[:, None]
    kernel = 4 * torch.outer(HALF, HALF)[None, None].to(image)
    first = 3 * reach - 1  # the kernel's centre, at the first pixel
    wide = F.conv_transpose2d(planes, kernel, stride=2)[
        ..., first : first + shape[0], first : first + shape[1]
    ]
    return wide.unflatten(0, (batch, channels)).squeeze(2)
