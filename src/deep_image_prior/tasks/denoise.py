"""Denoise: z noise, A identity, E squared error, stopped before the noise is fitted (section 3.1,
eq. 3-4).

Or z estimates of the image and E Stein's, which needs no stop; where values are lost to impulses, E
the error on values held out.
"""

from torch import Tensor

from .. import codes
from ..degradations import AnyNoise, CorrelatedNoise, Holes, Impulses, Noise, impulse_mask
from ..descent import Problem, Settings
from ..energies import absolute_error, squared_error
from ..networks import Hourglass, Refiner
from ..objectives import (
    Holdout,
    Observed,
    PerDegradation,
    Preset,
    ReferenceStopped,
    Residual,
    Sure,
    estimates,
)
from ..operators import identity
from .preset import gently

FAST = Preset(
    Refiner,
    PerDegradation(
        {
            Noise: Sure(estimates.of_white),
            CorrelatedNoise: Sure(estimates.of_correlated),
            Holes: Holdout(),
        }
    ),
    gently(steps=160),
)
PRESETS = {
    "fast": FAST,
    "best": Preset(
        Refiner,
        PerDegradation(
            {
                Noise: Sure(estimates.of_white, count=5, probes=2),
                CorrelatedNoise: Sure(estimates.of_correlated, count=4, probes=2),
                Holes: Holdout(),
            }
        ),
        gently(steps=600),
    ),
    "paper": Preset(Hourglass, ReferenceStopped(Residual(codes.noise), FAST), Settings(steps=1800)),
}


def denoise(observation: Tensor, preset: Preset, noise: AnyNoise) -> Problem:
    """x0 (1, C, H, W) in [0, 1] without its noise.

    Impulses say nothing of x: where they are it has holes, and the residual is the absolute error.
    """
    if not isinstance(noise, Impulses):
        return preset.problem(Observed(observation, squared_error(observation, identity), noise))
    holes = Holes(1 - impulse_mask(observation), scattered=True, exact=True)
    return preset.problem(Observed(observation, absolute_error(observation, identity), holes))
