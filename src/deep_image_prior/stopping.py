"""When to stop, and why: recipes of rules for `fit`. A rule sees every step and answers with a reason, or None."""

from .descent import Rule, Step
from .noise import clipped_moments


def discrepancy(sigma: float, clipped: bool = True) -> Rule:
    """Stop when the residual reaches the noise, E(A(x)) <= sigma^2 (Morozov 1966); sigma > 0 in [0, 1] units.

    For a mean squared error under white normal noise. clipped: the observation was clipped to [0, 1], so that near
    black and white the noise is smaller; its variance is then the one expected around the average image.
    """

    def rule(step: Step) -> str | None:
        energy = step.energy.item()
        if energy > sigma**2 or (clipped and energy > clipped_moments(step.average, sigma)[1].mean().item()):
            return None
        return f"discrepancy: residual {255 * energy**0.5:.2f} (of 255) reached the noise at step {step.index}"

    return rule
