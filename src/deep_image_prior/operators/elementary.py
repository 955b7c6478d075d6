"""A: linear operators from an image (1, C, H, W) to what was observed of it. Any differentiable
callable will do.
"""

import torch
from torch import Tensor

from ..resampling import correlate, lanczos


def identity(image: Tensor) -> Tensor:
    """A(x) = x: the observation is the whole image, degraded in an unknown way (eq. 3)."""
    return image


class Mask:
    """A(x) = m * x, with m (1, 1, H, W): 1 where the pixel is known and 0 where it is missing (eq.
    6).
    """

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def __call__(self, image: Tensor) -> Tensor:
        return self.mask * image


class Blur:
    """A(x) = k * x, convolution with a point spread function k (h, w); edges replicated, the size
    kept.

    The centre of k is pixel (h // 2, w // 2).
    """

    def __init__(self, kernel: Tensor) -> None:
        self.flipped = kernel.flip(0, 1)

    def __call__(self, image: Tensor) -> Tensor:
        self.flipped = self.flipped.to(image)
        return correlate(image, self.flipped)


class Downsample:
    """A(x) = d(x): Lanczos low-pass and decimation by an integer factor t as one convolution (eq.
    5, section 4).

    (1, C, t H, t W) -> (1, C, H, W). lobes: 2 for the paper's Lanczos2, 3 for the kernel of
    Pillow's LANCZOS.
    """

    def __init__(self, factor: int, lobes: int = 2) -> None:
        taps = lanczos(factor, lobes)
        self.factor, self.kernel = factor, torch.outer(taps, taps)

    def __call__(self, image: Tensor) -> Tensor:
        self.kernel = self.kernel.to(image)
        return correlate(image, self.kernel, stride=self.factor)
