"""Super-resolve: z noise, A Lanczos2 downsampling by t, E squared error (section 3.2, eq. 5).

Or z the image of least total variation that A takes to x0.
"""

from functools import partial

import torch.nn.functional as F
from torch import Tensor

from .. import codes
from ..descent import Problem, Settings
from ..energies import squared_error
from ..networks import Hourglass
from ..objectives import Observed, Preset, Residual, TvResidual
from ..operators import Downsample

FACTORS = (2, 3, 4, 8)
# as many channels at every scale: where nothing is noise, detail is worth more than width at the
# coarse ones
EVEN = partial(Hourglass, down=(32,) * 5, up=(32,) * 5)


def presets(factor: int) -> dict[str, Preset]:
    """The choices for one factor: at x8 the paper jitters more and takes longer (section 4)."""
    large = factor == max(FACTORS)
    return {
        "fast": Preset(EVEN, TvResidual(), Settings(steps=500, jitter=0.1, averaging=0.98)),
        "best": Preset(
            EVEN, TvResidual(), Settings(steps=1200, jitter=0.1, averaging=0.98, runs=2)
        ),
        "paper": Preset(
            Hourglass,
            Residual(codes.noise),
            Settings(steps=4000, jitter=1 / 20) if large else Settings(steps=2000),
        ),
    }


def upscale(observation: Tensor, factor: int, preset: Preset) -> Problem:
    """x (1, C, t H, t W) whose Lanczos2 downsampling by the factor t is x0 (1, C, H, W) in [0,
    1].
    """
    energy = squared_error(observation, Downsample(factor))
    return preset.problem(Observed(observation, energy, guide=enlarged(observation, factor)))


def enlarged(observation: Tensor, factor: int) -> Tensor:
    """x0 (1, C, H, W) as (1, C, t H, t W), bicubic, in [0, 1]."""
    return F.interpolate(observation, scale_factor=factor, mode="bicubic").clamp(0, 1)
