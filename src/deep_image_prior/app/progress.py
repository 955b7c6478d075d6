"""Consumers of the steps for a person at a terminal: a bar or lines, and snapshots."""

import time
from collections.abc import Callable, Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..phases import Phase
from ..step import Step

BAR_EVERY, LINE_EVERY = 0.2, 10.0  # seconds


def terminal() -> Console:
    """Where messages go."""
    return Console(stderr=True, markup=False, emoji=False, highlight=False, soft_wrap=True)


class Watcher:
    """Shows the phase, the step, the energy and the time left of the phase: a bar on a terminal, a
    line now and then otherwise, nothing if `quiet`.

    save: writes a snapshot (run, step) every `every` steps. A failing snapshot is said once and
    ends the snapshots. heed: called at every step and phase; what it raises ends the work.
    """

    def __init__(
        self,
        console: Console,
        runs: int,
        quiet: bool,
        every: int = 1,
        save: Callable[[int, Step], None] | None = None,
        heed: Callable[[], None] | None = None,
    ) -> None:
        self.console, self.runs, self.quiet = console, runs, quiet
        self.every, self.save, self.heed = every, save, heed
        self.run = 0
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[energy]}"),
            TimeRemainingColumn(),
        )
        self.bar = Progress(
            *columns,
            console=self.console,
            transient=True,
            disable=quiet or not self.console.is_terminal,
        )
        self.phase = "reading"
        self.task = self.bar.add_task(self.phase, total=None, energy="")

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
        now = self._in("learning", total)
        if not self.bar.disable and now - self.said > BAR_EVERY:
            self.said = now
            self.bar.update(self.task, completed=done, energy=f"energy {step.energy.item():.3g}")
        elif self.bar.disable and not self.quiet and now - self.said > LINE_EVERY:
            self.said = now
            self.console.print(
                f"step {done}/{total}  energy {step.energy.item():.3g}{self._left(done, total)}"
            )
        if self.save and step.index % self.every == 0:
            self._snapshot(step)

    def tell(self, phase: Phase) -> None:
        """Show another phase than that of the steps."""
        if phase.name == "learning":
            self.runs *= phase.total
            return
        new = phase.name != self.phase
        now = self._in(phase.name, phase.total if phase.total > 1 else None)
        self.bar.update(self.task, completed=phase.done)
        if self.bar.disable and not self.quiet and new and phase.name.startswith("applying"):
            self.console.print(phase.name)
        if self.bar.disable and not self.quiet and now - self.said > LINE_EVERY:
            self.said = now
            self.console.print(
                f"{phase.name} {phase.done}/{phase.total}{self._left(phase.done, phase.total)}"
            )

    def _in(self, phase: str, total: int | None) -> float:
        """The time now; with a new phase the bar starts anew."""
        if self.heed:
            self.heed()
        now = time.monotonic()
        if phase != self.phase:
            self.bar.refresh()  # the end of the one before
            self.phase, self.begun, self.said = phase, now, now
            self.bar.reset(self.task, description=phase, total=total, energy="")
        return now

    def _left(self, done: int, total: int) -> str:
        """Of the phase, from its pace so far."""
        seconds = (time.monotonic() - self.begun) / max(done, 1) * (total - done)
        return f"  {seconds:.0f} s left" if done else ""

    def _snapshot(self, step: Step) -> None:
        assert self.save
        try:
            self.save(self.run, step)
        except Exception as error:  # the fit is worth more than its snapshots
            self.console.print(f"dip: note: no snapshots from here on: {error}")
            self.save = None


class Files:
    """Shows how many of the files of a batch are done: a bar on a terminal, and a line for each
    otherwise; what failed, and notes, in lines; nothing but these if `quiet`.
    """

    def __init__(self, console: Console, count: int, quiet: bool) -> None:
        self.console, self.count, self.done, self.quiet = console, count, 0, quiet
        self.bar = Progress(
            TextColumn("pictures"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=quiet or not console.is_terminal,
        )
        self.task = self.bar.add_task("", total=count)

    def __enter__(self) -> "Files":
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def tell(self, name: str, state: str, reason: str, notes: Sequence[str]) -> None:
        """One more is done."""
        self.done += 1
        self.bar.update(self.task, completed=self.done)
        for note in notes:
            self._line(f"dip: note: {name}: {note}")
        if reason:
            self._line(f"dip: {reason if name in reason else f'{name}: {reason}'}")
        elif self.bar.disable and not self.quiet:
            self._line(f"{self.done}/{self.count}  {state}  {name}")

    def _line(self, line: str) -> None:
        self.console.print(line.encode("utf-8", "backslashreplace").decode())
