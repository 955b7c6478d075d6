"""Images made of x0 without a network, for codes."""

from .dct import dct_denoise
from .fill import dct_inpaint, pyramid_fill
from .nonlocal_bayes import nonlocal_bayes
from .tv import tv_least_squares

__all__ = ["dct_denoise", "dct_inpaint", "nonlocal_bayes", "pyramid_fill", "tv_least_squares"]
