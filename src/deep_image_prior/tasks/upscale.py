"""Super-resolve: z noise, A Lanczos2 downsampling by t, E squared error (section 3.2, eq. 5)."""

import torch.nn.functional as F
from torch import Tensor

from .. import codes
from ..descent import Problem, Settings
from ..energies import squared_error
from ..networks import Hourglass
from ..operators import Downsample
from .preset import Preset, pose, small

FACTORS = (2, 3, 4, 8)


def presets(factor: int) -> dict[str, Preset]:
    """The choices for one factor: at x8 the paper jitters more and takes longer (section 4)."""
    large = factor == max(FACTORS)
    return {
        "paper": Preset(Hourglass, codes.noise, Settings(steps=4000, jitter=1 / 20) if large else Settings(steps=2000)),
        "quick": Preset(small, codes.blurs, Settings(steps=300, jitter=0.1, averaging=0.98)),
    }


def upscale(observation: Tensor, factor: int, preset: Preset) -> Problem:
    """x (1, C, t H, t W) whose Lanczos2 downsampling by the factor t is x0 (1, C, H, W) in [0, 1]."""
    guess = F.interpolate(observation, scale_factor=factor, mode="bicubic").clamp(0, 1)
    return pose(squared_error(observation, Downsample(factor)), preset, guess, guess.shape[1])
