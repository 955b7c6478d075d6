"""What happened to x0: models and, beside each, how it is measured from x0 alone."""

from torch import Tensor

from ..images import thinned
from . import impulses, jpeg, kernels, noise, stripes
from .blur import Blurring
from .correlated import CorrelatedNoise
from .correlated_estimate import estimate_correlated, is_white
from .downsampling import Downsampling
from .holes import Holes, marked, unmarked
from .impulses import Impulses, impulse_mask
from .jpeg import Compression
from .noise import Noise, estimate_noise
from .stripes import Stripes

__all__ = [
    "SMALLEST",
    "AnyNoise",
    "Blurring",
    "Compression",
    "CorrelatedNoise",
    "Degradation",
    "Downsampling",
    "Holes",
    "Impulses",
    "Noise",
    "Stripes",
    "estimate_correlated",
    "estimate_noise",
    "impulse_mask",
    "impulses",
    "is_white",
    "jpeg",
    "kernels",
    "marked",
    "noise",
    "recognise",
    "stripes",
    "unmarked",
]


AnyNoise = Noise | CorrelatedNoise | Impulses
Degradation = AnyNoise | Holes | Compression | Downsampling | Blurring

DRAWN = 0.05 / 255  # deviation: less fine noise than this is in drawings only, not in photographs
# of the variance of all waves, what the finest of white noise have at the most: measured up to 1.3
# with white noise of sigma 5 to 50, from 2.1 in pictures without noise
FINER = 1.7
SMALLEST = 64  # pixels a side of an image that is large enough to tell correlated noise in


def recognise(observation: Tensor, clipped: bool = True) -> AnyNoise:
    """The noise of x0 (1, C, H, W) in [0, 1], of any kind, with its size.

    clipped: the observation was clipped to [0, 1] after the noise.
    """
    if found := impulses.detect(observation):
        return found
    white = estimate_noise(observation, clipped)
    drawn = white.sigma < DRAWN and not white.gain
    if drawn or min(observation.shape[-2:]) < SMALLEST:
        return white
    compressed = jpeg.is_compressed(observation)
    noise = estimate_correlated(observation, compressed)
    some = thinned(observation)
    coarse, fine = (each.variance(some).mean() for each in (noise, white))
    return white if is_white(noise, compressed) and fine < FINER * coarse else noise
