"""Denoise: z noise, A identity, E squared error, stopped before the noise is fitted (section 3.1,
eq. 3-4).

Or z estimates of the image and E Stein's, which needs no stop; where values are lost to impulses, E
the error on values held out.
"""

from collections.abc import Sequence
from functools import partial
from math import prod

from torch import Tensor

from .. import codes
from ..anywhere import LARGEST
from ..degradations import AnyNoise, CorrelatedNoise, Holes, Impulses, impulse_mask
from ..descent import Problem, Settings
from ..energies import absolute_error, squared_error
from ..networks import Hourglass, Refiner
from ..objectives import (
    Estimated,
    Guided,
    Holdout,
    Observed,
    Preset,
    ReferenceStopped,
    Residual,
    Sure,
    estimates,
)
from ..operators import identity
from .inpaint import in_parts
from .preset import gently, small


def _presets(fast: Preset, best: Preset) -> dict[str, Preset]:
    """With the published settings, which stop where their image is nearest to that of `fast`."""
    residual = ReferenceStopped(Residual(codes.noise), fast)
    return {"fast": fast, "best": best, "paper": Preset(Hourglass, residual, Settings(steps=1800))}


# a window tells less than the whole: smaller steps, and longer averages
in_windows = partial(gently, learning_rate=0.001, averaging=0.99)
PRESETS = _presets(
    fast=Preset(Refiner, Sure(), in_windows(steps=300, window=128)),
    best=Preset(Refiner, Sure(estimates=5, probes=2), in_windows(steps=600, window=256)),
)
IMPULSES = _presets(
    fast=Preset(Refiner, Holdout(), in_parts(steps=160)),
    best=Preset(Refiner, Holdout(), in_parts(steps=600)),
)
# the code shows the image: jitter keeps f from copying it
guided = partial(Settings, jitter=0.05, averaging=0.98)
CORRELATED = _presets(
    fast=Preset(small, Guided(estimates.of_correlated), guided(steps=300)),
    best=Preset(small, Guided(estimates.of_correlated, count=4), guided(steps=600, runs=2)),
)
# the network begins as what is wanted: the less a step sees the better
once = Settings(steps=1, jitter=0, window=64)
LARGE_CORRELATED = _presets(
    fast=Preset(Refiner, Estimated(estimates.of_correlated), once),
    best=Preset(Refiner, Estimated(estimates.of_correlated, count=4), once),
)


def presets(noise: AnyNoise, shape: Sequence[int]) -> dict[str, Preset]:
    """The choices for one kind of noise in a picture of `shape` (H, W)."""
    if isinstance(noise, Impulses):
        return IMPULSES
    if isinstance(noise, CorrelatedNoise):
        return LARGE_CORRELATED if prod(shape) > LARGEST else CORRELATED
    return PRESETS


def denoise(observation: Tensor, preset: Preset, noise: AnyNoise, panels: int = 1) -> Problem:
    """x0 (1, C, H, W) in [0, 1] without its noise.

    Impulses say nothing of x: where they are it has holes, and the residual is the absolute error.
    panels: pictures side by side in x0.
    """
    if not isinstance(noise, Impulses):
        energy = squared_error(observation, identity)
        return preset.problem(Observed(observation, energy, noise, panels=panels))
    holes = Holes(lambda x0: 1 - impulse_mask(x0), scattered=True, exact=True)
    energy = absolute_error(observation, identity)
    return preset.problem(Observed(observation, energy, holes, panels=panels))
