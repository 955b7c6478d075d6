from . import (
    classifiers,
    codes,
    degradations,
    energies,
    metrics,
    networks,
    objectives,
    operators,
    stopping,
    tasks,
)
from .degradations import CorrelatedNoise
from .descent import Problem, descend
from .errors import BadInput, Destabilised
from .fitting import Fit, fit
from .functions import (
    deblur,
    dejpeg,
    denoise,
    enhance,
    flash,
    inpaint,
    invert,
    maximise,
    solve,
    upscale,
)
from .objectives import Preset
from .restoration import Result, restore
from .settings import Settings
from .step import Rule, Step, Stop

__all__ = [
    "BadInput",
    "CorrelatedNoise",
    "Destabilised",
    "Fit",
    "Preset",
    "Problem",
    "Result",
    "Rule",
    "Settings",
    "Step",
    "Stop",
    "classifiers",
    "codes",
    "deblur",
    "degradations",
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
    "objectives",
    "operators",
    "restore",
    "solve",
    "stopping",
    "tasks",
    "upscale",
]
