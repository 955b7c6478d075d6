"""Super-resolve: z noise, A Lanczos2 downsampling by t, E squared error (section 3.2, eq. 5).

Or z the image of least total variation that A takes to x0.
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import codes
from ..descent import Problem, Settings
from ..energies import Energy, squared_error, total_variation, weighted_sum
from ..networks import Hourglass
from ..operators import Downsample
from .preset import Preset, pose

FACTORS = (2, 3, 4, 8)
# as many channels at every scale: where nothing is noise, detail is worth more than width at the
# coarse ones
EVEN = partial(Hourglass, down=(32,) * 5, up=(32,) * 5)


def presets(factor: int) -> dict[str, Preset]:
    """The choices for one factor: at x8 the paper jitters more and takes longer (section 4)."""
    large = factor == max(FACTORS)
    return {
        "fast": Preset(EVEN, None, Settings(steps=500, jitter=0.1, averaging=0.98)),
        "best": Preset(EVEN, None, Settings(steps=1200, jitter=0.1, averaging=0.98, runs=2)),
        "paper": Preset(
            Hourglass,
            codes.noise,
            Settings(steps=4000, jitter=1 / 20) if large else Settings(steps=2000),
        ),
    }


def upscale(observation: Tensor, factor: int, preset: Preset) -> Problem:
    """x (1, C, t H, t W) whose Lanczos2 downsampling by the factor t is x0 (1, C, H, W) in [0,
    1].
    """
    energy = squared_error(observation, Downsample(factor))
    _, channels, height, width = observation.shape
    shape = (1, channels, factor * height, factor * width)
    if preset.code is None:
        network = partial(preset.network, channels, channels)
        return Problem(
            network,
            lambda generator: sharpened(enlarged(observation, factor), energy),
            energy,
            shape,
        )
    return pose(energy, preset, observation.new_zeros(()).expand(shape), channels)


def enlarged(observation: Tensor, factor: int) -> Tensor:
    """x0 (1, C, H, W) as (1, C, t H, t W), bicubic, in [0, 1]."""
    return F.interpolate(observation, scale_factor=factor, mode="bicubic").clamp(0, 1)


@torch.enable_grad()
def sharpened(guess: Tensor, energy: Energy, weight: float = 1e-7, steps: int = 600) -> Tensor:
    """argmin_x E(x) + weight TV(x) over pixels, from `guess` (1, C, t H, t W), by Adam (the TV
    prior of figure 9).
    """
    x = guess.clone().requires_grad_()
    both = weighted_sum((1, energy), (weight, total_variation))
    optimiser = torch.optim.Adam([x], lr=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        optimiser.zero_grad()
        both(x).backward()
        optimiser.step()
        schedule.step()
    return x.detach()
