"""Deblur: z noise, A convolution with a known kernel, E squared error; x is larger than x0 by what
the kernel reaches.

Or z estimates of x, E the error where the truth is a smaller x, blurred once more.
"""

from dataclasses import replace
from functools import partial

from torch import Tensor

from .. import codes
from ..degradations import Blurring, Noise
from ..descent import Problem, Settings
from ..energies import squared_error
from ..networks import Hourglass, Refiner
from ..objectives import Observed, Preset, Reblurring, Residual
from .preset import gently

MORE = tuple(sigma / 255 for sigma in (40, 33, 27, 22, 18, 15, 12, 9.8, 8, 6.5, 5.3, 4.4, 3.6, 3))
in_windows = partial(gently, learning_rate=0.001, window=128)
PRESETS = {
    "fast": Preset(Refiner, Reblurring(), in_windows(steps=120)),
    "best": Preset(Refiner, Reblurring(MORE), in_windows(steps=400, runs=2)),
    # not in the paper: its settings for an operator, those of its super-resolution
    "paper": Preset(Hourglass, Residual(codes.noise), Settings(steps=2000)),
}


def deblur(
    observation: Tensor, kernel: Tensor, noise: Noise, preset: Preset, panels: int = 1
) -> Problem:
    """x0 (1, C, H, W) in [0, 1], which `kernel` (h, w), of sum 1, made of x, without its blur.

    f of `paper` draws all of x, (1, C, H + h - 1, W + w - 1); restored is what x0 shows of it.
    panels: pictures side by side in x0.
    """
    damage = Blurring(kernel, noise)
    energy = squared_error(observation, damage.operator)
    guide = damage.extended(observation)
    problem = preset.problem(Observed(observation, energy, damage, guide, panels))
    if problem.whole:
        return problem
    return replace(problem, finish=damage.operator.inside)
