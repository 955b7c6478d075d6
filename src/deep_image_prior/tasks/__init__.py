"""The tasks, a file each; functions.py has the table.

Presets are `paper`, the published settings of section 4; `fast`, the default; and `best`, slower
and better. Theirs is a code made of the observation, which leaves little to draw (objectives/):
estimates of the image and Stein's energy where there is white noise, fills of the holes and the
error on pixels held out, estimates and the error where the same damage is done once more for JPEG,
the estimates of a smaller picture for enlargement. What `fast` makes tells `paper` when to stop.
"""

from .deblur import Deblur
from .dejpeg import Dejpeg
from .denoise import Denoise
from .enhance import Enhance
from .flash import Flash
from .inpaint import Inpaint
from .invert import Invert
from .maximise import Maximise
from .solve import Solve
from .task import Damage, Finished, Restoration, Task, Visualisation
from .upscale import Upscale

__all__ = [
    "Damage",
    "Deblur",
    "Dejpeg",
    "Denoise",
    "Enhance",
    "Finished",
    "Flash",
    "Inpaint",
    "Invert",
    "Maximise",
    "Restoration",
    "Solve",
    "Task",
    "Upscale",
    "Visualisation",
]
