"""Flash and no flash: z the flash photo, A identity, E squared error to the photo without flash
(section 3.7).
"""

from functools import partial

from torch import Tensor

from .. import codes
from ..descent import Problem, Settings
from ..energies import squared_error
from ..networks import Hourglass, bilinear, nearest
from ..objectives import Observed, Preset, Residual
from ..operators import identity
from .preset import small

PRESETS = {
    "fast": Preset(small, Residual(codes.image), Settings(steps=300, jitter=0.05, averaging=0.98)),
    "best": Preset(
        small, Residual(codes.image), Settings(steps=300, jitter=0.05, averaging=0.98, runs=4)
    ),
    # the published notebook's network and steps; the paper gives none
    "paper": Preset(
        partial(Hourglass, upsample=(nearest, nearest, bilinear, bilinear, bilinear)),
        Residual(codes.image),
        Settings(steps=601, learning_rate=0.1, jitter=0),
    ),
}


def flash(observation: Tensor, guide: Tensor, preset: Preset) -> Problem:
    """The photo without flash x0 (1, C, H, W) in [0, 1] without its noise; guide: the flash photo
    (1, C', H, W).
    """
    return preset.problem(Observed(observation, squared_error(observation, identity), guide=guide))
