"""What the presets of the rows have in common."""

from functools import partial

from ..descent import Settings
from ..networks import Hourglass

# small steps of weights that are nearly right at first
gently = partial(Settings, learning_rate=0.002, jitter=0, turns=8, shifts=4, averaging=0.98)
# a thirteenth of the multiplications of the paper's default architecture
small = partial(Hourglass, down=(16, 32, 64, 128, 128), up=(16, 32, 64, 128, 128))
