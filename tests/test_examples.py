import runpy
from pathlib import Path

import pytest
from torch import nn

import deep_image_prior as dip
from deep_image_prior import classifiers

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_examples_run(monkeypatch, capsys):
    settings = dip.Settings
    monkeypatch.setattr(dip, "Settings", lambda **chosen: settings(**{**chosen, "steps": 2}))
    runpy.run_path(str(EXAMPLES / "deblur.py"))
    assert "budget: 2 steps" in capsys.readouterr().out


def test_the_classifier_of_the_examples_takes_the_weights_it_names(monkeypatch, capsys):
    pytest.importorskip("efficientnet_lite_pytorch")
    runpy.run_path(str(EXAMPLES / "lite.py"), run_name="__main__")
    weights = Path(capsys.readouterr().out.strip())
    monkeypatch.syspath_prepend(EXAMPLES)
    phi = classifiers.load("lite:network", weights)
    assert isinstance(phi.module("_blocks.10"), nn.Module)
