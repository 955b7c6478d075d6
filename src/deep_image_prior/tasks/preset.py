"""What the rows of the task table have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Generator, Tensor, nn

from ..descent import Problem, Settings
from ..energies import Energy
from ..networks import Hourglass


@dataclass(frozen=True)
class Preset:
    """A named choice of f, z and descent.

    network: (channels of z, channels of x) -> untrained f; code: (an image of x's size, a CPU generator) -> z.
    """

    network: Callable[[int, int], nn.Module]
    code: Callable[[Tensor, Generator], Tensor]
    settings: Settings

    def code_channels(self, seen: Tensor) -> int:
        """Channels of z for an image like `seen`, found on a corner of it."""
        return self.code(seen[..., :2, :2], torch.Generator()).shape[1]


def pose(energy: Energy, preset: Preset, seen: Tensor, channels: int) -> Problem:
    """min E over images x (1, channels, H, W), with the code made for (and perhaps from) `seen` (1, C, H, W)."""
    return Problem(
        network=partial(preset.network, preset.code_channels(seen), channels),
        code=partial(preset.code, seen),
        energy=energy,
    )


# a thirteenth of the multiplications of the paper's default architecture
small = partial(Hourglass, down=(16, 32, 64, 128, 128), up=(16, 32, 64, 128, 128))
