"""Remove JPEG artefacts: denoising with the narrower network of the paper's figure 6 (section 3.1).

Or z estimates of the image, and E the error where the same artefacts are made once more.
"""

from functools import partial

from torch import Tensor

from .. import codes
from ..degradations import Compression
from ..descent import Problem, Settings
from ..energies import squared_error
from ..networks import Hourglass, Refiner
from ..objectives import Observed, Preset, Recorruption, ReferenceStopped, Residual
from ..operators import identity
from .preset import gently

# E is small from the first step on: a larger one jumps over it
gentler = partial(gently, learning_rate=0.0005, window=256)
FAST = Preset(Refiner, Recorruption(), gentler(steps=60))
PRESETS = {
    "fast": FAST,
    "best": Preset(Refiner, Recorruption(), gentler(steps=200, runs=2)),
    "paper": Preset(
        partial(
            Hourglass, down=(8, 16, 32, 64, 128), up=(8, 16, 32, 64, 128), skip=(0, 0, 0, 4, 4)
        ),
        ReferenceStopped(Residual(partial(codes.noise, channels=3)), FAST),
        Settings(steps=2400),
    ),
}


def dejpeg(
    observation: Tensor, preset: Preset, compression: Compression | None, panels: int = 1
) -> Problem:
    """x0 (1, C, H, W) in [0, 1] without the artefacts of its compression.

    compression: None if it left no trace. panels: pictures side by side in x0. Raises BadInput if
    the preset needs a compression.
    """
    energy = squared_error(observation, identity)
    return preset.problem(Observed(observation, energy, compression, panels=panels))
