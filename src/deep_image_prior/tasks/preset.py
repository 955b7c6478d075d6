"""What the rows of the task table have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Generator, Tensor, nn

from ..descent import Problem, Settings
from ..energies import Energy
from ..networks import Hourglass

# of probes and parts: were it one that people make their noise and masks with, the two could be the
# same numbers
OWN_SEED = 5_772_156_649


@dataclass(frozen=True)
class Preset:
    """A named choice of f, z and descent.

    network: (channels of z, channels of x) -> untrained f; code: (an image of x's size, a CPU
    generator) -> z, or None for a code of estimates, which the task makes of the observation and of
    what it knows of its damage. estimates: how many of those that the task knows; probes: how many
    draws of noise show what a code of estimates makes of it.
    """

    network: Callable[[int, int], nn.Module]
    code: Callable[[Tensor, Generator], Tensor] | None
    settings: Settings
    estimates: int = 3
    probes: int = 1


def pose(energy: Energy, preset: Preset, seen: Tensor, channels: int) -> Problem:
    """min E over images x (1, channels, H, W), with the code made for (and perhaps from) `seen` (1,
    C, H, W).
    """
    assert preset.code is not None
    inputs = preset.code(seen[..., :2, :2], torch.Generator()).shape[1]
    shape = (1, inputs, *seen.shape[-2:])
    return Problem(
        partial(preset.network, inputs, channels), partial(preset.code, seen), energy, shape
    )


# small steps of weights that are nearly right at first
gently = partial(Settings, learning_rate=0.002, jitter=0, turns=8, shifts=4, averaging=0.98)
# a thirteenth of the multiplications of the paper's default architecture
small = partial(Hourglass, down=(16, 32, 64, 128, 128), up=(16, 32, 64, 128, 128))
