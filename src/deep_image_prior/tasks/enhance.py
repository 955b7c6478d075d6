"""Enhance: fit coarsely and stop early, then boost the detail that is left over (section 3.6, eq.
10-11).
"""

from torch import Tensor

from .. import codes
from ..descent import Problem, Settings
from ..energies import squared_error
from ..networks import Hourglass
from ..objectives import Observed, Preset, Residual
from ..operators import identity
from .preset import small

PRESETS = {
    "fast": Preset(small, Residual(codes.noise), Settings(steps=300, jitter=0, averaging=0.98)),
    "best": Preset(
        small, Residual(codes.noise), Settings(steps=300, jitter=0, averaging=0.98, runs=4)
    ),
    "paper": Preset(Hourglass, Residual(codes.noise), Settings(steps=500, jitter=0)),
}


def enhance(observation: Tensor, preset: Preset) -> Problem:
    """The coarse image x_c of x0 (1, C, H, W) in [0, 1]."""
    return preset.problem(Observed(observation, squared_error(observation, identity)))


def boosted(observation: Tensor, coarse: Tensor, boost: float) -> Tensor:
    """x0 + boost * (x0 - x_c), in [0, 1]; the paper's boost is 1."""
    return (observation + boost * (observation - coarse)).clamp(0, 1)
