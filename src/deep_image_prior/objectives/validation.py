"""Validation: E the residual on some of the measurements, stopped by that on the others."""

from dataclasses import dataclass, replace

from torch import Generator, Tensor

from ..degradations import Measurement, held_out
from ..descent import Problem
from ..energies import Energy, real_numbers, squared_error
from ..stopping import Patience
from .objective import OWN_SEED, Architecture, Objective, Observed

SHARE = 0.05  # of the measurements: enough of them to choose a step by, too few to be missed


@dataclass(frozen=True)
class Validated(Objective):
    """`objective` for a Measurement, a SHARE of which E is not shown."""

    compares = True
    objective: Objective

    def problem(self, network: Architecture, observed: Observed) -> Problem:
        measurement = observed.damaged_by(Measurement)
        held = validation_set(observed.x0, SHARE)
        shown, unseen = (residual_on(part, observed.x0, measurement) for part in (1 - held, held))
        problem = self.objective.problem(network, replace(observed, energy=shown))
        return replace(problem, rule=lambda: least_validation_error(unseen))


def validation_set(x0: Tensor, share: float) -> Tensor:
    """1 for the measurements that are held out, 0 for the others: the same for the same x0."""
    return held_out(x0, share, Generator().manual_seed(OWN_SEED))


def residual_on(part: Tensor, x0: Tensor, measurement: Measurement) -> Energy:
    """E(x) = |m (A(x) - x0)|^2 / n, m = `part`, 1 for n of the values of x0, 0 for the others."""
    each = real_numbers(x0).numel() / x0.numel()
    count = max(1, round(each * part.sum().item()))
    return squared_error(part * x0, lambda x: part * measurement.operator(x), count)


def least_validation_error(energy: Energy) -> Patience:
    """Choose the average with the least error on the measurements that were held out."""
    return Patience(
        "validation",
        "least error on what was held out",
        lambda step: energy(step.average).item(),
    )
