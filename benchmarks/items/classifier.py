"""Sections 3.4 and 3.5: features inverted (figures 14 and 15) and activations maximised (figures 16
and 17).
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from deep_image_prior import descent, images, tasks
from deep_image_prior.features import Features
from deep_image_prior.objectives import Preset

from .. import data, judges
from ..methods import Contender, Effort, Outcome, pixels, prior
from ..problems import Problem
from .item import Item

PACE = {"fast": 1.5, "best": 1.5, "paper": 2.5}  # seconds a step and megapixel on two cores
LAYERS = ("_blocks.2", "_blocks.6", "_blocks.10")
PHOTOS = {"monkey": ("demo", "monkey"), "building": ("demo", "building")}
LABELS = ("goldfish", "volcano", "strawberry", "castle")
ABOUT = (
    "The classifier is EfficientNet-Lite0, 224 x 224 pixels, whose weights come with a "
    "package; the paper's AlexNet "
    "and VGG have to be downloaded, and were not. "
)


def _side(crop: int) -> int:
    size = judges.own().size
    return min(size, crop or size)


def _photo(folder: Path, picture: str, crop: int) -> Problem:
    """A whole picture resized to what the classifier takes, or to the crop if that is less, and the
    layer to invert.
    """
    name, _, layer = picture.partition("-")
    whole = prior.tensor(data.load(folder, *PHOTOS[name]), torch.device("cpu"))
    shown = prior.pixels(images.centre_square(whole, _side(crop), name))
    return Problem(picture, shown, shown, layer=layer)


def _invert(problem: Problem, preset: Preset, device: torch.device) -> descent.Problem:
    operator = Features(judges.own(), problem.layer)
    assert problem.layer
    task = tasks.Invert(judges.own(), problem.layer)
    return task.build(prior.tensor(problem.observation, device), operator, preset)


def _tasked(pose: prior.Pose, presets: Mapping[str, Preset]) -> dict[str, Contender]:
    """The averaged image of every preset, as a user gets it."""

    def averaged(contender: Contender) -> Contender:
        def method(problem: Problem, effort: Effort) -> Outcome:
            outcome = contender.method(problem, effort)
            return replace(outcome, images={"": outcome.images["average"]})

        return replace(contender, method=method)

    return {
        name: averaged(contender) for name, contender in prior.tasked(pose, presets, PACE).items()
    }


inversion = Item(
    name="inversion",
    shows="Layers of a classifier inverted: ours, total variation with shifts, and no prior "
    "(figures 14 and 15)",
    protocol=ABOUT
    + "Feature error: |Phi(x) - Phi(x0)|^2 / |Phi(x0)|^2, there and at a layer as deep in "
    "EfficientNet-Lite1 (240 x 240, trained apart), which had no part in it; RGB PSNR to x0, "
    "the whole picture "
    "resized. Total variation and no prior are Adam over pixels kept in [0, 1], 3400 steps, at "
    "least as many as `fast` "
    "has time for; shifts of up to 4 pixels each way (Mahendran and Vedaldi 2016); the weight "
    "of 1 was chosen on "
    "the building at `_blocks.10`, `fast` on the building. The paper gives pictures only.",
    pictures={f"{name}-{layer}": file for name, file in PHOTOS.items() for layer in LAYERS},
    make=_photo,
    presets=_tasked(_invert, tasks.invert.presets()),
    baselines={
        "total variation, shifts": pixels.descended(weight=1, reach=4, steps=3400),
        "total variation": pixels.descended(weight=1, reach=0, steps=3400),
        "no prior": pixels.descended(weight=0, reach=0, steps=3400),
    },
    metrics=("feature error", "feature error, other network", "PSNR", "SSIM"),
)


def _label(folder: Path, picture: str, crop: int) -> Problem:
    size = _side(crop)
    return Problem(picture, np.zeros((size, size, 3)), label=picture)


def _maximise(problem: Problem, preset: Preset, device: torch.device) -> descent.Problem:
    black = prior.tensor(problem.observation, device)
    unit = judges.own().unit(problem.label)
    task = tasks.Maximise(judges.own(), unit)
    return task.build(black, Features(judges.own()), unit, preset)


maximisation = Item(
    name="maximisation",
    shows="Classes drawn by a classifier: ours, total variation with shifts, and no prior "
    "(figures 16 and 17)",
    protocol=ABOUT
    + "Probability of the class under it, and under EfficientNet-Lite1 (240 x 240, trained apart), "
    "which had no part in it: an image that only fools one network is not natural. Total "
    "variation and no prior are "
    "Adam over pixels kept in [0, 1], 1300 steps, as many as `fast` has time for; shifts of up "
    "to 16 pixels each way; "
    "the weight of 10 was chosen on the goldfish, the rate of `fast` on the castle and the "
    "strawberry.",
    pictures=dict.fromkeys(LABELS, ("demo", "monkey")),
    make=_label,
    presets=_tasked(_maximise, tasks.maximise.presets()),
    baselines={
        "total variation, shifts": pixels.descended(weight=10, reach=16, steps=1300),
        "total variation": pixels.descended(weight=10, reach=0, steps=1300),
        "no prior": pixels.descended(weight=0, reach=0, steps=1300),
    },
    metrics=("probability, other network", "probability"),
)
