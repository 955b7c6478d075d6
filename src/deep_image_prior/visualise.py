"""Look inside a classifier (classifiers.py): what a layer knows of an image, and what a unit wants
to see.

Options are those of restore.py but for sigma and stop: all steps are done. Both return a `Result`
and raise BadInput.
"""

import math
from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import images, tasks
from .classifiers import Classifier
from .energies import activation, relative_error
from .errors import BadInput, exhausted, said
from .features import Features
from .images import EIGHT_BITS, Pixels
from .job import Job, Result
from .metrics import psnr

UNSUPPORTED = ("sigma", "stop")


def invert(image: Pixels, classifier: Classifier, layer: str, **options: Any) -> Result:
    """An image with the features of x0 at `layer`: what of x0 the classifier still knows there
    (section 3.4).

    x0, Result.parts["shown"], is the centre square of `image`, resized to what the classifier
    takes, (S, S) or with channels; gray stays gray. Result.measures: `feature_error`, |Phi(x) -
    Phi(x0)|^2 / |Phi(x0)|^2 of the image returned, and its `psnr` to x0.
    """
    _check(classifier)
    job = Job(tasks.invert.presets(classifier), options, UNSUPPORTED)
    whole, scale = job.read(image, "image")
    if whole.shape[1] not in (1, 3):
        raise BadInput(
            f"image has {whole.shape[1]} channels; a classifier takes colours, 3, or gray, 1"
        )
    shown = images.centre_square(whole, classifier.size, "image")
    operator = _on(job, classifier, layer)
    features = _seen(operator, shown)
    if not features.any():
        raise BadInput(
            f"{operator.what}: 0 everywhere for this image, which nothing can be told from"
        )
    result = job.result(
        job.fit(tasks.invert.invert(shown, operator, job.preset), scale), scale, {"shown": shown}
    )
    kept = images.to_tensor(result.image, job.options.channel_axis, scale, job.device)
    error = relative_error(features, operator)
    with torch.no_grad():
        measures = {
            "feature_error": error(kept).item(),
            "psnr": psnr(_array(shown), _array(kept), peak=1),
        }
    return replace(result, measures=measures)


def maximise(
    classifier: Classifier, unit: int | str, layer: str | None = None, **options: Any
) -> Result:
    """An image (S, S, 3), uint8, that excites one unit most: what the classifier takes for it
    (section 3.5).

    unit: an output or map of `layer` (without one: of the outputs before softmax), by number or by
    the label of its class. Of a map it is the pixel in the middle. Result.measures: its
    `activation` and, of outputs, its `probability`, both of the image returned.
    """
    _check(classifier)
    job = Job(tasks.maximise.PRESETS, {"channel_axis": -1, **options}, UNSUPPORTED)
    axis = job.options.channel_axis
    images.check_axis(np.empty((2, 2, 3)), axis, "the image made")
    operator = _on(job, classifier, layer)
    black = classifier.black()
    features = _seen(operator, black)
    number = numbered(operator, unit, features)
    if layer is None and features[0].numel() > 1 and _probabilities(features):
        raise BadInput(
            f"{operator.what}: probabilities; give the network without its softmax, or the "
            "layer before it"
        )
    done = job.fit(tasks.maximise.maximise(black, operator, number, job.preset), EIGHT_BITS)
    result = job.result(done, EIGHT_BITS)
    kept = images.to_tensor(result.image, axis, EIGHT_BITS, job.device)
    with torch.no_grad():
        measures = {"activation": -activation(operator, number)(kept).item()}
    if layer is None:
        with torch.no_grad():
            measures["probability"] = operator(kept).softmax(1)[0, number].item()
    return replace(result, measures=measures)


def _array(image: Tensor) -> Pixels:
    return image.cpu().numpy()


def _check(classifier: Classifier) -> None:
    if not isinstance(classifier, Classifier):
        kind = type(classifier).__name__
        raise BadInput(
            f"classifier is a {kind}; give a classifiers.Classifier, such as classifiers.load makes"
        )


def _on(job: Job, classifier: Classifier, layer: str | None) -> Features:
    try:
        classifier.network.to(job.device)
    except Exception as error:  # it may be anybody's
        if exhausted(error):
            raise
        raise BadInput(
            f"{classifier.name} cannot be moved to {job.device} ({said(error)})"
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
