"""When to stop, and with which image: recipes of rules for `fit`.

A rule sees every step and answers with a reason to stop after it, or None. It may have a `chosen`
step, whose average is then the image rather than the last one's, and an `uncertainty_db`: about how
many decibels lie between that image and what else could have been chosen.
"""

import math
from collections.abc import Callable

from torch import Tensor

from .descent import Rule, Step, past_weight
from .noise import clipped_square

PATIENCE = 100  # steps, and a third of those before the least
SHORT = 0.98  # weight of the past in moving means of numbers
SETTLED = 100  # steps until a moving variance is one
EARLY = 10  # steps
UNSEEN = (0.5 / 255) ** 2  # a mean square error that a file of 8 bits does not show
# measured on six pictures: up to it about half of what Stein's energy promised was kept, beyond it
# none
TRUST = 0.35


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


class Lowest:
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


def nearest(reference: Tensor) -> Lowest:
    """Choose the average that is nearest to another restoration of the observation, `reference` (1,
    C, H, W).

    |average - reference|^2 = |average - x|^2 - 2 <average, reference - x> + a constant: as good as
    knowing the truth x, as far as the errors of the two restorations have nothing in common.
    """
    return Lowest(
        "nearest to the reference", lambda step: (step.average - reference).square().mean().item()
    )


def variance() -> Lowest:
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

    return Lowest("least variance", measure, after=SETTLED)


class Agreed:
    """The choice of `decider`; uncertainty_db: 10 log10(1 + d^2 / e^2), d^2 the mean square
    to the nearest of the witnesses'.

    e^2 is what the decider measured, a mean square error by and large. One witness that agrees is
    enough: every rule is wrong at times, and they are seldom wrong together. Only those that have
    decided count; None if nobody has.
    """

    def __init__(self, decider: Lowest, **witnesses: Rule) -> None:
        self.decider = decider
        self.open = witnesses
        self.choices: dict[str, Step] = {}

    def __call__(self, step: Step) -> str | None:
        for name, witness in list(self.open.items()):
            reason = witness(step)
            self.choices[name] = getattr(witness, "chosen", None) or step
            if reason:
                del self.open[name]
        return self.decider(step)

    @property
    def chosen(self) -> Step | None:
        return self.decider.chosen

    @property
    def uncertainty_db(self) -> float | None:
        if self.chosen is None:
            return None
        decided = [step for name, step in self.choices.items() if name not in self.open]
        apart = [(step.average - self.chosen.average).square().mean().item() for step in decided]
        return 10 * math.log10(1 + min(apart) / max(self.decider.least, 1e-12)) if apart else None


class Departed:
    """Never stops. uncertainty_db: 10 log10(1 + d^2 / E), d^2 the mean square between the first
    image and the average now.

    For codes that show the image already, and energies that are a mean square error on what the
    code was not shown: where the descent led far beside what the error is now, it matters where it
    ends.
    """

    def __init__(self) -> None:
        self.first: Tensor | None = None
        self.uncertainty_db: float | None = None

    def __call__(self, step: Step) -> str | None:
        self.first = step.image if self.first is None else self.first
        apart = (step.average - self.first).square().mean().item()
        self.uncertainty_db = 10 * math.log10(1 + apart / max(step.energy.item(), 1e-12))
        return None


class Believable:
    """Stop when Stein's energy promises too much: that over a third of the error of the first image
    is gone.

    The weights can learn the noise by heart, unseen by Stein's term; the energy falls far below the
    truth's then. noise: x -> the variance of the noise of x, which is the energy of the truth.
    """

    def __init__(self, noise: Callable[[Tensor], Tensor]) -> None:
        self.noise = noise
        self.mean: float | None = None
        self.promised = 0.0
        self.steps = 0
        self.chosen: Step | None = None

    def __call__(self, step: Step) -> str | None:
        energy = step.energy.item()
        if self.mean is None:
            variance = self.noise(step.image).mean().item()
            # the energy is a mean itself, of that deviation
            deviation = variance * math.sqrt(2 / step.image.numel())
            error = max(energy - variance, deviation, UNSEEN)
            self.first, self.error, self.mean, self.start = energy, error, energy, step
        self.steps = step.index
        weight = past_weight(step.index, SHORT)
        self.mean = weight * self.mean + (1 - weight) * energy
        self.promised = (self.first - self.mean) / self.error
        if self.promised <= TRUST:
            return None
        if step.index < EARLY:  # the weights have hardly settled, and the image has their mesh
            self.chosen = self.start
        return f"Stein's energy promises too much from step {step.index} on"

    @property
    def uncertainty_db(self) -> float | None:
        """Half of the decibels that the energy promises: about what it has kept, where the truth
        was known.

        All of those by which it rose, if it did; None before it can be told.
        """
        if self.steps < EARLY:
            return None
        return abs((10 if self.promised < 0 else 5) * math.log10(1 - min(self.promised, 0.9)))
