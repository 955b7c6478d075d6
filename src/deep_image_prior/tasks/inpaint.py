"""Inpaint: z noise, or the grid for large holes; A mask; E squared error of the known pixels
(section 3.3, eq. 6).

Or z fills of the holes, and E the error on known pixels that the fills were not shown.
"""

from functools import partial

from torch import Tensor

from .. import codes
from ..degradations import Holes, unmarked
from ..denoisers import pyramid_fill
from ..descent import Problem, Settings
from ..energies import squared_error
from ..networks import Hourglass, Refiner, nearest
from ..objectives import PARTS, Holdout, Observed, Preset, Residual
from ..operators import Mask
from .preset import gently

# a window of every part of the known pixels a step
in_parts = partial(gently, window=128, windows=PARTS)
NO_SKIPS = (0, 0, 0, 0, 0)
DEEP = (16, 32, 64, 128, 128, 128)

# the widths and kernels of figure 13; jitter of the grid moves every pixel, and draws fog in a
# short fit
REGIONS = partial(
    Hourglass, down=DEEP, up=DEEP, skip=NO_SKIPS + (0,), down_kernel=5, upsample=nearest, mix=False
)
REFINED = {
    "fast": Preset(Refiner, Holdout(), in_parts(steps=100)),
    "best": Preset(Refiner, Holdout(), in_parts(steps=300, runs=2)),
}

HOLES: dict[str, dict[str, Preset]] = {
    "text": {
        **REFINED,
        "paper": Preset(Hourglass, Residual(codes.noise), Settings(steps=6000)),
    },
    "random": {
        **REFINED,
        "paper": Preset(
            Hourglass, Residual(codes.noise), Settings(steps=11000, learning_rate=0.001)
        ),
    },
    "large": {
        "fast": Preset(
            REGIONS, Residual(codes.meshgrid), Settings(steps=1000, jitter=0, averaging=0.98)
        ),
        "best": Preset(
            REGIONS, Residual(codes.meshgrid), Settings(steps=3000, jitter=0, averaging=0.98)
        ),
        "paper": Preset(
            partial(Hourglass, skip=NO_SKIPS), Residual(codes.meshgrid), Settings(steps=5000)
        ),
    },
}


def inpaint(
    observation: Tensor, preset: Preset, scattered: bool = False, panels: int = 1
) -> Problem:
    """x0 (1, C, H, W) in [0, 1], NaN where pixels are missing, with those drawn.

    scattered: the missing pixels are single ones. panels: pictures side by side in x0.
    """
    mask = unmarked(observation)
    operator, known = Mask(mask), observation.nan_to_num()
    energy = squared_error(known, operator, count=int(mask.expand_as(known).sum()))
    guide = pyramid_fill(known, mask)
    holes = Holes(scattered=scattered)
    return preset.problem(Observed(observation, energy, holes, guide, panels))
