"""When a fit of the paper's kind is done: where it is nearest to what the preset fast makes of the
same image.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

from torch import Tensor

from ..descent import Problem, Rule, fit
from ..stopping import Agreed, nearest, variance
from .preset import Preset


def refereed(
    problem: Problem, other: Problem, preset: Preset, **witnesses: Callable[[], Rule]
) -> Problem:
    """`problem` with a rule that knows what becomes of `other`, the same image as `preset` restores
    it.
    """
    rules: dict[str, Callable[[], Rule]] = {"variance": variance, **witnesses}

    @cache
    def reference() -> Tensor:
        made = fit(other, preset.settings, other.rule)
        if made.interrupted:  # it was meant for the fit that waits for this one
            raise KeyboardInterrupt
        return made.image

    return replace(
        problem,
        rule=lambda: Agreed(nearest(reference()), **{name: each() for name, each in rules.items()}),
    )
