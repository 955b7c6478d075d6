"""Denoise: z noise, A identity, E squared error, stopped before the noise is fitted (section 3.1, eq. 3-4)."""

from torch import Tensor

from .. import codes
from ..descent import Problem, Settings
from ..energies import squared_error
from ..networks import Hourglass
from ..operators import identity
from .preset import Preset, pose, small

PRESETS = {
    "paper": Preset(Hourglass, codes.noise, Settings(steps=1800)),
    "quick": Preset(small, codes.blurs, Settings(steps=300, jitter=0.1, averaging=0.98)),
}


def denoise(observation: Tensor, preset: Preset) -> Problem:
    """x0 (1, C, H, W) in [0, 1] without its noise."""
    return pose(squared_error(observation, identity), preset, observation, observation.shape[1])
