"""Super-resolve: z noise, A Lanczos2 downsampling by t, E squared error (section 3.2, eq. 5).

Or z estimates of x0 from A(x0), E the error on x0, and x what f draws of the same estimates of x.
"""

from torch import Tensor

from .. import codes
from ..degradations import Downsampling
from ..descent import Problem, Settings
from ..energies import squared_error
from ..networks import Hourglass, Refiner
from ..objectives import AcrossScales, Observed, Preset, Residual
from ..operators import Downsample
from .preset import gently

FACTORS = (2, 3, 4, 8)
MORE = tuple(sigma / 255 for sigma in (30, 25, 20, 16, 13, 10, 8, 6, 4, 3))  # rounds of `best`
REFINED = {
    "fast": Preset(Refiner, AcrossScales(), gently(steps=300, learning_rate=0.001, window=128)),
    "best": Preset(
        Refiner, AcrossScales(MORE), gently(steps=600, learning_rate=0.001, window=128, runs=2)
    ),
}


def presets(factor: int) -> dict[str, Preset]:
    """The choices for one factor: at x8 the paper jitters more and takes longer (section 4)."""
    large = factor == max(FACTORS)
    return {
        **REFINED,
        "paper": Preset(
            Hourglass,
            Residual(codes.noise),
            Settings(steps=4000, jitter=1 / 20) if large else Settings(steps=2000),
        ),
    }


def upscale(observation: Tensor, factor: int, preset: Preset, panels: int = 1) -> Problem:
    """x (1, C, t H, t W) whose Lanczos2 downsampling by the factor t is x0 (1, C, H, W) in [0, 1].

    panels: pictures side by side in x0.
    """
    damage = Downsampling(factor)
    energy = squared_error(observation, Downsample(factor))
    guide = damage.enlarge(observation)
    return preset.problem(Observed(observation, energy, damage, guide, panels))
