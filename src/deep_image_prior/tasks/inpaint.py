"""Inpaint: z noise, or the grid for large holes; A mask; E squared error of the known pixels (section 3.3, eq. 6)."""

from functools import partial

from torch import Tensor

from .. import codes
from ..descent import Problem, Settings
from ..energies import squared_error
from ..networks import Hourglass, nearest
from ..operators import Mask
from .preset import Preset, pose, small

NO_SKIPS = (0, 0, 0, 0, 0)
DEEP = (16, 32, 64, 128, 128, 128)

HOLES = {
    "text": {
        "paper": Preset(Hourglass, codes.noise, Settings(steps=6000)),
        "quick": Preset(small, codes.blurs, Settings(steps=400, jitter=0.1, averaging=0.98)),
    },
    "random": {
        "paper": Preset(Hourglass, codes.noise, Settings(steps=11000, learning_rate=0.001)),
        "quick": Preset(small, codes.blurs, Settings(steps=400, jitter=0.1, averaging=0.98)),
    },
    "large": {
        "paper": Preset(partial(Hourglass, skip=NO_SKIPS), codes.meshgrid, Settings(steps=5000)),
        # the widths and kernels of figure 13; jitter of the grid moves every pixel, and draws fog in a short fit
        "quick": Preset(
            partial(Hourglass, down=DEEP, up=DEEP, skip=NO_SKIPS + (0,), down_kernel=5, upsample=nearest, mix=False),
            codes.meshgrid,
            Settings(steps=1000, jitter=0, averaging=0.98),
        ),
    },
}


def inpaint(observation: Tensor, mask: Tensor, preset: Preset) -> Problem:
    """x0 (1, C, H, W) in [0, 1] with its missing pixels drawn; mask (1, 1, H, W): 1 known, 0 missing."""
    operator = Mask(mask)
    known = int(mask.sum()) * observation.shape[1]
    energy = squared_error(operator(observation), operator, count=known)
    return pose(energy, preset, codes.fill(observation, mask), observation.shape[1])
