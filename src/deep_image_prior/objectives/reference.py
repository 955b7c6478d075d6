"""Reference-based stopping: a fit of the paper's kind is done where it is nearest to another
restoration of x0.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial

from torch import Tensor

from ..degradations import Degradation, Noise
from ..descent import Problem
from ..fitting import fit
from ..step import Rule, Step, Stop
from ..stopping import Discrepancy, Patience, Variance
from .objective import Architecture, Objective, Observed, Preset


@dataclass(frozen=True)
class ReferenceStopped(Objective):
    """`objective`, stopped by a `Consensus` that knows what `reference` makes of the same x0."""

    compares = True
    objective: Objective
    reference: Preset

    def problem(self, network: Architecture, observed: Observed) -> Problem:
        problem = self.objective.problem(network, observed)
        if observed.damage is None:  # nothing to make a reference by
            return problem
        other, rules = self.reference.problem(observed), _rules(observed.damage)

        @cache
        def reference() -> Tensor:
            return fit(other, self.reference.settings, other.rule).whole().image

        return replace(
            problem,
            rule=lambda: Consensus(
                nearest_to(reference()), **{name: each() for name, each in rules.items()}
            ),
        )


def _rules(damage: Degradation) -> dict[str, Callable[[], Rule]]:
    """Those that can be asked whether they agree."""
    if not isinstance(damage, Noise) or damage.gain:  # E has no one value to stop at
        return {"variance": Variance}
    return {
        "variance": Variance,
        "discrepancy": partial(Discrepancy, damage.sigma, damage.clipped),
    }


def nearest_to(reference: Tensor) -> Patience:
    """Choose the average that is nearest to another restoration of the observation, `reference` (1,
    C, H, W).

    |average - reference|^2 = |average - x|^2 - 2 <average, reference - x> + a constant: as good as
    knowing the truth x, as far as the errors of the two restorations have nothing in common.
    """
    return Patience(
        "reference",
        "nearest to the reference",
        lambda step: (step.average - reference).square().mean().item(),
    )


class Consensus(Rule):
    """The choice of `decider`; uncertainty_db: 10 log10(1 + d^2 / e^2), d^2 the mean square
    to the nearest of the choices of `rules`.

    e^2 is what the decider measured, a mean square error by and large. One rule that agrees is
    enough: every rule is wrong at times, and they are seldom wrong together. Only those that have
    decided count; None if nobody has.
    """

    def __init__(self, decider: Patience, **rules: Rule) -> None:
        self.decider = decider
        self.open = rules  # those that have not stopped
        self.choices: dict[str, Step] = {}

    def update(self, step: Step) -> Stop | None:
        for name, rule in list(self.open.items()):
            stop = rule.update(step)
            self.choices[name] = rule.chosen or step
            if stop:
                del self.open[name]
        return self.decider.update(step)

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
