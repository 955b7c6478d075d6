"""Total variation: least squares over pixels, regularised by it."""

import torch
from torch import Tensor

from ..energies import Energy, total_variation, weighted_sum


@torch.enable_grad()
def tv_least_squares(
    guess: Tensor, energy: Energy, weight: float = 1e-7, steps: int = 600
) -> Tensor:
    """argmin_x E(x) + weight TV(x) over pixels, from `guess` (1, C, t H, t W), by Adam (the TV
    prior of figure 9).
    """
    x = guess.clone().requires_grad_()
    both = weighted_sum((1, energy), (weight, total_variation))
    optimiser = torch.optim.Adam([x], lr=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        optimiser.zero_grad()
        both(x).backward()
        optimiser.step()
        schedule.step()
    return x.detach()
