"""When to stop, and with which image: recipes of rules for `fit`.

A rule sees every step and answers with a reason to stop after it, or None. It may have a `chosen`
step, whose average is then the image rather than the last one's, and an `uncertainty_db`: about how
many decibels lie between that image and what else could have been chosen.
"""

import math
from collections.abc import Callable

from torch import Tensor

from .degradations.noise import clipped_square
from .descent import Rule, Step

PATIENCE = 100  # steps, and a third of those before the least
SHORT = 0.98  # weight of the past in moving means of numbers
SETTLED = 100  # steps until a moving variance is one


def discrepancy(sigma: float, clipped: bool = True) -> Rule:
    """Stop when the residual reaches the noise, E(A(x)) <= sigma^2 (Morozov 1966); sigma > 0 in [0,
    1] units.

    For a mean squared error under white normal noise. clipped: the observation was clipped to [0,
    1], so that near black and white the noise is smaller; its variance is then the one expected
    around the average image.
    """

    def rule(step: Step) -> str | None:
        energy = step.energy.item()
        if energy > sigma**2 or (
            clipped and energy > clipped_square(step.average, sigma).mean().item()
        ):
            return None
        return (
            f"discrepancy: residual {255 * energy**0.5:.2f} (of 255) reached the noise at "
            f"step {step.index}"
        )

    return rule


class Patience:
    """Choose the step of the lowest measure, from step `after` on; stop when it has been higher for
    long.
    """

    def __init__(self, what: str, measure: Callable[[Step], float], after: int = 1) -> None:
        self.what, self.measure, self.after = what, measure, after
        self.least, self.chosen = math.inf, None

    least: float
    chosen: Step | None

    def __call__(self, step: Step) -> str | None:
        value = self.measure(step)
        if step.index >= self.after and value < self.least:
            self.least, self.chosen = value, step
        if (
            self.chosen is None
            or step.index - self.chosen.index < PATIENCE + self.chosen.index // 3
        ):
            return None
        return f"{self.what} at step {self.chosen.index}"


def variance() -> Patience:
    """Choose the least moving variance of the images, v_t = w (v_(t-1) + (1 - w) |x_t -
    average_(t-1)|^2 / n).

    It falls while the image is drawn and rises when the noise is (Wang et al. 2021,
    arXiv:2112.06074).
    """
    average: Tensor | None = None
    moving = 0.0

    def measure(step: Step) -> float:
        nonlocal average, moving
        if average is not None:
            moving = SHORT * (moving + (1 - SHORT) * (step.image - average).square().mean().item())
        average = step.average
        return moving

    return Patience("least variance", measure, after=SETTLED)
