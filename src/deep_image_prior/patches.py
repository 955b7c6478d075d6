"""Patches of an image, and their basis."""

import torch
import torch.nn.functional as F
from torch import Tensor

# variance of noise that every value of a patch has at the least, to divide by
NOTHING = (0.025 / 255) ** 2


def cosines(size: int) -> Tensor:
    """The orthonormal cosines of `size` pixels in a line, (size, size), a row each, the constant
    first (DCT-II).
    """
    k = torch.arange(size)
    rows = (2 / size) ** 0.5 * torch.cos(torch.pi * (2 * k + 1) * k[:, None] / (2 * size))
    rows[0] /= 2**0.5
    return rows


def dct_basis(size: int) -> Tensor:
    """Those of `size` x `size` pixels, (size^2, size^2), the constant first."""
    return torch.kron(cosines(size), cosines(size))


def patches(image: Tensor, size: int, step: int = 1) -> Tensor:
    """Every `step`-th patch of `size` x `size` pixels of `image` (1, C, H, W), as (C, positions,
    size^2).
    """
    return F.unfold(image.transpose(0, 1), size, stride=step).transpose(1, 2)


def with_channels(images: Tensor, size: int) -> Tensor:
    """Every patch of images (B, C, H, W), (B, positions, size^2 C), the channels of a pixel
    together: many times as fast as F.unfold.
    """
    windows = images.permute(0, 2, 3, 1).contiguous().unfold(1, size, 1).unfold(2, size, 1)
    return windows.permute(0, 1, 2, 4, 5, 3).flatten(3).flatten(1, 2)
