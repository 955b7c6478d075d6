"""When to stop, and why: recipes of rules for `fit`. A rule sees every step and answers with a reason, or None."""

from .descent import Rule, Step


def discrepancy(sigma: float) -> Rule:
    """Stop when the residual reaches the noise, E(A(x)) <= sigma^2 (Morozov 1966); sigma in [0, 1] units.

    For a mean squared error under white noise of standard deviation `sigma`.
    """

    def rule(step: Step) -> str | None:
        residual = step.energy.item() ** 0.5
        if residual > sigma:
            return None
        return f"discrepancy: residual {255 * residual:.2f} reached sigma {255 * sigma:g} (of 255) at step {step.index}"

    return rule
