"""Remove JPEG artefacts: denoising with the narrower network of the paper's figure 6 (section 3.1).

Or z estimates of the image, and E the error where the same artefacts are made once more.
"""

from functools import partial

from torch import Tensor

from .. import codes
from ..descent import Problem, Settings
from ..energies import squared_error
from ..errors import BadInput
from ..jpeg import Compression, found
from ..networks import Hourglass, Refiner
from ..operators import identity
from .preset import Preset, gently, pose
from .referee import refereed
from .rehearsed import Rehearsed

PRESETS = {
    # E is small from the first step on: a larger one jumps over it
    "fast": Preset(Refiner, None, gently(steps=60, learning_rate=0.0005)),
    "best": Preset(Refiner, None, gently(steps=200, learning_rate=0.0005, runs=2)),
    "paper": Preset(
        partial(
            Hourglass, down=(8, 16, 32, 64, 128), up=(8, 16, 32, 64, 128), skip=(0, 0, 0, 4, 4)
        ),
        partial(codes.noise, channels=3),
        Settings(steps=2400),
    ),
}


def dejpeg(observation: Tensor, preset: Preset, compression: Compression | None = None) -> Problem:
    """x0 (1, C, H, W) in [0, 1] without the artefacts of its compression, which is found out if it
    is not told.

    Raises BadInput if it left no trace that a code of estimates could be made by.
    """
    compression = compression or found(observation)
    if preset.code is not None:
        problem = pose(
            squared_error(observation, identity), preset, observation, observation.shape[1]
        )
        fast = PRESETS["fast"]
        return (
            refereed(problem, Rehearsed(observation, compression, fast).problem(), fast)
            if compression
            else problem
        )
    if compression is None:
        raise BadInput(
            "there is no trace of JPEG blocks: the image was compressed gently, or changed in "
            "size since; "
            "give a quality (--quality), 1 to 100, to say how much to remove"
        )
    return Rehearsed(observation, compression, preset).problem()
