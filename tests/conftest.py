import multiprocessing
import sys
from pathlib import Path

import processes
import pytest

from deep_image_prior.app import cli


@pytest.fixture
def quick_fills(monkeypatch):
    """Holes are filled roughly, in a tenth of the time: for tests of what does not depend on it."""
    monkeypatch.setattr("deep_image_prior.objectives.holdout.CUTS", ((8, 4, 3), (16, 8, 2)))
    monkeypatch.setattr("deep_image_prior.objectives.holdout.IMAGES", 4)
    monkeypatch.setattr("deep_image_prior.objectives.holdout.ROUNDS", ((5 / 255,),))


@pytest.fixture
def quick_noise(monkeypatch):
    """White noise is taken out in a third of the time: for tests of what does not depend on it."""
    processes.quicken_noise(monkeypatch.setattr)


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs `dip` with some arguments: its exit code, and what it said to stdout and stderr."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["dip", *map(str, arguments)])
        code = cli.run()
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def begun(tmp_path_factory):
    """Begins `dip` with some arguments, here: the process, and the files of what it says to stdout
    and stderr. It is forked from one that has loaded what takes seconds to load.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(processes.LOADED)
    every = []

    def begin(*arguments):
        folder = tmp_path_factory.mktemp("said")
        said = (folder / "out.txt", folder / "err.txt")
        how = (Path.cwd(), said, *map(str, arguments))
        every.append(context.Process(target=processes.dip, args=how))
        every[-1].start()
        return every[-1], *said

    yield begin
    for process in every:
        process.kill()
        process.join()
