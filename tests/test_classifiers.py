from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from deep_image_prior import BadInput, classifiers
from deep_image_prior.features import shapes

FACTORY = """
from torch import nn
def small():
    body = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten()
    return nn.Sequential(*body, nn.Linear(4 * 36, 5))
def broken():
    raise ValueError("no luck")
def leaves():
    raise SystemExit("bye")
def number():
    return 3
"""
NAMES = ("cat, tabby", "dog", "crane", "crane", "goldfish")


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder with a module of the user's own, and the weights of its network in two formats."""
    monkeypatch.chdir(tmp_path)
    Path("own_model.py").write_text(FACTORY)
    network = classifiers.load("own_model:small").network
    state = {name: torch.ones_like(value) for name, value in network.state_dict().items()}
    torch.save(
        {"state_dict": {f"module.{name}": value for name, value in state.items()}}, "own.pth"
    )
    torch.save({"epoch": 3, "model_state_dict": state}, "checkpoint.pth")
    for name in ("own.safetensors", "OWN.SAFETENSORS"):
        safetensors.torch.save_file(state, name)
    return state


@pytest.mark.parametrize(
    "file", ["own.pth", "checkpoint.pth", "own.safetensors", "OWN.SAFETENSORS"]
)
def test_ones_own_network_and_weights(own, file):
    phi = classifiers.load("own_model:small", file, size=8, classes=NAMES)
    assert not phi.network.training
    assert all(
        not weight.requires_grad and (weight == 1).all() for weight in phi.network.parameters()
    )
    assert shapes(phi) == {"0": (4, 6, 6), "1": (4, 6, 6), "2": (4, 6, 6), "3": (144,), "4": (5,)}


def test_older_weights_may_lack_the_counters_of_batch_normalisation(own):
    torch.save({name: value for name, value in own.items() if "num_batches" not in name}, "old.pth")
    assert (classifiers.load("own_model:small", Path("old.pth")).network[4].weight == 1).all()


def test_normalisation_by_hand():
    phi = classifiers.Classifier("phi", nn.Identity(), mean=(0.5, 0, 1), std=(0.5, 1, 2))
    x = torch.tensor([1.0, 0.25, 0.0]).view(1, 3, 1, 1)
    assert phi.normalised(x).flatten().tolist() == [1.0, 0.25, -0.5]


@pytest.mark.parametrize(
    ("name", "layer", "shape"),
    [
        ("alexnet", "conv1", (64, 55, 55)),
        ("alexnet", "conv3", (384, 13, 13)),
        ("alexnet", "pool5", (256, 6, 6)),
        ("alexnet", "relu6", (4096,)),
        ("alexnet", "fc8", (1000,)),
        ("vgg16", "conv1_2", (64, 224, 224)),
        ("vgg16", "pool3", (256, 28, 28)),
        ("vgg16", "conv5_3", (512, 14, 14)),
        ("vgg16", "fc7", (4096,)),
    ],
)
def test_the_papers_layers_have_its_shapes(name, layer, shape):
    phi = architecture(name)
    assert shapes(phi)[phi.published[layer]] == shape
    assert phi.module(layer) is phi.network.get_submodule(phi.published[layer])


def test_vgg19_has_its_sixteen_convolutions():
    named = classifiers.load("vgg19", trained=False).published
    assert [name for name in named if name.startswith("conv")][-1] == "conv5_4"
    assert sum(name.startswith("conv") for name in named) == 16
    assert [name for name in named if name.startswith("fc")] == ["fc6", "fc7", "fc8"]


def architecture(name: str, made: dict[str, classifiers.Classifier] = {}) -> classifiers.Classifier:
    if name not in made:
        made[name] = classifiers.load(name, trained=False)
    return made[name]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_weights_that_came_from_elsewhere_get_the_normalisation_that_torchvision_gives_them(name):
    with torch.device("meta"):
        assert classifiers.load(name, trained=False).network.transform_input


def test_labels_are_found_by_any_of_their_names():
    phi = architecture("alexnet")
    assert (phi.size, len(phi.classes)) == (224, 1000)
    assert phi.unit("goldfish") == 1
    own = classifiers.Classifier("phi", nn.Identity(), classes=NAMES)
    assert own.unit("Tabby ") == 0


SHARKS = ("sharp", "great white shark", "cat", "tiger shark")


def labelled(label: str, classes=NAMES) -> int:
    return classifiers.Classifier("phi", nn.Identity(), classes=classes).unit(label)


def filled(state) -> None:
    torch.save(state, "bad.pth")
    classifiers.load("own_model:small", Path("bad.pth"))


def text(name: str) -> Path:
    Path(name).write_text("no weights")
    return Path(name)


WRONG = {
    "model": (lambda own: classifiers.load("alexnett"), "no model 'alexnett'; nearest are alexnet"),
    "module": (
        lambda own: classifiers.load("nowhere:f"),
        "nowhere:f could not be made: ModuleNotFoundError",
    ),
    "factory": (
        lambda own: classifiers.load("own_model:f"),
        "own_model:f could not be made: AttributeError",
    ),
    "failing": (lambda own: classifiers.load("own_model:broken"), "ValueError: no luck"),
    "no network": (
        lambda own: classifiers.load("own_model:number"),
        "gives a int; it must give a torch.nn.Module",
    ),
    "layer": (
        lambda own: architecture("alexnet").module("conv33"),
        "no layer 'conv33'; nearest are conv3",
    ),
    "label": (lambda own: labelled("goldfsh"), "no class 'goldfsh'; nearest are goldfish"),
    "part of a label": (
        lambda own: labelled("shark", SHARKS),
        "nearest are great white shark, tiger shark",
    ),
    "two labels": (
        lambda own: labelled("crane"),
        r"outputs 2 \(crane\), 3 \(crane\); choose one with --unit",
    ),
    "no labels": (lambda own: labelled("crane", ()), "no names of classes"),
    "no weights": (
        lambda own: classifiers.load("own_model:small", Path("no.pth")),
        "no.pth does not exist",
    ),
    "not weights": (
        lambda own: classifiers.load("own_model:small", text("t.pth")),
        "t.pth is no file of weights",
    ),
    "not tensors": (
        lambda own: classifiers.load("own_model:small", text("t.safetensors")),
        "t.safetensors is no file",
    ),
    "missing key": (
        lambda own: filled({k: v for k, v in own.items() if k != "4.bias"}),
        "it has no 4.bias",
    ),
    "other key": (
        lambda own: filled({**own, "9.bias": torch.ones(1)}),
        "it has 9.bias, which the network does not",
    ),
    "other shape": (lambda own: filled({**own, "4.bias": torch.ones(7)}), "4.bias is 7, not 5"),
    "a list": (lambda own: filled([torch.ones(1)]), "is no state dict"),
    "a folder": (lambda own: classifiers.load("own_model:small", "."), ". cannot be read"),
    "leaves": (
        lambda own: classifiers.load("own_model:leaves"),
        "could not be made: SystemExit: bye",
    ),
    "a whole network": (
        lambda own: filled(nn.Linear(2, 2)),
        "no file of weights that can be loaded safely",
    ),
    "size": (lambda own: classifiers.load("own_model:small", size=1), "size is 1"),
    "mean": (
        lambda own: classifiers.load("own_model:small", mean=(1, 2)),
        "mean is 1, 2, but must be three",
    ),
    "std": (
        lambda own: classifiers.load("own_model:small", std=(1, 0, 1)),
        "std is 1, 0, 1, but must be above 0",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_bad_input_is_refused_in_one_line(own, case):
    call, reason = WRONG[case]
    with pytest.raises(BadInput, match=reason) as refusal:
        call(own)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("fault", [OSError("no network"), RuntimeError("invalid hash value")])
def test_a_failed_download_names_the_file_and_its_place(monkeypatch, tmp_path, fault):
    def fail(*args, **kwargs):
        raise fault

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", fail)
    place = tmp_path / "hub" / "checkpoints" / "alexnet-owt-7be5be79.pth"
    with pytest.raises(
        BadInput, match=rf"{fault}.* put it at {place}, whole, or give --weights"
    ) as refusal:
        classifiers.load("alexnet")
    assert "\n" not in str(refusal.value)
