"""Classifiers of images, torchvision's and the user's own: what they take, and the names they use.

The only user of torchvision, which is imported late. Everything here raises BadInput.
"""

import difflib
import importlib
import math
import pickle
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from .errors import BadInput, said

MEAN, STD = (
    (0.485, 0.456, 0.406),
    (0.229, 0.224, 0.225),
)  # of ImageNet's training images, red, green, blue
FIRST_FULL = 6  # the number of AlexNet's first fully connected layer
# weights that came from TensorFlow want their own normalisation; torchvision sees to it only where
# it loads them
PORTED = {
    name: {"transform_input": True, "init_weights": False} for name in ("googlenet", "inception_v3")
}
KINDS = {
    nn.Conv2d: "conv",
    nn.BatchNorm2d: "bn",
    nn.ReLU: "relu",
    nn.MaxPool2d: "pool",
    nn.Linear: "fc",
}


@dataclass(frozen=True)
class Classifier:
    """Phi: a network of (B, 3, size, size), what it wants subtracted and divided by, and names.

    It is frozen, and put in eval mode. Its outputs must be those before softmax. mean, std: of red,
    green and blue, white being 1. classes: names of the outputs. published: the paper's names of
    layers to the network's own.
    """

    name: str
    network: nn.Module
    size: int = 224
    mean: Sequence[float] = MEAN
    std: Sequence[float] = STD
    classes: Sequence[str] = ()
    published: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.network.eval().requires_grad_(False)

    def normalised(self, image: Tensor) -> Tensor:
        """(x - mean) / std of x (B, 3, H, W) in [0, 1]; of gray (B, 1, H, W) too, as three equal
        channels.
        """
        mean, std = (image.new_tensor(each)[:, None, None] for each in (self.mean, self.std))
        return (image - mean) / std

    def black(self) -> Tensor:
        """An image (1, 3, size, size) where the network is."""
        weight = next(self.network.parameters(), None)
        return torch.zeros(
            1, 3, self.size, self.size, device=None if weight is None else weight.device
        )

    def module(self, layer: str) -> nn.Module:
        """The module called `layer`, by the paper's name or by its path in the network."""
        modules = {path: module for path, module in self.network.named_modules() if path}
        path = self.published.get(layer, layer)
        if path not in modules:
            near = nearest(layer, [*self.published, *modules])
            raise BadInput(
                f"{self.name} has no layer {layer!r}; {near}, see: dip layers --model {self.name}"
            )
        return modules[path]

    def unit(self, label: str) -> int:
        """The output whose class is called `label`, or has it as one of its names."""
        found = [k for k, names in enumerate(self.classes) if _same(label, names)]
        found = found or [
            k
            for k, names in enumerate(self.classes)
            if any(_same(label, n) for n in names.split(","))
        ]
        if len(found) == 1:
            return found[0]
        if found:
            choices = ", ".join(f"{k} ({self.classes[k]})" for k in found)
            raise BadInput(
                f"{label!r} is the name of the outputs {choices}; choose one with --unit"
            )
        if not self.classes:
            raise BadInput(
                f"{self.name} has no names of classes; choose one with --unit, or give --classes"
            )
        raise BadInput(f"{self.name} has no class {label!r}; {nearest(label, self.classes)}")


def nearest(name: str, choices: Iterable[str]) -> str:
    """What to say of a name that is not among `choices`: those most like it."""
    choices = list(dict.fromkeys(choices))
    inside = [each for each in choices if name.lower() in each.lower()]
    near = list(
        dict.fromkeys([*inside[:4], *difflib.get_close_matches(name, choices, n=5, cutoff=0.4)])
    )[:5]
    if near:
        return f"nearest are {', '.join(near)}"
    return (
        f"there are {', '.join(choices[:5]) or 'none'}{' and others' if len(choices) > 5 else ''}"
    )


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def load(
    name: str,
    weights: str | Path | None = None,
    *,
    size: int | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    classes: Sequence[str] | None = None,
    trained: bool = True,
) -> Classifier:
    """The classifier `name`: one of torchvision's, or "package.module:factory", a callable without
    arguments.

    weights: a file of them, safetensors or a state dict; without it torchvision's own are
    downloaded once, and a factory's are those it brings. trained: False for a network of
    torchvision's with random weights. size, mean, std, classes: where they differ from what
    torchvision says or, for a factory, from ImageNet's.
    """
    known = _made(name) if ":" in name else _torchvision(name, trained and weights is None)
    if weights is not None:
        _fill(known.network, Path(weights))
    for what, values in (("mean", mean), ("std", std)):
        if values is not None and (
            len(values) != 3 or not all(math.isfinite(each) for each in values)
        ):
            raise BadInput(
                f"{what} is {', '.join(map(str, values))}, but must be three numbers: red, "
                "green, blue"
            )
    if std is not None and min(std) <= 0:
        raise BadInput(f"std is {', '.join(map(str, std))}, but must be above 0")
    if size is not None and size < 2:
        raise BadInput(f"size is {size}, but must be at least 2 pixels")
    given: dict[str, Any] = {"size": size, "mean": mean, "std": std, "classes": classes}
    return replace(known, **{key: value for key, value in given.items() if value is not None})


def _torchvision(name: str, trained: bool) -> Classifier:
    from torchvision import models

    names = models.list_models(module=models)
    if name not in names:
        raise BadInput(
            f"torchvision has no model {name!r}; {nearest(name, names)}, or give "
            "package.module:factory"
        )
    weights = models.get_model_weights(name).DEFAULT
    recipe = weights.transforms()
    network = (
        _downloaded(name, weights)
        if trained
        else models.get_model(name, weights=None, **PORTED.get(name, {}))
    )
    published = (
        _published(network, name != "alexnet") if name.startswith(("alexnet", "vgg")) else {}
    )
    return Classifier(
        name,
        network,
        size=recipe.crop_size[0],
        mean=tuple(recipe.mean),
        std=tuple(recipe.std),
        classes=tuple(weights.meta["categories"]),
        published=published,
    )


def _downloaded(name: str, weights: Any) -> nn.Module:
    from torchvision import models

    place = Path(torch.hub.get_dir(), "checkpoints", Path(weights.url).name)
    try:
        with redirect_stdout(sys.stderr):  # where torch says what it downloads
            return models.get_model(name, weights=weights, progress=False)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise BadInput(
            f"the weights of {name} could not be had ({said(error)}); get {weights.url}, put it "
            f"at {place}, whole, "
            "or give --weights"
        ) from None


def _published(network: nn.Module, grouped: bool) -> dict[str, str]:
    """The paper's names: conv1, relu1, pool1, ... or, in groups between poolings, conv1_1, ...;
    then fc6 to fc8.
    """
    names, group, within, full = {}, 1, 0, FIRST_FULL - 1
    for path, module in network.get_submodule("features").named_children():
        kind = KINDS[type(module)]
        within += kind == "conv"
        number = (f"{group}" if kind == "pool" else f"{group}_{within}") if grouped else f"{within}"
        names[f"{kind}{number}"] = f"features.{path}"
        if grouped and kind == "pool":
            group, within = group + 1, 0
    for path, module in network.get_submodule("classifier").named_children():
        full += isinstance(module, nn.Linear)
        if type(module) in KINDS:
            names[f"{KINDS[type(module)]}{full}"] = f"classifier.{path}"
    return names


def _made(name: str) -> Classifier:
    from torchvision import models

    module, _, factory = name.partition(":")
    sys.path.append(str(Path.cwd()))  # the command does not look there by itself
    try:
        network = attrgetter(factory)(importlib.import_module(module))()
    except (Exception, SystemExit) as error:  # it is the user's code
        raise BadInput(f"{name} could not be made: {said(error)}") from None
    finally:
        sys.path.pop()
    if not isinstance(network, nn.Module):
        raise BadInput(f"{name} gives a {type(network).__name__}; it must give a torch.nn.Module")
    return Classifier(
        name, network, classes=tuple(models.AlexNet_Weights.DEFAULT.meta["categories"])
    )


def _fill(network: nn.Module, path: Path) -> None:
    """Load the weights at `path`, every one of them, and no others."""
    given, own = _state(path), network.state_dict()
    # of batch normalisation, which older files lack and evaluation does not use
    counters = ".num_batches_tracked"
    for key in own:
        if key not in given and not key.endswith(counters):
            raise BadInput(f"{path} does not fit the network: it has no {key}")
        if key in given and given[key].shape != own[key].shape:
            found, wanted = (" x ".join(map(str, each[key].shape)) for each in (given, own))
            raise BadInput(f"{path} does not fit the network: {key} is {found}, not {wanted}")
    for key in given:
        if key not in own:
            raise BadInput(
                f"{path} does not fit the network: it has {key}, which the network does not"
            )
    network.load_state_dict({**own, **given})


def _state(path: Path) -> dict[str, Tensor]:
    """Names and values of the weights in a file; a wrapper around them (state_dict, module.) is
    taken off.
    """
    state: Any
    try:
        with warnings.catch_warnings(action="ignore"):  # of files that are refused below
            if path.suffix.lower() == ".safetensors":
                state = safetensors.torch.load_file(path)
            else:
                state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise BadInput(
            f"{path} does not exist; give a file of weights, safetensors or a state dict"
        ) from None
    except (IsADirectoryError, PermissionError) as error:
        raise BadInput(
            f"{path} cannot be read ({error.strerror}); give a file of weights"
        ) from None
    except Exception:  # in many ways, and with advice that is not safe
        raise BadInput(
            f"{path} is no file of weights that can be loaded safely: it is damaged, or holds "
            "more than tensors; "
            "save them with safetensors, or by torch.save(network.state_dict(), FILE)"
        ) from None
    for wrapper in ("state_dict", "model_state_dict", "model"):
        if isinstance(state, Mapping) and isinstance(state.get(wrapper), Mapping):
            state = state[wrapper]
    if (
        not isinstance(state, Mapping)
        or not state
        or not all(isinstance(value, Tensor) for value in state.values())
    ):
        raise BadInput(f"{path} is no state dict: it must hold tensors by name")
    return {name.removeprefix("module."): value for name, value in state.items()}
