"""Images made of x0 without a network, for codes."""

from .collaborative import collaborative
from .covariance import Covariance, Sampled, White
from .dct import dct_denoise
from .detail import boosted, coarse
from .fill import dct_inpaint, halve_known, pyramid_fill
from .groups import FAR, NEAR, TILE_GRID
from .guided_filter import guided_filter, windowed
from .nonlocal_bayes import OF_BESIDE, nonlocal_bayes
from .patch_fill import consensus_fill, patch_fill
from .plug_and_play import in_turns, least, plug_and_play, smooth_guess, with_momentum
from .pyramid import denoise_scales, with_long_waves
from .ridge import nonlocal_ridge
from .tv import tv_least_squares

__all__ = [
    "FAR",
    "NEAR",
    "OF_BESIDE",
    "TILE_GRID",
    "Covariance",
    "Sampled",
    "White",
    "boosted",
    "coarse",
    "collaborative",
    "consensus_fill",
    "dct_denoise",
    "dct_inpaint",
    "denoise_scales",
    "guided_filter",
    "halve_known",
    "in_turns",
    "least",
    "nonlocal_bayes",
    "nonlocal_ridge",
    "patch_fill",
    "plug_and_play",
    "pyramid_fill",
    "smooth_guess",
    "tv_least_squares",
    "windowed",
    "with_long_waves",
    "with_momentum",
]
