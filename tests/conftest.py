import sys

import pytest

from deep_image_prior.app import cli


@pytest.fixture
def quick_fills(monkeypatch):
    """Holes are filled roughly, in a tenth of the time: for tests of what does not depend on it."""
    monkeypatch.setattr("deep_image_prior.objectives.holdout.CUTS", ((8, 4, 3), (16, 8, 2)))
    monkeypatch.setattr("deep_image_prior.objectives.holdout.IMAGES", 4)
    monkeypatch.setattr("deep_image_prior.objectives.holdout.ROUNDS", ((5 / 255,),))


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs `dip` with some arguments: its exit code, and what it said to stdout and stderr."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["dip", *map(str, arguments)])
        code = cli.run()
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
