"""A known blur: of a lens, of motion; the image behind it is larger than x0."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from ..operators import Blur
from .noise import Noise

ROUNDS = 20  # of conjugate gradients, at the most
ENOUGH = 1e-3  # of the first residual, in the norm of the preconditioner
LEAST = 0.3 / 255  # deviation of what rounding to 8 bits does: less is not to be counted on

Linear = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Blurring:
    """x0 = k * x + n, k (h, w) of sum 1, x by h - 1 rows and w - 1 columns larger than x0."""

    kernel: Tensor
    noise: Noise

    @property
    def operator(self) -> Blur:
        return Blur(self.kernel)

    def deviation(self, x0: Tensor) -> float:
        """Of the noise of x0, or of its rounding: the root of the mean variance."""
        return max(self.noise.variance(x0).mean().sqrt().item(), LEAST)

    def extended(self, x0: Tensor) -> Tensor:
        """x0 (1, C, H, W), its edges repeated to the size of x."""
        return F.pad(x0, self.operator.padding, mode="replicate")

    def draw(self, x: Tensor, generator: Generator) -> Tensor:
        """k * x + n in [0, 1], with another n, of x (1, C, H + h - 1, W + w - 1)."""
        blurred = self.operator(x)
        return (blurred + self.noise.draw(blurred, 1, generator)).clamp(0, 1)

    def nearest(self, v: Tensor, x0: Tensor, weight: float) -> Tensor:
        """argmin_x |k * x - x0|^2 + weight |x - v|^2, of the shape of v.

        By conjugate gradients, from v, preconditioned by the inverse for x that is periodic.
        """
        blur, sides = self.operator, v.shape[-2:]
        transfer = torch.fft.rfft2(self.kernel.to(v), s=sides)
        inverse = 1 / (transfer.abs().square() + weight)

        def adjoint(y: Tensor) -> Tensor:
            height, width = self.kernel.shape
            spectrum = torch.fft.rfft2(F.pad(y, (width - 1, 0, height - 1, 0)))
            return torch.fft.irfft2(spectrum * transfer.conj(), s=sides)

        def hessian(p: Tensor) -> Tensor:
            return adjoint(blur(p)) + weight * p

        def periodic(r: Tensor) -> Tensor:
            return torch.fft.irfft2(torch.fft.rfft2(r) * inverse, s=sides)

        return v + conjugate_gradients(hessian, adjoint(x0 - blur(v)), periodic)


def conjugate_gradients(matrix: Linear, b: Tensor, precondition: Linear) -> Tensor:
    """x with matrix(x) about b, both symmetric and positive; Hestenes and Stiefel 1952."""
    x, r = torch.zeros_like(b), b
    z = p = precondition(r)
    size = first = (r * z).sum()
    for _ in range(ROUNDS):
        if size <= ENOUGH**2 * first:
            break
        q = matrix(p)
        step = size / (p * q).sum()
        x, r = x + step * p, r - step * q
        z = precondition(r)
        before, size = size, (r * z).sum()
        p = z + size / before * p
    return x
