"""Deep image prior: theta* = argmin_theta E(A(f_theta(z)); x0), x* = f_theta*(z), from one image
and nothing else.
"""

from . import classifiers, codes, energies, metrics, networks, operators, stopping
from .degradations import CorrelatedNoise
from .descent import Destabilised, Problem, Settings, Step, descend
from .errors import BadInput
from .fitting import Fit, fit
from .job import Result
from .restore import dejpeg, denoise, enhance, flash, inpaint, upscale
from .visualise import invert, maximise

__all__ = [
    "BadInput",
    "CorrelatedNoise",
    "Destabilised",
    "Fit",
    "Problem",
    "Result",
    "Settings",
    "Step",
    "classifiers",
    "codes",
    "dejpeg",
    "denoise",
    "descend",
    "energies",
    "enhance",
    "fit",
    "flash",
    "inpaint",
    "invert",
    "maximise",
    "metrics",
    "networks",
    "operators",
    "stopping",
    "upscale",
]
