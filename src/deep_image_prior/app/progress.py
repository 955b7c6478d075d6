"""Consumers of the steps for a person: what follows them, and a bar or lines on a terminal."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..phases import APPLYING, Phase

if TYPE_CHECKING:
    from ..step import Step

BAR_EVERY, LINE_EVERY = 0.2, 10.0  # seconds


def terminal() -> Console:
    """Where messages go."""
    return Console(stderr=True, markup=False, emoji=False, highlight=False, soft_wrap=True)


class Watcher(ABC):
    """Follows the steps and the phases of a command, as a task's `watch` and `tell`.

    runs: how many there will be; a phase "learning" tells it of the next of so many pictures.
    quiet: nothing is to be shown. save: called with (run, step) every `every` steps. A failing
    `save` is said once and ends the saving. heed: called at every step and phase; what it raises
    ends the work.
    """

    def __init__(
        self,
        runs: int,
        quiet: bool = False,
        every: int = 1,
        save: Callable[[int, Step], None] | None = None,
        heed: Callable[[], None] | None = None,
    ) -> None:
        self.quiet = quiet
        # runs that a phase has told; and pictures of which none has, and about how many runs each
        self.known, self.pictures, self.each = 0, runs, 1
        self.every, self.save, self.heed = every, save, heed
        self.run = 0
        self.phase = "reading"

    def __enter__(self) -> Self:
        self.begun = self.now = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.phase = "done"

    def __call__(self, step: Step) -> None:
        self.run += step.index == 1
        total = max(self.run, self.known + self.pictures * self.each) * step.budget
        self._enter_phase("learning", total)
        self.stepped(step, (self.run - 1) * step.budget + step.index, total)
        if self.save and step.index % self.every == 0:
            try:
                self.save(self.run, step)
            except Exception as error:  # the fit is worth more than its snapshots
                self.say(f"note: no snapshots from here on: {error}")
                self.save = None

    def tell(self, phase: Phase) -> None:
        """See another phase than that of the steps."""
        if phase.name == "learning":
            self.known += phase.total
            self.pictures, self.each = max(0, self.pictures - 1), phase.total
            return
        self._enter_phase(phase.name, phase.total if phase.total > 1 else None)
        self.went_on(phase)

    def _enter_phase(self, name: str, total: int | None) -> None:
        if self.heed:
            self.heed()
        self.now = time.monotonic()
        if name != self.phase:
            self.phase, self.begun = name, self.now
            self.begins(total)

    def left(self, done: int, total: int) -> float | None:
        """Seconds of the phase, from its pace so far."""
        return (self.now - self.begun) / done * (total - done) if done else None

    @abstractmethod
    def begins(self, total: int | None) -> None:
        """`self.phase` begins; total: what is to be done in it, if that is known."""

    @abstractmethod
    def stepped(self, step: Step, done: int, total: int) -> None:
        """`done` steps of all runs are done."""

    @abstractmethod
    def went_on(self, phase: Phase) -> None:
        """Something of `phase` is done."""

    @abstractmethod
    def say(self, line: str) -> None:
        """To the person."""


class Bar(Watcher):
    """Shows the phase, the step, the energy and the time left of the phase: a bar on a terminal, a
    line now and then otherwise, nothing if `quiet`.
    """

    def __init__(self, *how: Any, console: Console | None = None, **options: Any) -> None:
        super().__init__(*how, **options)
        self.console = console or terminal()
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
            disable=self.quiet or not self.console.is_terminal,
        )
        self.task = self.bar.add_task(self.phase, total=None, energy="")

    def __enter__(self) -> Self:
        super().__enter__()
        self.said = self.begun
        self.bar.start()
        return self

    def __exit__(self, *ended: Any) -> None:
        super().__exit__(*ended)
        self.bar.stop()

    def begins(self, total: int | None) -> None:
        self.bar.refresh()  # the end of the one before
        self.bar.remove_task(self.task)  # a reset without a total would keep the one before
        self.task = self.bar.add_task(self.phase, total=total, energy="")
        self.said = self.begun
        if self._in_lines and self.phase.startswith(APPLYING):
            self.console.print(self.phase)

    def stepped(self, step: Step, done: int, total: int) -> None:
        if not self.bar.disable and self._is_time(BAR_EVERY):
            self.bar.update(self.task, completed=done, energy=f"energy {step.energy.item():.3g}")
        elif self._in_lines and self._is_time(LINE_EVERY):
            energy = f"energy {step.energy.item():.3g}"
            self.console.print(f"step {done}/{total}  {energy}{self._left(done, total)}")

    def went_on(self, phase: Phase) -> None:
        self.bar.update(self.task, completed=phase.done)
        if self._in_lines and self._is_time(LINE_EVERY):
            left = self._left(phase.done, phase.total)
            self.console.print(f"{phase.name} {phase.done}/{phase.total}{left}")

    def say(self, line: str) -> None:
        self.console.print(f"dip: {line}")

    @property
    def _in_lines(self) -> bool:
        return self.bar.disable and not self.quiet

    def _is_time(self, every: float) -> bool:
        """Whether something was said `every` seconds ago or more; then now is the time."""
        due = self.now - self.said > every
        self.said = self.now if due else self.said
        return due

    def _left(self, done: int, total: int) -> str:
        seconds = self.left(done, total)
        return "" if seconds is None else f"  {seconds:.0f} s left"


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

    def __enter__(self) -> Files:
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
