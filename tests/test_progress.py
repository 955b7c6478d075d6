import io
from collections.abc import Callable

import pytest
import torch
from rich.console import Console

from deep_image_prior import Step
from deep_image_prior.app import progress
from deep_image_prior.app.progress import Bar
from deep_image_prior.phases import Phase

IMAGE = torch.zeros(1, 1, 2, 2)


def shown(
    monkeypatch,
    terminal: bool,
    quiet: bool = False,
    save: Callable[[int, Step], None] | None = None,
) -> str:
    """What a person sees of two runs of three steps."""
    monkeypatch.setattr(progress, "BAR_EVERY", 0)
    monkeypatch.setattr(progress, "LINE_EVERY", 0)
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
    with Bar(runs=2, quiet=quiet, every=2, save=save, console=console) as watch:
        for index in (1, 2, 3, 1, 2, 3):
            watch(Step(index, 3, torch.tensor(0.125), IMAGE, IMAGE))
    return console.file.getvalue()


def test_a_terminal_gets_a_bar(monkeypatch):
    text = shown(monkeypatch, terminal=True)
    assert "6/6" in text
    assert "energy 0.125" in text
    assert "\x1b[" in text


def test_elsewhere_there_are_lines(monkeypatch):
    lines = shown(monkeypatch, terminal=False).splitlines()
    assert len(lines) == 5  # the first step tells nothing of the time left
    assert lines[2].startswith("step 4/6  energy 0.125")
    assert lines[2].endswith(" s left")


@pytest.mark.parametrize("terminal", [True, False])
def test_quiet_is_quiet(monkeypatch, terminal):
    assert shown(monkeypatch, terminal, quiet=True) == ""


def test_snapshots_know_their_run_and_step(monkeypatch):
    saved = []
    shown(monkeypatch, terminal=False, save=lambda run, step: saved.append((run, step.index)))
    assert saved == [(1, 2), (2, 2)]


def phases(monkeypatch, terminal: bool, line_every: float = 0) -> str:
    monkeypatch.setattr(progress, "BAR_EVERY", 0)
    monkeypatch.setattr(progress, "LINE_EVERY", line_every)
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
    with Bar(runs=1, console=console) as watch:
        watch.tell(Phase("measuring"))
        watch.tell(Phase("learning", total=2))
        for index in (1, 2, 1, 2):
            watch(Step(index, 2, torch.tensor(0.125), IMAGE, IMAGE))
        for done in range(4):
            watch.tell(Phase("applying", done, 3))
    return console.file.getvalue()


def test_phases_are_shown_in_a_bar(monkeypatch):
    text = phases(monkeypatch, terminal=True)
    assert "learning" in text
    assert "4/4" in text, "two fits of two steps"
    assert "applying" in text
    assert "3/3" in text


def test_what_cannot_be_counted_has_no_count(monkeypatch):
    monkeypatch.setattr(progress, "BAR_EVERY", 0)
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with Bar(runs=1, console=console) as watch:
        for index in (1, 2):
            watch(Step(index, 100, torch.tensor(0.125), IMAGE, IMAGE))
        watch.tell(Phase("applying"))
        watch.bar.refresh()
    learning, _, applying = console.file.getvalue().partition("applying")
    assert "2/100" in learning
    assert "0/?" in applying
    assert "/100" not in applying


def test_runs_that_a_phase_tells_are_those_of_every_picture(monkeypatch):
    monkeypatch.setattr(progress, "LINE_EVERY", 0)
    console = Console(file=io.StringIO(), width=100)
    with Bar(runs=2, console=console) as watch:
        for runs in (2, 3):  # the second picture has one run more than the first told
            watch.tell(Phase("learning", total=runs))
            for index in (1, 2) * runs:
                watch(Step(index, 2, torch.tensor(0.125), IMAGE, IMAGE))
    told = [line.split()[1] for line in console.file.getvalue().splitlines()]
    assert told == [*(f"{done}/8" for done in range(2, 5)), *(f"{k}/10" for k in range(5, 11))]


def test_phases_in_lines(monkeypatch):
    lines = [line.split("  ")[0] for line in phases(monkeypatch, terminal=False).splitlines()]
    told = ["step 4/4", "applying", "applying 1/3", "applying 2/3", "applying 3/3"]
    assert lines[-5:] == told
    rarely = phases(monkeypatch, terminal=False, line_every=1000)
    assert rarely == "applying\n", "which may be long, and nothing else"
