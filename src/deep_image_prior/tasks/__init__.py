"""The task table: one row a file, an observation in, a Problem out, with the paper's settings of section 4.

Presets are `paper`, the published settings, and `quick`, a small network for a useful picture of 256 x 256 in about a
minute on two cores (three for large holes). What quick gives up: its code is the observation under Gaussian blurs, so
that grain coarser than a pixel can leak into the result, its network does a thirteenth of the arithmetic, and a few
hundred steps end before the finest texture is drawn.
"""

from . import dejpeg, denoise, enhance, flash, inpaint, upscale
from .preset import Preset

__all__ = ["Preset", "dejpeg", "denoise", "enhance", "flash", "inpaint", "upscale"]
