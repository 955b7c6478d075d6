"""A: operators from an image (1, C, H, W) to what was observed of it. Any differentiable callable
will do; `linear` makes one of an operator of another package.
"""

from .elementary import Blur, Downsample, Mask, identity
from .linear import Linear, differentiable, linear, planes_of

__all__ = [
    "Blur",
    "Downsample",
    "Linear",
    "Mask",
    "differentiable",
    "identity",
    "linear",
    "planes_of",
]
