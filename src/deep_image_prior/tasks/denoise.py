"""Denoise: z noise, A identity, E squared error, stopped before the noise is fitted (section 3.1,
eq. 3-4).

Or z estimates of the image and E Stein's, which needs no stop.
"""

from dataclasses import replace
from functools import partial

from torch import Tensor

from .. import codes
from ..descent import Problem, Settings
from ..energies import absolute_error, squared_error
from ..networks import Hourglass, Refiner
from ..noise import Noise, impulses, recognised
from ..operators import identity
from ..stopping import discrepancy
from .heldout import HeldOut
from .preset import Preset, gently, pose
from .probed import Probed
from .referee import refereed

PRESETS = {
    "fast": Preset(Refiner, None, gently(steps=160)),
    "best": Preset(Refiner, None, gently(steps=600), estimates=5, probes=2),
    "paper": Preset(Hourglass, codes.noise, Settings(steps=1800)),
}


def denoise(observation: Tensor, preset: Preset, noise: Noise | None = None) -> Problem:
    """x0 (1, C, H, W) in [0, 1] without its noise, which is found out if it is not told.

    Impulses say nothing of x: to a code of estimates they are holes, and without one E is the
    absolute error.
    """
    noise = noise or recognised(observation)
    if preset.code is None:
        return _estimated(observation, preset, noise)
    error = absolute_error if noise.impulses else squared_error
    problem = pose(error(observation, identity), preset, observation, observation.shape[1])
    fast = PRESETS["fast"]
    other = _estimated(observation, fast, noise)
    if noise.impulses or noise.gain:
        return refereed(problem, other, fast)
    return refereed(
        problem, other, fast, discrepancy=partial(discrepancy, noise.sigma, noise.clipped)
    )


def _estimated(observation: Tensor, preset: Preset, noise: Noise) -> Problem:
    if not noise.impulses:
        return Probed(observation, noise, preset).problem()
    held = HeldOut(observation, 1 - impulses(observation), preset, scattered=True)
    # the values that are no impulses have no noise
    return replace(held.problem(), finish=held.kept)
