"""Measurements of an image by an operator, and those of them that are held out."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

# of the measurements, those of the greatest amount are never held out: without them it is another
# image, as without its mean among Fourier coefficients
GREATEST = 0.05


@dataclass(frozen=True)
class Measurement:
    """x0 = A(x) + n of an image x (1, C, H, W) in [0, 1], n ~ N(0, sigma^2) in every real number.

    operator: A, differentiable. shape: (C, H, W). sigma: in the units of x0, None if unknown.
    """

    operator: Callable[[Tensor], Tensor]
    shape: tuple[int, int, int]
    sigma: float | None = None


def held_out(x0: Tensor, share: float, generator: Generator) -> Tensor:
    """1 for about that share of the values of x0, drawn at random, 0 for the others."""
    amount = x0.abs()
    rank = amount.flatten().argsort(descending=True, stable=True).argsort().reshape(x0.shape)
    drawn = torch.rand(x0.shape, generator=generator).to(amount) < share
    return (drawn & (rank >= GREATEST * x0.numel())).to(amount)
