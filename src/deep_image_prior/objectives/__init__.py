"""z and E for when the truth is unknown, each beside the rule that guards it."""

from . import estimates
from .across_scales import AcrossScales
from .estimated import Estimated
from .exemplars import Exemplars, ExemplarsAndPrior
from .guided import Guided
from .holdout import PARTS, Holdout
from .objective import Objective, Observed, Preset
from .plug_and_play import PlugAndPlay
from .reblurring import Reblurring
from .recorruption import Recorruption
from .reference import ReferenceStopped
from .residual import Residual
from .sure import Sure
from .validation import Validated

__all__ = [
    "PARTS",
    "AcrossScales",
    "Estimated",
    "Exemplars",
    "ExemplarsAndPrior",
    "Guided",
    "Holdout",
    "Objective",
    "Observed",
    "PlugAndPlay",
    "Preset",
    "Reblurring",
    "Recorruption",
    "ReferenceStopped",
    "Residual",
    "Sure",
    "Validated",
    "estimates",
]
