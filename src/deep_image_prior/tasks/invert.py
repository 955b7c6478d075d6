"""Invert features: z noise, A a layer of a classifier, E squared error between features (section
3.4, eq. 7-8).
"""

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from .. import codes
from ..classifiers import Classifier
from ..descent import Problem, Settings
from ..energies import relative_error
from ..features import Features
from ..networks import Hourglass, nearest
from ..objectives import Observed, Preset, Residual
from .preset import small

WIDTHS = (16, 32, 64, 128, 128, 128)
# for classifiers; section 4 lists five skips for the six scales
SIX_SCALES = partial(Hourglass, down=WIDTHS, up=WIDTHS, padding="zeros")

PRESETS = {
    "fast": Preset(
        small,
        Residual(codes.noise),
        Settings(steps=800, learning_rate=0.006, jitter=0, averaging=0.9),
    ),
    # section 4 lists no jitter here
    "paper": Preset(
        partial(
            SIX_SCALES,
            skip=(4,) * 6,
            down_kernel=(7, 7, 5, 5, 3, 3),
            up_kernel=(7, 7, 5, 5, 3, 3),
            upsample=nearest,
        ),
        Residual(codes.noise),
        Settings(steps=3100, learning_rate=0.001, jitter=0),
    ),
}


VGG_STEPS = 10_000  # of `paper`, for figure 15


def presets(classifier: Classifier) -> dict[str, Preset]:
    """The presets for `classifier`."""
    paper = PRESETS["paper"]
    if classifier.name.startswith("vgg"):
        paper = replace(paper, settings=replace(paper.settings, steps=VGG_STEPS))
    return {**PRESETS, "paper": paper}


def invert(observation: Tensor, operator: Features, preset: Preset) -> Problem:
    """An image with the features of x0 (1, 3, S, S) in [0, 1]; they are computed once."""
    with torch.no_grad():
        features = operator(observation)
    return preset.problem(Observed(observation, relative_error(features, operator)))
