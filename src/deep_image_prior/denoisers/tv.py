"""Total variation: least squares over pixels, regularised by it."""

from math import cos, pi

import torch
from torch import Tensor

from ..adam import Adam
from ..energies import Energy, total_variation, weighted_sum

RATE = 0.02  # at first, falling by half a cosine


@torch.enable_grad()
def tv_least_squares(
    guess: Tensor, energy: Energy, weight: float = 0.015, steps: int = 100
) -> Tensor:
    """argmin_x E(x) + weight TV(x) / n over n values, from `guess` (1, C, H, W), by Adam (the TV
    prior of figure 9).
    """
    x = guess.clone().requires_grad_()
    both = weighted_sum((1, energy), (weight / guess.numel(), total_variation))
    optimiser = Adam([x], RATE)
    for index in range(steps):
        optimiser.learning_rate = RATE * (1 + cos(pi * index / steps)) / 2
        optimiser.forget_gradient()
        both(x).backward()
        optimiser.step()
    return x.detach()
