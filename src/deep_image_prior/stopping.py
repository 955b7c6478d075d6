"""When to stop, and with which image: rules for `fit`, by value and by name."""

import copy
import math
from collections.abc import Callable

from torch import Tensor

from .degradations.noise import clipped_square
from .errors import BadInput, said
from .step import Rule, Step, Stop

PATIENCE = 100  # steps, and a third of those before the least
SHORT = 0.98  # weight of the past in moving means of numbers
SETTLED = 100  # steps until a moving variance is one

Recipe = Rule | Callable[[], Rule]  # of a rule for each run: a value to copy, or what makes one


def begun(recipe: Recipe) -> Rule:
    """A rule of its own for one run. Raises BadInput if that is none."""
    if isinstance(recipe, Rule):
        return copy.deepcopy(recipe)
    try:
        rule = recipe()
    except TypeError as error:
        if error.__traceback__ and error.__traceback__.tb_next:  # in what was called
            raise
        raise BadInput(f"stop makes no rule ({said(error)}); give one that is made") from None
    if not isinstance(rule, Rule):
        kind = type(rule).__name__
        raise BadInput(f"stop made a {kind}, not a rule; derive yours from stopping.Rule")
    return rule


class Discrepancy(Rule):
    """Stop when the residual reaches the noise, E(A(x)) <= sigma^2 (Morozov 1966).

    For a mean squared error under white normal noise. sigma: its deviation, above 0, x being in [0,
    1]. clipped: the observation was clipped to [0, 1], so that near black and white the noise is
    smaller; its variance is then the one expected around the average image.
    """

    residual = True

    def __init__(self, sigma: float, clipped: bool = True) -> None:
        self.sigma, self.clipped = sigma, clipped

    def update(self, step: Step) -> Stop | None:
        energy = step.energy.item()
        if energy > self.sigma**2 or (
            self.clipped and energy > clipped_square(step.average, self.sigma).mean().item()
        ):
            return None
        residual = f"residual {255 * energy**0.5:.2f} (of 255) reached the noise"
        return Stop("discrepancy", step.index, f"discrepancy: {residual} at step {step.index}")


class Patience(Rule):
    """Choose the step of the lowest measure, from step `after` on; stop when it has been higher for
    long.

    measure: of a step. name: of the rule. what: is at the step chosen, in words.
    """

    def __init__(
        self, name: str, what: str, measure: Callable[[Step], float], after: int = 1
    ) -> None:
        self.name, self.what, self.measure, self.after = name, what, measure, after
        self.least = math.inf
        self.best: Step | None = None

    def update(self, step: Step) -> Stop | None:
        value = self.measure(step)
        if step.index >= self.after and value < self.least:
            self.least, self.best = value, step
        if self.best is None or step.index - self.best.index < PATIENCE + self.best.index // 3:
            return None
        return Stop(self.name, self.best.index, f"{self.what} at step {self.best.index}")

    @property
    def chosen(self) -> Step | None:
        return self.best


class Variance(Patience):
    """Choose the least moving variance of the images, v_t = w (v_(t-1) + (1 - w) |x_t -
    average_(t-1)|^2 / n).

    It falls while the image is drawn and rises when the noise is (Wang et al. 2021,
    arXiv:2112.06074).
    """

    whole = True

    def __init__(self) -> None:
        super().__init__("variance", "least variance", self._moving, after=SETTLED)
        self.average: Tensor | None = None
        self.moving = 0.0

    def _moving(self, step: Step) -> float:
        if self.average is not None:
            square = (step.image - self.average).square().mean().item()
            self.moving = SHORT * (self.moving + (1 - SHORT) * square)
        self.average = step.average
        return self.moving


def _discrepancy(sigma: float | None, clipped: bool) -> Rule:
    if sigma is None:
        raise BadInput("the rule discrepancy needs the noise; give sigma (--sigma)")
    return Discrepancy(sigma, clipped)


# by name, from the deviation of white noise, x being in [0, 1], and whether it was clipped
RULES: dict[str, Callable[[float | None, bool], Rule]] = {
    "discrepancy": _discrepancy,
    "variance": lambda sigma, clipped: Variance(),
}
