"""When to stop, and why: recipes of rules for `fit`. A rule sees every step and answers with a reason, or None."""

import torch
from torch import Tensor

from .descent import Rule, Step


def discrepancy(sigma: float, clipped: bool = True) -> Rule:
    """Stop when the residual reaches the noise, E(A(x)) <= sigma^2 (Morozov 1966); sigma > 0 in [0, 1] units.

    For a mean squared error under white normal noise. clipped: the observation was clipped to [0, 1], so that near
    black and white the noise is smaller; its variance is then the one expected around the average image.
    """

    def rule(step: Step) -> str | None:
        energy = step.energy.item()
        if energy > sigma**2 or (clipped and energy > clipped_variance(step.average, sigma).mean().item()):
            return None
        return f"discrepancy: residual {255 * energy**0.5:.2f} (of 255) reached the noise at step {step.index}"

    return rule


def clipped_variance(image: Tensor, sigma: float) -> Tensor:
    """E[(clip(x + n, 0, 1) - x)^2] for n ~ N(0, sigma^2), elementwise, x in [0, 1].

    With a = -x / sigma and b = (1 - x) / sigma it is
    sigma^2 (a^2 Phi(a) + b^2 Phi(-b) + Phi(b) - Phi(a) + a phi(a) - b phi(b)).
    """
    a, b = -image / sigma, (1 - image) / sigma
    below, above = torch.special.ndtr(a), torch.special.ndtr(b)

    def phi(t: Tensor) -> Tensor:
        return torch.exp(-0.5 * t**2) / (2 * torch.pi) ** 0.5

    return sigma**2 * (a**2 * below + b**2 * (1 - above) + above - below + a * phi(a) - b * phi(b))
