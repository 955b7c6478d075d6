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
    """A(x) = k * x, convolution with a point spread function k (h, w), where all of k lies on x:
    (B, C, H + h - 1, W + w - 1) -> (B, C, H, W), so that nothing is supposed of what is outside.

    The centre of k is pixel (h // 2, w // 2).
    """

    def __init__(self, kernel: Tensor) -> None:
        self.kernel = kernel

    def __call__(self, image: Tensor) -> Tensor:
        self.kernel = self.kernel.to(image)
        sides, (height, width) = image.shape[-2:], self.kernel.shape
        # faster than a direct sum from kernels of 5 x 5 on
        spectrum = torch.fft.rfft2(image) * torch.fft.rfft2(self.kernel, s=sides)
        return torch.fft.irfft2(spectrum, s=sides)[..., height - 1 :, width - 1 :]

    @property
    def padding(self) -> tuple[int, int, int, int]:
        """Columns of x before and after those of x0, and rows."""
        height, width = self.kernel.shape
        return (width - 1) // 2, width // 2, (height - 1) // 2, height // 2

    def inside(self, image: Tensor) -> Tensor:
        """The part of x that x0 shows: (B, C, H + h - 1, W + w - 1) -> (B, C, H, W)."""
        left, right, top, bottom = self.padding
        height, width = image.shape[-2:]
        return image[..., top : height - bottom, left : width - right]


class Downsample:
    """A(x) = d(x): Lanczos low-pass and decimation by an integer factor t as one convolution (eq.
    5, section 4).

    (1, C, t H, t W) -> (1, C, H, W). lobes: 2 for the paper's Lanczos2, 3 for the kernel of
    Pillow's LANCZOS. kernel: another low-pass (h, w), of sum 1, h - t and w - t even and not
    negative.
    """

    def __init__(self, factor: int, lobes: int = 2, kernel: Tensor | None = None) -> None:
        taps = lanczos(factor, lobes)
        self.factor, self.kernel = factor, torch.outer(taps, taps) if kernel is None else kernel

    def __call__(self, image: Tensor) -> Tensor:
        self.kernel = self.kernel.to(image)
        return correlate(image, self.kernel, stride=self.factor)
