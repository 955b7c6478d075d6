"""The process that opens and writes image files for the page (views.py)."""

import asyncio
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import ParamSpec, TypeVar

from ...errors import BadInput
from ..workers import end_with_parent

P = ParamSpec("P")
R = TypeVar("R")


class Reader:
    """One process, begun anew when a file has brought it down. temporary: for temporary files."""

    def __init__(self, temporary: Path) -> None:
        self.temporary = temporary
        self.one = asyncio.Lock()
        self._begin()

    def _begin(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        self.pool = ProcessPoolExecutor(1, spawn, initializer=_settle, initargs=(self.temporary,))

    async def __call__(self, work: Callable[P, R], *how: P.args, **options: P.kwargs) -> R:
        """work(...), there. Raises BadInput if it ends the process, and what it raises."""
        assert not options
        loop = asyncio.get_running_loop()
        async with self.one:  # so that it is known which one brought it down
            for _ in range(2):  # another may have killed it
                try:
                    return await loop.run_in_executor(self.pool, work, *how)
                except BrokenProcessPool:
                    self._begin()
        raise BadInput("the file brings its decoder down; it is damaged, or too large")

    def end(self) -> None:
        """For good."""
        for process in (self.pool._processes or {}).values():
            process.kill()
        self.pool.shutdown(wait=False, cancel_futures=True)


def _settle(temporary: Path) -> None:
    if hasattr(os, "setsid"):
        os.setsid()  # Ctrl-C is for the page
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tempfile.tempdir = str(temporary)
    end_with_parent()
