"""What happened to x0: models and, beside each, how it is measured from x0 alone."""

from torch import Tensor

from . import impulses, jpeg, noise
from .holes import Holes
from .impulses import Impulses, impulse_mask
from .jpeg import Compression
from .noise import Noise, estimate_noise

__all__ = [
    "Compression",
    "Degradation",
    "Holes",
    "Impulses",
    "Noise",
    "estimate_noise",
    "impulse_mask",
    "impulses",
    "jpeg",
    "noise",
    "recognise",
]


Degradation = Noise | Impulses | Holes | Compression


def recognise(observation: Tensor, clipped: bool = True) -> Noise | Impulses:
    """The noise of x0 (1, C, H, W) in [0, 1], of either kind, with its size.

    clipped: the observation was clipped to [0, 1] after the noise.
    """
    return impulses.detect(observation) or estimate_noise(observation, clipped)
