"""Denoise: z noise, A identity, E squared error, stopped before the noise is fitted (section 3.1, eq. 3-4).

Or z estimates of the image and E Stein's, which needs no stop.
"""

from torch import Tensor

from .. import codes
from ..descent import Problem, Settings
from ..energies import squared_error
from ..networks import Hourglass, Refiner
from ..noise import Noise, measured
from ..operators import identity
from .preset import Preset, pose
from .probed import Probed

PRESETS = {
    "fast": Preset(Refiner, None, Settings(steps=200, learning_rate=0.002, jitter=0, poses=8, averaging=0.98)),
    "best": Preset(
        Refiner,
        None,
        Settings(steps=300, learning_rate=0.002, jitter=0, poses=8, averaging=0.98, runs=2),
        estimates=5,
    ),
    "paper": Preset(Hourglass, codes.noise, Settings(steps=1800)),
}


def denoise(observation: Tensor, preset: Preset, noise: Noise | None = None) -> Problem:
    """x0 (1, C, H, W) in [0, 1] without its noise; a code of estimates is told the noise, or measures it."""
    if preset.code is None:
        return Probed(observation, noise or measured(observation), preset).problem()
    return pose(squared_error(observation, identity), preset, observation, observation.shape[1])
