"""The task table: one row a file, an observation in, a Problem out.

Presets are `paper`, the published settings of section 4; `fast`, the default; and `best`, slower
and better. Theirs is a code made of the observation, which leaves little to draw (objectives/):
estimates of the image and Stein's energy where there is white noise, fills of the holes and the
error on pixels held out, estimates and the error where the same damage is done once more for JPEG,
the image of least total variation where there is an operator to undo. What `fast` makes tells
`paper` when to stop.
"""

from ..objectives import Preset
from . import deblur, dejpeg, denoise, enhance, flash, inpaint, invert, maximise, upscale

__all__ = [
    "Preset",
    "deblur",
    "dejpeg",
    "denoise",
    "enhance",
    "flash",
    "inpaint",
    "invert",
    "maximise",
    "upscale",
]
