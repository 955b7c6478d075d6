"""What the presets of the tasks have in common."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ..settings import Settings

if TYPE_CHECKING:
    from torch import nn

# small steps of weights that are nearly right at first
gently = partial(Settings, learning_rate=0.002, jitter=0, turns=8, shifts=4, averaging=0.98)
# the network begins as what is wanted: the less a step sees the better
once = Settings(steps=1, jitter=0, window=64)


def small(inputs: int, outputs: int) -> nn.Module:
    """A thirteenth of the multiplications of the paper's default architecture."""
    from ..networks import Hourglass

    widths = (16, 32, 64, 128, 128)
    return Hourglass(inputs, outputs, down=widths, up=widths)
