"""z: codes (1, C', H, W), each a recipe that takes an image of the wanted size and a CPU generator.

A code lives on the device of its image. Only `image` and `blurs` look at the pixels.
"""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from .resampling import correlate, gaussian


def noise(like: Tensor, generator: Generator, channels: int = 32) -> Tensor:
    """z ~ U(0, 1/10), (1, channels, H, W): the paper's default (section 4)."""
    return 0.1 * torch.rand(1, channels, *like.shape[-2:], generator=generator).to(like)


def meshgrid(like: Tensor, generator: Generator) -> Tensor:
    """Column and row of every pixel in [0, 1], (1, 2, H, W): a smoother prior, for large holes
    (figure 21).
    """
    rows, columns = (torch.linspace(0, 1, size) for size in like.shape[-2:])
    return torch.stack(torch.meshgrid(columns, rows, indexing="xy"))[None].to(like)


def image(like: Tensor, generator: Generator) -> Tensor:
    """The image itself as the code, (1, C, H, W): the flash photo in section 3.7."""
    return like


def blurs(
    like: Tensor, generator: Generator | None = None, sigmas: Sequence[float] = (1, 2, 4, 8)
) -> Tensor:
    """The image under Gaussian blurs of `sigmas` pixels, (1, C * len(sigmas), H, W): section 3.7
    without a flash.
    """
    kernels = (torch.outer(taps, taps) for taps in map(gaussian, sigmas))
    return torch.cat([correlate(like, kernel) for kernel in kernels], dim=1)
