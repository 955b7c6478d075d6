"""Fixed linear filters that codes, networks and operators share."""

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


def cosines(size: int) -> Tensor:
    """The orthonormal cosines of `size` x `size` pixels, (size^2, size^2), a row each, the constant
    first (DCT-II).
    """
    k = torch.arange(size)
    rows = (2 / size) ** 0.5 * torch.cos(torch.pi * (2 * k + 1) * k[:, None] / (2 * size))
    rows[0] /= 2**0.5
    return torch.kron(rows, rows)


def patches(image: Tensor, size: int, step: int = 1) -> Tensor:
    """Every `step`-th patch of `size` x `size` pixels of `image` (1, C, H, W), as (C, positions,
    size^2).
    """
    return F.unfold(image.transpose(0, 1), size, stride=step).transpose(1, 2)


def mirrored(size: int, before: int, after: int) -> Tensor:
    """Indices into 0..size-1 that go on by reflection at both ends, as often as needed; size is at
    least 2.
    """
    period = 2 * (size - 1)
    index = torch.arange(-before, size + after) % period
    return torch.where(index < size, index, period - index)


def extended(
    image: Tensor, rows: tuple[int, int], columns: tuple[int, int] | None = None
) -> Tensor:
    """`image` (B, C, H, W) with so many mirrored rows above and below, and columns (or as many)
    left and right.
    """
    columns = columns or rows
    if not any(rows + columns):
        return image
    height, width = (
        mirrored(n, *more).to(image.device)
        for n, more in zip(image.shape[-2:], (rows, columns), strict=True)
    )
    return image[..., height[:, None], width]
