import runpy
from pathlib import Path

import pytest

import deep_image_prior as dip

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.parametrize("name", [path.name for path in EXAMPLES.glob("*.py")])
def test_examples_run(name, monkeypatch, capsys):
    settings = dip.Settings
    monkeypatch.setattr(dip, "Settings", lambda **chosen: settings(**{**chosen, "steps": 2}))
    runpy.run_path(str(EXAMPLES / name))
    assert "budget: 2 steps" in capsys.readouterr().out
