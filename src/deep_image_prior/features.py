"""A: a named layer Phi of a classifier (sections 3.4 and 3.5)."""

from typing import Any

import torch
from torch import Tensor, nn

from .classifiers import Classifier
from .errors import BadInput, exhausted, said


class Features:
    """A(x) = Phi(x), x (B, 3, S, S) in [0, 1] -> what a layer makes of it, (B, ...); nothing behind
    it is run.

    x may be gray, (B, 1, S, S). layer: by its name, or None for the outputs, before softmax. Raises
    BadInput, here if there is no such layer, and on images if it fails, is not reached, gives no
    tensor, or is not differentiable.
    """

    def __init__(self, classifier: Classifier, layer: str | None = None) -> None:
        self.classifier = classifier
        self.module = classifier.network if layer is None else classifier.module(layer)
        self.what = f"{classifier.name}, {layer or 'its outputs'}"

    def __call__(self, image: Tensor) -> Tensor:
        features = self._run(self.classifier.normalised(image))
        if not isinstance(features, Tensor):
            kind = type(features).__name__
            raise BadInput(
                f"{self.what}: a {kind}, not a tensor; choose a layer before it, or wrap the "
                "network"
            )
        if torch.is_grad_enabled() and image.requires_grad and not features.requires_grad:
            raise BadInput(
                f"{self.what}: not differentiable; choose a layer before the one that is not"
            )
        return features

    def dry_run(self) -> Tensor:
        """Phi of a black image, which raises BadInput if the layer will not do."""
        return self(self.classifier.black().requires_grad_()).detach()

    def _run(self, image: Tensor) -> Any:
        handle = self.module.register_forward_hook(_reached)
        try:
            _forward(self.classifier, image, self.what)
        except _Reached as reached:
            return reached.features
        finally:
            handle.remove()
        raise BadInput(f"{self.what}: not used when the network is run; choose another layer")


class _Reached(BaseException):  # a network may catch every Exception
    def __init__(self, features: Any) -> None:
        self.features = features


def _reached(module: nn.Module, inputs: Any, features: Any) -> None:
    raise _Reached(features)


def _forward(classifier: Classifier, image: Tensor, what: str) -> None:
    try:
        classifier.network(image)
    except Exception as error:  # it may be anybody's
        if exhausted(error):
            raise
        form = f"{' x '.join(map(str, image.shape[1:]))}, {str(image.dtype).removeprefix('torch.')}"
        raise BadInput(
            f"{what}: fails on an image of {form} ({said(error)}); give the size it takes, or "
            "wrap it to take this"
        ) from None


@torch.no_grad()
def shapes(classifier: Classifier) -> dict[str, tuple[int, ...]]:
    """The shape, without the batch, of what every layer gives, in the order in which they are done.

    Raises BadInput if the network does not take an image of its size.
    """
    found: dict[str, tuple[int, ...]] = {}

    def note(name: str, features: Any) -> None:
        if isinstance(features, Tensor):
            found.setdefault(name, tuple(features.shape[1:]))

    handles = [
        module.register_forward_hook(lambda _, __, features, name=name: note(name, features))
        for name, module in classifier.network.named_modules()
        if name
    ]
    try:
        _forward(classifier, classifier.normalised(classifier.black()), classifier.name)
    finally:
        for handle in handles:
            handle.remove()
    return found
