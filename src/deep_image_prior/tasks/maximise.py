"""Maximise an activation: z noise, A a classifier, E minus one of its values (section 3.5, eq.
9).
"""

from functools import partial

from torch import Tensor

from .. import codes
from ..descent import Problem, Settings
from ..energies import activation
from ..features import Features
from ..objectives import Observed, Preset, Residual
from .invert import SIX_SCALES
from .preset import small

PRESETS = {
    "fast": Preset(
        small,
        Residual(codes.noise),
        Settings(steps=400, learning_rate=0.003, jitter=0.03, averaging=0.9),
    ),
    "paper": Preset(
        partial(
            SIX_SCALES,
            skip=(0, 4, 4, 4, 4, 4),
            down_kernel=(5, 3, 5, 5, 3, 5),
            up_kernel=(5, 3, 5, 5, 3, 5),
        ),
        Residual(codes.noise),
        Settings(steps=3100, learning_rate=0.001, jitter=0.03),
    ),
}


def maximise(like: Tensor, operator: Features, unit: int, preset: Preset) -> Problem:
    """An image of the size of `like` (1, 3, S, S) that excites one unit of a layer most."""
    return preset.problem(Observed(like, activation(operator, unit)))
