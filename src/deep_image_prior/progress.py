"""Consumers of the steps for a person at a terminal: a bar or lines, and snapshots."""

import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .descent import Step

BAR_EVERY, LINE_EVERY = 0.2, 10.0  # seconds


class Watcher:
    """Shows step, energy and the time left: a bar on a terminal, a line now and then otherwise,
    nothing if `quiet`.

    save: writes a snapshot (run, step) every `every` steps. A failing snapshot is said once and
    ends the snapshots.
    """

    def __init__(
        self,
        console: Console,
        runs: int,
        quiet: bool,
        every: int = 1,
        save: Callable[[int, Step], None] | None = None,
    ) -> None:
        self.console, self.runs, self.quiet = console, runs, quiet
        self.every, self.save = every, save
        self.run = 0
        columns = (
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[energy]}"),
            TimeRemainingColumn(),
        )
        self.bar = Progress(
            *columns, console=console, transient=True, disable=quiet or not console.is_terminal
        )
        self.task = self.bar.add_task("fit", total=None, energy="")

    def __enter__(self) -> "Watcher":
        self.begun = self.said = time.monotonic()
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def __call__(self, step: Step) -> None:
        self.run += step.index == 1
        done, total = (self.run - 1) * step.budget + step.index, self.runs * step.budget
        now = time.monotonic()
        if done == 1:  # what came before it made the code, and says nothing of the steps
            self.begun = self.said = now
        if not self.bar.disable and now - self.said > BAR_EVERY:
            self.said = now
            self.bar.update(
                self.task, completed=done, total=total, energy=f"energy {step.energy.item():.3g}"
            )
        elif self.bar.disable and not self.quiet and now - self.said > LINE_EVERY:
            self.said = now
            left = (now - self.begun) / (done - 1) * (total - done)
            self.console.print(
                f"step {done}/{total}  energy {step.energy.item():.3g}  {left:.0f} s left"
            )
        if self.save and step.index % self.every == 0:
            self._snapshot(step)

    def _snapshot(self, step: Step) -> None:
        assert self.save
        try:
            self.save(self.run, step)
        except Exception as error:  # the fit is worth more than its snapshots
            self.console.print(f"dip: note: no more snapshots: {error}")
            self.save = None
