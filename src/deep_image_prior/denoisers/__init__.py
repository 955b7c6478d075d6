"""Images made of x0 without a network, for codes."""

from .covariance import Covariance, Sampled, White
from .dct import dct_denoise
from .fill import dct_inpaint, pyramid_fill
from .nonlocal_bayes import nonlocal_bayes
from .plug_and_play import least, plug_and_play, smooth_guess
from .pyramid import GRID, denoise_scales, with_long_waves
from .tv import tv_least_squares

__all__ = [
    "GRID",
    "Covariance",
    "Sampled",
    "White",
    "dct_denoise",
    "dct_inpaint",
    "denoise_scales",
    "least",
    "nonlocal_bayes",
    "plug_and_play",
    "pyramid_fill",
    "smooth_guess",
    "tv_least_squares",
    "with_long_waves",
]
