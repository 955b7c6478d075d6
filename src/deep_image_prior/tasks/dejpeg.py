"""Remove JPEG artefacts: denoising with the narrower network of the paper's figure 6 (section 3.1)."""

from functools import partial

from torch import Tensor

from .. import codes
from ..descent import Problem, Settings
from ..energies import squared_error
from ..networks import Hourglass
from ..operators import identity
from .preset import Preset, pose, small

PRESETS = {
    "fast": Preset(small, codes.blurs, Settings(steps=300, jitter=0.1, averaging=0.98)),
    "best": Preset(small, codes.blurs, Settings(steps=300, jitter=0.1, averaging=0.98, runs=4)),
    "paper": Preset(
        partial(Hourglass, down=(8, 16, 32, 64, 128), up=(8, 16, 32, 64, 128), skip=(0, 0, 0, 4, 4)),
        partial(codes.noise, channels=3),
        Settings(steps=2400),
    ),
}


def dejpeg(observation: Tensor, preset: Preset) -> Problem:
    """x0 (1, C, H, W) in [0, 1] without its compression artefacts."""
    return pose(squared_error(observation, identity), preset, observation, observation.shape[1])
