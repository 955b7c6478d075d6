"""dip invert, dip maximise and dip layers, run in-process on a network of the user's own."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from helpers import photograph
from PIL import Image

from deep_image_prior import classifiers, files
from deep_image_prior.app import cli

NETWORK = """
import torch
from torch import nn
class Fails(nn.Module):
    def forward(self, x):
        raise RuntimeError("no luck")
def whole():
    torch.manual_seed(0)
    body = nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(2), nn.Flatten()
    return nn.Sequential(*body, nn.Linear(16, 3))
def bug():
    return nn.Sequential(*whole(), Fails())
def blind():
    return nn.Sequential(*whole(), nn.Threshold(9, 0))
"""
OWN = ["--model", "own_network:whole", "--size", "16"]
FAILING = ["--model", "own_network:bug", "--size", "16"]
FEW = ["--steps", "3"]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("own_network.py").write_text(NETWORK)
    Path("names.txt").write_text("cat, tabby\ndog\ncrane\n\n")
    Image.fromarray((255 * photograph(20)).astype(np.uint8)).save("photo.png")
    Path("gap.txt").write_text("cat\n\ndog\n")
    Path("two.txt").write_text("cat\ndog\n")
    Path("none.txt").write_text("\n")
    Image.fromarray((255 * photograph(12)).astype(np.uint8)).save("small.png")

    def dip(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["dip", *arguments])
        with pytest.raises(SystemExit) as end:
            sys.exit(cli.run())
        captured = capsys.readouterr()
        return end.value.code or 0, captured.out, captured.err

    yield dip
    sys.modules.pop("own_network", None)


def test_a_layer_is_inverted_and_recorded(run):
    code, out, _ = run("invert", "photo.png", "--layer", "0", *OWN, *FEW, "--record", "r.json")
    assert code == 0
    assert out.startswith("wrote photo-0.png\n0: feature error ")
    assert files.read(Path("photo-0.png")).pixels.shape == (16, 16, 3)
    record = json.loads(Path("r.json").read_text())
    assert record["classifier"]["size"] == 16
    assert record["choices"]["layers"] == ["0"]
    assert set(record["inputs"]) == {"image"}
    assert record["pictures"]["0"]["steps"] == [3]
    assert record["pictures"]["0"]["scores"]["feature_error"] > 0


def test_several_layers_make_one_picture_with_what_was_shown(run):
    code, out, _ = run("invert", "photo.png", "--layers", "0, 1,0", *OWN, *FEW)
    assert code == 0
    assert "wrote photo-inverted.png" in out
    assert files.read(Path("photo-inverted.png")).pixels.shape[1] > 3 * (16 + 8) + 8, (
        "room for the captions"
    )


def test_floats_stay_so(run):
    tifffile.imwrite("float.tif", 4 * photograph(20).astype(np.float32), photometric="rgb")
    assert run("invert", "float.tif", "--layer", "0", *OWN, *FEW)[0] == 0
    assert files.read(Path("float-0.tif")).pixels.dtype == np.float32


def test_whose_the_weights_are_is_said_if_no_file_is_given(run):
    assert (
        "the weights are those that own_network:whole brings"
        in run("maximise", "--unit", "0", *OWN, *FEW)[2]
    )
    network = classifiers.load("own_network:whole").network
    torch.save(network.state_dict(), "own.pth")
    arguments = ["--weights", "own.pth", *FEW, "-q", "--overwrite"]
    assert run("maximise", "--unit", "0", *OWN, *arguments) == (0, "", "")


def test_nothing_is_downloaded_before_all_else_is_right(run, monkeypatch):
    monkeypatch.setattr("deep_image_prior.classifiers._downloaded", pytest.fail)
    Path("here.png").touch()
    for arguments, reason in (
        (["maximise", "--label", "goldfish", "-o", "here.png"], "here.png exists"),
        (["maximise", "--unit", "1000"], "no unit 1000; they are 0 to 999"),
        (["maximise", "--label", "goldfish", "--layer", "conv1"], "64 units, but 1000 names"),
        (
            ["invert", "photo.png", "--layer", "conv1"],
            "photo.png is 20 x 20 pixels, less than the 224 x 224",
        ),
    ):
        code, _, err = run(*arguments, "--model", "alexnet")
        assert code == 2
        assert reason in err


def test_labels_and_units_are_drawn(run):
    assert run("maximise", "--labels", "dog,tabby", *OWN, "--classes", "names.txt", *FEW)[0] == 0
    assert Path("own_network-whole-labels.png").exists()
    code, out, _ = run("maximise", "--unit", "2", "--layer", "0", *OWN, *FEW, "-o", "unit.tif")
    assert code == 0
    assert "0, unit 2: activation " in out
    assert "probability" not in out
    assert files.read(Path("unit.tif")).pixels.shape == (16, 16, 3)


def test_layers_are_listed_with_their_shapes(run):
    code, out, _ = run("layers", *OWN)
    assert code == 0
    assert out.splitlines() == [
        "0  4 x 14 x 14",
        "1  4 x 2 x 2",
        "2  16",
        "3  3",
        "own_network:whole takes 16 x 16 pixels",
    ]
    listed = [line.split() for line in run("layers", "--model", "alexnet")[1].splitlines()]
    assert ["features.10", "256", "x", "13", "x", "13", "conv5"] in listed


def test_what_is_finished_is_saved_when_a_later_picture_fails(run):
    code, out, err = run(
        "invert",
        "photo.png",
        "--layers",
        "0,4",
        "--model",
        "own_network:blind",
        "--size",
        "16",
        *FEW,
    )
    assert code == 2
    assert "wrote photo-inverted.png" in out
    assert "the best so far of 1 of 2 pictures is saved" in err
    assert err.splitlines()[-1].startswith("dip: own_network:blind, 4: 0 everywhere for this image")


def test_an_interrupt_saves_the_best_so_far(run, monkeypatch):
    def interrupt(watcher, step):
        if watcher.run == 0 and step.index == 3:
            watcher.run = 1
        elif watcher.run and step.index == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("deep_image_prior.app.progress.Watcher.__call__", interrupt)
    code, out, err = run("invert", "photo.png", "--layers", "0,1,2", *OWN, *FEW)
    assert code == 130
    assert "the best so far of 2 of 3 pictures is saved: interrupted at step 2" in err
    assert "1: feature error" in out
    assert Path("photo-inverted.png").exists()


WRONG = {
    "no layer": (["invert", "photo.png", *OWN], "give either --layer or --layers"),
    "two": (
        ["invert", "photo.png", "--layer", "0", "--layers", "1", *OWN],
        "give either --layer or --layers",
    ),
    "empty": (["invert", "photo.png", "--layers", ",", *OWN], "--layers is empty"),
    "layer": (["invert", "photo.png", "--layers", "0,conv", *OWN], "has no layer 'conv'"),
    "torchvision's layer": (
        ["invert", "photo.png", "--model", "alexnet", "--layer", "conv33"],
        "nearest are conv3",
    ),
    "no file": (["invert", "none.png", "--layer", "0", *OWN], "none.png does not exist"),
    "small": (
        ["invert", "small.png", "--layer", "0", *OWN],
        "12 x 12 pixels, less than the 16 x 16",
    ),
    "over the input": (
        ["invert", "photo.png", "--layer", "0", *OWN, "-o", "photo.png", "--overwrite"],
        "is an input",
    ),
    "format": (
        ["invert", "photo.png", "--layer", "0", *OWN, "-o", "x.docx"],
        "no known image format",
    ),
    "fails later": (
        ["invert", "photo.png", "--layers", "0,4", *FAILING],
        r"fails on .* \(RuntimeError: no luck\)",
    ),
    "listing": (
        ["layers", *FAILING],
        r"own_network:bug: fails on an image of 3 x 16 x 16, float32 \(RuntimeError: no luck\)",
    ),
    "a name missing": (["layers", *OWN, "--classes", "gap.txt"], "gap.txt has no name on line 2"),
    "no names": (["layers", *OWN, "--classes", "none.txt"], "none.txt has no name on line 1"),
    "too few names": (
        ["maximise", "--label", "dog", *OWN, "--classes", "two.txt"],
        "3 units, but 2 names of classes",
    ),
    "twice": (
        ["maximise", "--unit", "0", *OWN, "-o", "a.png", "--record", "a.png"],
        "would be written twice",
    ),
    "model": (["layers", "--model", "alexnett"], "nearest are alexnet"),
    "label": (["maximise", "--label", "dgo", "--classes", "names.txt", *OWN], "nearest are dog"),
    "torchvision's label": (
        ["maximise", "--label", "goldfsh", "--model", "alexnet"],
        "nearest are goldfish",
    ),
    "both": (["maximise", "--label", "dog", "--unit", "0", *OWN], "give one of them"),
    "neither": (["maximise", *OWN], r"give either --label \(or --unit\) or --labels"),
    "unit": (["maximise", "--unit", "3", *OWN], "no unit 3; they are 0 to 2"),
    "classes": (
        ["maximise", "--label", "dog", "--classes", "no.txt", *OWN],
        "no.txt is no text file",
    ),
    "weights": (
        ["maximise", "--unit", "0", "--weights", "none.pth", *OWN],
        "none.pth does not exist",
    ),
    "sigma": (["maximise", "--unit", "0", "--sigma", "3", *OWN], "No such option"),
}


@pytest.mark.parametrize("case", WRONG)
def test_bad_input_is_one_line_and_nothing_is_written(run, case):
    arguments, reason = WRONG[case]
    before = sorted(Path.cwd().iterdir())
    code, _, err = run(*arguments)
    assert code == 2
    assert len(err.splitlines()) == 1
    assert re.search(reason, err)
    assert [path for path in sorted(Path.cwd().iterdir()) if path.name != "__pycache__"] == before


def test_a_stack_is_no_picture_to_invert(run):
    tifffile.imwrite("stack.tif", np.zeros((3, 32, 32), np.uint8), photometric="minisblack")
    code, _, err = run("invert", "stack.tif", "--layer", "0", *OWN)
    assert (code, err) == (
        2,
        "dip: stack.tif is a stack of pages; give one page as a file of its own\n",
    )
