"""Denoise: z noise, A identity, E squared error, stopped before the noise is fitted (section 3.1, eq. 3-4).

Or z estimates of the image and E Stein's, which needs no stop.
"""

from torch import Tensor

from .. import codes
from ..descent import Problem, Settings
from ..energies import absolute_error, squared_error
from ..networks import Hourglass, Refiner
from ..noise import Noise, impulses, recognised
from ..operators import identity
from .heldout import HeldOut
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
    """x0 (1, C, H, W) in [0, 1] without its noise; a code of estimates is told the noise, or finds it out.

    Impulses say nothing of x: to a code of estimates they are holes, and without one E is the absolute error.
    """
    if preset.code is not None:
        error = absolute_error if noise and noise.impulses else squared_error
        return pose(error(observation, identity), preset, observation, observation.shape[1])
    noise = noise or recognised(observation)
    if noise.impulses:
        return HeldOut(observation, 1 - impulses(observation), preset, scattered=True).problem()
    return Probed(observation, noise, preset).problem()
