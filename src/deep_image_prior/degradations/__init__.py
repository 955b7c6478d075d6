"""What happened to x0: models and, beside each, how it is measured from x0 alone."""

from . import impulses, kernels, lossy_traces, noise, palette, stripes
from .blur import Blurring
from .correlated import CorrelatedNoise
from .correlated_estimate import estimate_correlated, is_white
from .downsampling import Downsampling
from .holes import DEEP, Holes, are_deep, are_scattered, marked, unmarked, wide_holes
from .impulses import Impulses, impulse_mask
from .jpeg import Compression
from .lossy import Lossy
from .measurement import Measurement, held_out
from .noise import Noise, estimate_noise
from .palette import Palette
from .recognition import AnyNoise, measure_noise, recognise
from .stripes import Stripes

__all__ = [
    "DEEP",
    "AnyNoise",
    "Blurring",
    "Compression",
    "CorrelatedNoise",
    "Degradation",
    "Downsampling",
    "Holes",
    "Impulses",
    "Lossy",
    "Measurement",
    "Noise",
    "Palette",
    "Stripes",
    "are_deep",
    "are_scattered",
    "estimate_correlated",
    "estimate_noise",
    "held_out",
    "impulse_mask",
    "impulses",
    "is_white",
    "kernels",
    "lossy_traces",
    "marked",
    "measure_noise",
    "noise",
    "palette",
    "recognise",
    "stripes",
    "unmarked",
    "wide_holes",
]


Degradation = (
    AnyNoise | Holes | Compression | Lossy | Palette | Downsampling | Measurement | Blurring
)
