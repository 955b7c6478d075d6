"""The process that restores: it runs the command of a task, one job after the other, and tells how
far it is.
"""

import contextlib
import io
import os
import queue
import signal
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import ceil, prod
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ...phases import Phase
from ...tasks import Restoration
from ..commands import taken
from ..outcome import outcome
from ..progress import Watcher
from ..say import say
from ..workers import end_with_parent
from .forms import command_of
from .views import save

if TYPE_CHECKING:
    from ...images import Pixels
    from ...step import Step

TOLD_EVERY = 0.1  # seconds
ENERGIES = 200  # points of the curve
MOMENTS = 20  # pictures on the way
SHARE = 0.2  # of the time may go into them before the result is there
ROOM = 2**20  # bytes for the record, and what metadata there is
LARGE = 2**19  # pixels: of larger pictures they all come after the result

Message = Mapping[str, Any]


class Link:
    """What the page says to this process, and what it is told. pause, resume and stop are heard at
    once, also of a job that has not begun; work and forget when their time comes.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.sending = threading.Lock()
        self.coming: queue.Queue[Message] = queue.Queue()
        self.going = threading.Event()
        self.stopping = False
        threading.Thread(target=self._hear, daemon=True).start()

    def _hear(self) -> None:
        with contextlib.suppress(EOFError, OSError):  # of a page that has ended
            while True:
                self._take(self.connection.recv())

    def _take(self, message: Message) -> None:
        match message["say"]:
            case "pause":
                self.going.clear()
            case "resume":
                self.going.set()
            case "stop":
                self.stopping = True
                self.going.set()
            case "work":  # what is said from here on is of this job
                self.stopping = False
                self.going.set()
                self.coming.put(message)
            case "forget":
                self.coming.put(message)

    def send(self, job: str, **content: Any) -> None:
        """Of the job called so."""
        with self.sending:
            self.connection.send({"job": job, **content})


def serve(connection: Connection, temporary: Path) -> None:
    """Work for the page, until that ends. temporary: the folder for temporary files."""
    end_with_parent()
    if hasattr(os, "setsid"):
        os.setsid()  # Ctrl-C is for the page, which says stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tempfile.tempdir = str(temporary)
    warnings.showwarning = lambda message, *_, **__: say(f"note: {message}")
    link = Link(connection)
    from .. import restoring  # noqa: F401  torch takes seconds

    attend(link)


def attend(link: Link) -> None:
    """Do what comes, one thing after the other; while nothing does, pictures on the way of the
    last job, unless that is to be forgotten.
    """
    last = ""
    later: Iterator[None] = iter(())
    while True:
        while link.coming.empty() and next(later, link) is not link:
            pass
        message = link.coming.get()
        what = message["what"]
        if message["say"] == "work":
            last, later = what["job"], work(link, **what)
        elif what["job"] == last:
            later = iter(())


def work(link: Link, job: str, task: str, arguments: list[str], folder: Path) -> Iterator[None]:
    """Run the command of `task` with its `arguments`. What is made goes into `folder`.

    What is left then are pictures on the way, one with each item of the iterator.
    """
    made: list[Follower] = []

    def run(kind: type[Restoration], values: dict[str, Any]) -> int:
        from .. import restoring, session

        values["image"] = values["images"][0]
        options = taken(values, kind)
        name = restoring.NAMES.format(**restoring.fields_of_name(kind, options, values["image"]))
        here = {"output": folder / name, "record": folder / "record.json", "overwrite": True}
        host = restoring.Host(watcher=partial(Follower, link, job, folder / "moments"))
        request, output, watcher = restoring.asked(kind, {**values, **here}, host)
        assert isinstance(watcher, Follower)
        watcher.expect(request.like.pixels, alone=not request.like.axes)
        size = request.like.pixels.nbytes * request.enlargement**2 * len(request.names)
        watcher.reserve(folder / "reserve", size + ROOM)
        made.append(watcher)
        return session.run(request, output, watcher)

    def told() -> int:
        """The same notes for every job, where Python says each of them once."""
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            return command.main(arguments, prog_name=task, standalone_mode=False)

    command = command_of(task, run)
    answers, complaints = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(answers), contextlib.redirect_stderr(complaints):
        try:
            code = outcome(told)
        except Exception as error:  # ours, not the user's
            code = 1
            say(f"an error of the program, please report it: {type(error).__name__}: {error}")
            traceback.print_exc(file=sys.__stderr__)
    said = [line.removeprefix("dip: ") for line in complaints.getvalue().splitlines()]
    link.send(job, ended=code, lines=answers.getvalue().splitlines(), said=said)
    return made[-1].later() if made else iter(())


def schedule(budget: int) -> set[int]:
    """The steps of a run whose pictures are shown: more of them early, where more changes."""
    return {max(1, round(budget * (k / MOMENTS) ** 2)) for k in range(1, MOMENTS + 1)}


class Follower(Watcher):
    """Tells the page how far the work is, and keeps pictures on the way: what some steps of the
    first run would restore if they were the last.
    """

    def __init__(self, link: Link, job: str, folder: Path, *how: Any) -> None:
        super().__init__(*how)
        self.link, self.job, self.folder = link, job, folder
        self.heed = self._pause
        self.told = self.spent = self.last = 0.0
        self.energies: list[tuple[int, float]] = []
        self.waiting: list[tuple[int, Callable[[], Pixels]]] = []

    def expect(self, pixels: "Pixels", alone: bool) -> None:
        """Of the picture that is restored; alone: not in a stack, whose pages have fits of their
        own.
        """
        self.alone = alone
        self.large = prod(pixels.shape[-3:-1]) > LARGE

    def reserve(self, path: Path, size: int) -> None:
        """Keep as many bytes of the disk for what is to be saved, while the work goes on."""
        self.reserved, self.room = path, size

    def __enter__(self) -> Self:
        super().__enter__()
        with self.reserved.open("wb") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, self.room)
        return self

    def __exit__(self, *ended: Any) -> None:
        super().__exit__(*ended)
        self.reserved.unlink(missing_ok=True)

    def __call__(self, step: "Step") -> None:
        super().__call__(step)
        if self.link.stopping:  # the best so far is saved
            raise KeyboardInterrupt

    def _pause(self) -> None:
        if not self.link.going.is_set():
            start = time.monotonic()
            self.link.going.wait()
            self.begun += time.monotonic() - start

    def begins(self, total: int | None) -> None:
        self._tell(0, total, None)

    def stepped(self, step: "Step", done: int, total: int) -> None:
        if done % ceil(total / ENERGIES) == 0 or done == 1:
            self.energies.append((done, step.energy.item()))
        if self.alone and self.run == 1 and step.restored and step.index in schedule(step.budget):
            self._meet(step.index, step.restored)
        if self.now - self.told > TOLD_EVERY:
            self._tell(done, total, self.left(done, total))

    def went_on(self, phase: Phase) -> None:
        if self.now - self.told > TOLD_EVERY or phase.done == phase.total:
            total = phase.total if phase.total > 1 else None
            self._tell(phase.done, total, total and self.left(phase.done, total))

    def say(self, line: str) -> None:
        say(line)

    def _tell(self, done: int, total: int | None, left: float | None) -> None:
        self.told = self.now
        energies, self.energies = self.energies, []
        how_far = {"phase": self.phase, "done": done, "total": total, "left": left}
        self.link.send(self.job, how_far=how_far, energy=energies)

    def _meet(self, index: int, restored: "Callable[[], Pixels]") -> None:
        """Draw it now if that takes little of the time, or else when the result is there."""
        if self.large or self.spent + self.last > SHARE * (self.now - self.begun) > 0:
            self.waiting.append((index, restored))
            return
        start = time.monotonic()
        with contextlib.suppress(OSError):  # a full disk; there is room for the result
            self._draw(index, restored)
        self.last = time.monotonic() - start
        self.spent += self.last

    def _draw(self, index: int, restored: "Callable[[], Pixels]") -> None:
        pixels = restored()
        self.folder.mkdir(exist_ok=True)
        save(self.folder / f"{index}.npy", np.asarray(pixels))
        self.link.send(self.job, moment=index, shape=pixels.shape)

    def later(self) -> Iterator[None]:
        """Draw what is left, the latest first, one with each item; none if the disk is full."""
        while self.waiting:
            with contextlib.suppress(OSError):
                self._draw(*self.waiting.pop())
            yield
