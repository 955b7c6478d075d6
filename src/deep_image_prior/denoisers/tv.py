"""Total variation: least squares over pixels, regularised by it."""

import torch
from torch import Tensor

from ..energies import Energy, total_variation, weighted_sum


@torch.enable_grad()
def tv_least_squares(
    guess: Tensor, energy: Energy, weight: float = 0.015, steps: int = 100
) -> Tensor:
    """argmin_x E(x) + weight TV(x) / n over n values, from `guess` (1, C, H, W), by Adam (the TV
    prior of figure 9).
    """
    x = guess.clone().requires_grad_()
    both = weighted_sum((1, energy), (weight / guess.numel(), total_variation))
    optimiser = torch.optim.Adam([x], lr=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        optimiser.zero_grad()
        both(x).backward()
        optimiser.step()
        schedule.step()
    return x.detach()
