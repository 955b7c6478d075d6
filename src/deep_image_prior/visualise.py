"""Look inside a classifier (classifiers.py): what a layer knows of an image, and what a unit wants to see.

Options are those of restore.py but for sigma and stop: all steps are done. Both return a `Result` and raise BadInput.
"""

from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import images, tasks
from .classifiers import Classifier
from .energies import activation, relative_error
from .errors import BadInput
from .features import Features
from .images import EIGHT_BITS, Pixels
from .job import Job, Result
from .metrics import psnr

SENSELESS = ("sigma", "stop")


def invert(image: Pixels, classifier: Classifier, layer: str, **options: Any) -> Result:
    """An image with the features of x0 at `layer`: what of x0 the classifier still knows there (section 3.4).

    x0, Result.parts["shown"], is the centre square of `image`, resized to what the classifier takes, (S, S) or with
    channels; gray stays gray. Result.measures: `feature_error`, |Phi(x) - Phi(x0)|^2 / |Phi(x0)|^2 of the image
    returned, and its `psnr` to x0.
    """
    job = Job(tasks.invert.presets(classifier), options, SENSELESS)
    whole, scale = job.read(image, "image")
    if whole.shape[1] not in (1, 3):
        raise BadInput(f"image has {whole.shape[1]} channels; a classifier takes colours, 3, or gray, 1")
    shown = images.centre_square(whole, classifier.size, "image")
    operator = _on(job, classifier, layer)
    features = _seen(operator, shown)
    if not features.any():
        raise BadInput(f"{operator.what}: 0 everywhere for this image, which nothing can be told from")
    result = job.result(job.fit(tasks.invert.invert(shown, operator, job.preset), scale), scale, {"shown": shown})
    kept = images.to_tensor(result.image, job.options.channel_axis, scale, job.device)
    error = relative_error(features, operator)
    with torch.no_grad():
        measures = {"feature_error": error(kept).item(), "psnr": psnr(_array(shown), _array(kept), peak=1)}
    return replace(result, measures=measures)


def maximise(classifier: Classifier, unit: int | str, layer: str | None = None, **options: Any) -> Result:
    """An image (S, S, 3), uint8, that excites one unit most: what the classifier takes for it (section 3.5).

    unit: an output or map of `layer` (without one: of the outputs before softmax), by number or by the label of its
    class. Of a map it is the pixel in the middle. Result.measures: its `activation` and, of outputs, its
    `probability`, both of the image returned.
    """
    job = Job(tasks.maximise.PRESETS, {"channel_axis": -1, **options}, SENSELESS)
    axis = job.options.channel_axis
    images.check_axis(np.empty((2, 2, 3)), axis, "the image made")
    operator = _on(job, classifier, layer)
    black = classifier.black()
    number = _numbered(operator, unit, _seen(operator, black))
    done = job.fit(tasks.maximise.maximise(black, operator, number, job.preset), EIGHT_BITS)
    result = job.result(done, EIGHT_BITS)
    kept = images.to_tensor(result.image, axis, EIGHT_BITS, job.device)
    with torch.no_grad():
        measures = {"activation": -activation(operator, number)(kept).item()}
    if layer is None:
        measures["probability"] = _seen(operator, kept).softmax(1)[0, number].item()
    return replace(result, measures=measures)


def _array(image: Tensor) -> Pixels:
    return image.cpu().numpy()


def _on(job: Job, classifier: Classifier, layer: str | None) -> Features:
    classifier.network.to(job.device)
    return Features(classifier, layer)


def _seen(operator: Features, image: Tensor) -> Tensor:
    """Phi(x). Raises BadInput if it has no gradient, is not finite, or the network does not take such an image."""
    try:
        features = operator(image.clone().requires_grad_()).detach()
    except BadInput:
        raise
    except (RuntimeError, ValueError, IndexError, TypeError) as error:  # the network may be anybody's
        reason = " ".join(str(error).split())[:120]
        raise BadInput(f"{operator.what}: fails on {image.shape[-1]} x {image.shape[-2]} pixels ({reason})") from None
    if not features.isfinite().all():
        raise BadInput(f"{operator.what}: not finite; are the weights, mean and std those of this network?")
    return features


def _numbered(operator: Features, unit: int | str, features: Tensor) -> int:
    """The number of `unit` among `features` (1, N) or (1, N, H, W)."""
    if features.ndim not in (2, 4):
        raise BadInput(f"{operator.what}: of shape {tuple(features.shape[1:])}; units are of vectors and of maps")
    classifier, count = operator.classifier, features.shape[1]
    if isinstance(unit, str):
        number = classifier.unit(unit)
        if features.shape[1:] != (len(classifier.classes),):
            raise BadInput(f"{operator.what}: its {count} units are no classes; choose one by its number")
        return number
    if isinstance(unit, bool) or not isinstance(unit, Integral) or not 0 <= unit < count:
        raise BadInput(f"{operator.what}: there is no unit {unit!r}; they are 0 to {count - 1}")
    return int(unit)
