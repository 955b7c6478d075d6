"""Pictures of the inside of a classifier (classifiers.py): what a layer knows of an image, and what
a unit wants to see.
"""

import math
from numbers import Integral

import numpy as np
import torch
from torch import Tensor

from . import images
from .call import Call
from .classifiers import Classifier
from .device import in_single_precision
from .energies import activation, relative_error
from .errors import BadInput, exhausted, said
from .features import Features
from .fitting import Fit
from .images import EIGHT_BITS, Pixels, Scale
from .metrics import psnr
from .objectives import Preset
from .restoration import Result
from .tasks import Invert, Maximise, Visualisation


def invert(task: Invert, image: Pixels) -> Result:
    """The picture of `task`. Raises BadInput."""
    with in_single_precision():
        call = _call(task)
        whole, scale = call.read(image)
        if whole.shape[1] not in (1, 3):
            raise BadInput(
                f"image has {whole.shape[1]} channels; a classifier takes colours, 3, or gray, 1"
            )
        shown = images.centre_square(whole, task.classifier.size, "image")
        operator = _on(call, task.classifier, task.layer)
        features = _seen(operator, shown)
        if not features.any():
            raise BadInput(
                f"{operator.what}: 0 everywhere for this image, which nothing can be told from"
            )
        preset = call.preset(task.presets())
        problem = task.build(shown, operator, preset)
        done = call.fit(problem, preset, call.rule(preset))
        kept = _kept(call, done, scale)
        with torch.no_grad():
            error = relative_error(features, operator)(kept).item()
        measures = {"feature_error": error, "psnr": psnr(_array(shown), _array(kept), peak=1)}
        return _result(call, done, scale, preset, measures, {"shown": call.back(shown, scale)})


def maximise(task: Maximise) -> Result:
    """The picture of `task`. Raises BadInput."""
    with in_single_precision():
        call = _call(task)
        images.check_axis(np.empty((2, 2, 3)), task.channel_axis, "the image made")
        operator = _on(call, task.classifier, task.layer)
        black = task.classifier.black()
        features = _seen(operator, black)
        unit = numbered(operator, task.unit, features)
        if task.layer is None and features[0].numel() > 1 and _probabilities(features):
            raise BadInput(
                f"{operator.what}: probabilities; give the network without its softmax, or the "
                "layer before it"
            )
        preset = call.preset(task.presets())
        problem = task.build(black, operator, unit, preset)
        done = call.fit(problem, preset, call.rule(preset))
        kept = _kept(call, done, EIGHT_BITS)
        with torch.no_grad():
            measures = {"activation": -activation(operator, unit)(kept).item()}
            if task.layer is None:
                measures["probability"] = operator(kept).softmax(1)[0, unit].item()
        return _result(call, done, EIGHT_BITS, preset, measures)


def _call(task: Visualisation) -> Call:
    if not isinstance(task.classifier, Classifier):
        kind = type(task.classifier).__name__
        raise BadInput(
            f"classifier is a {kind}; give a classifiers.Classifier, such as classifiers.load makes"
        )
    return Call(task)


def _kept(call: Call, done: Fit, scale: Scale) -> Tensor:
    """The image as it is returned, rounded as its numbers are."""
    returned = call.back(done.image, scale)
    return images.to_tensor(returned, call.task.channel_axis, scale, call.device)


def _result(
    call: Call,
    done: Fit,
    scale: Scale,
    preset: Preset,
    measures: dict[str, float],
    parts: dict[str, Pixels] = {},
) -> Result:
    return Result(
        image=call.back(done.image, scale),
        runs=done.runs,
        seconds=done.seconds,
        settings=preset.settings,
        device=str(call.device),
        parts=parts,
        measures=measures,
    )


def _array(image: Tensor) -> Pixels:
    return image.cpu().numpy()


def _on(call: Call, classifier: Classifier, layer: str | None) -> Features:
    try:
        classifier.network.to(call.device)
    except Exception as error:  # it may be anybody's
        if exhausted(error):
            raise
        raise BadInput(
            f"{classifier.name} cannot be moved to {call.device} ({said(error)})"
        ) from None
    return Features(classifier, layer)


def _seen(operator: Features, image: Tensor) -> Tensor:
    """Phi(x). Raises BadInput if it has no gradient, is not finite, or the network does not take
    such an image.
    """
    features = operator(image.clone().requires_grad_()).detach()
    if not features.isfinite().all():
        raise BadInput(
            f"{operator.what}: not finite; are the weights, mean and std those of this network?"
        )
    return features


def _probabilities(features: Tensor) -> bool:
    return bool((features >= 0).all()) and math.isclose(features.sum().item(), 1, abs_tol=1e-3)


def numbered(operator: Features, unit: int | str, features: Tensor) -> int:
    """The number of `unit` among `features` (1, N) or (1, N, H, W), of which only the shape
    counts.
    """
    if features.ndim not in (2, 4):
        raise BadInput(
            f"{operator.what}: of shape {tuple(features.shape[1:])}; units are of vectors and "
            "of maps"
        )
    classifier, count = operator.classifier, features.shape[1]
    if isinstance(unit, str):
        number = classifier.unit(unit)
        if features.shape[1:] != (len(classifier.classes),):
            names = len(classifier.classes)
            raise BadInput(
                f"{operator.what}: {count} units, but {names} names of classes; choose one by "
                "its number"
            )
        return number
    if isinstance(unit, bool) or not isinstance(unit, Integral) or not 0 <= unit < count:
        raise BadInput(f"{operator.what}: there is no unit {unit!r}; they are 0 to {count - 1}")
    return int(unit)
