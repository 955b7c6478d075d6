"""The process that restores (work.py), as the page has it."""

import asyncio
import contextlib
import multiprocessing
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from .work import serve

Message = Mapping[str, Any]


class Worker:
    """The process that restores; if it is gone, a new one begins when there is work for it. heard:
    called in the event loop with what it says, and with None when it is gone.
    """

    def __init__(self, temporary: Path, heard: Callable[[Message | None], None]) -> None:
        self.temporary, self.heard = temporary, heard
        self.loop = asyncio.get_running_loop()
        self._begin()

    def _begin(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, self.temporary), daemon=True)
        self.process.start()
        self.gone = False
        theirs.close()
        threading.Thread(target=self._hear, args=(self.connection,), daemon=True).start()

    def _begin_anew(self) -> None:
        try:
            self._begin()
        except (OSError, RuntimeError):  # no memory for a process, or no thread
            self.loop.call_soon(self._told, self.connection, None)

    def _hear(self, connection: Connection) -> None:
        with contextlib.suppress(RuntimeError):  # of an event loop that has ended
            try:
                while True:
                    message = connection.recv()
                    self.loop.call_soon_threadsafe(self._told, connection, message)
            except (EOFError, OSError):
                self.loop.call_soon_threadsafe(self._told, connection, None)

    def _told(self, connection: Connection, message: Message | None) -> None:
        if connection is not self.connection:  # one that was killed
            return
        self.gone = message is None
        self.heard(message)

    def say(self, word: str, what: Message = {}) -> None:
        """See work.Link."""
        if self.gone:
            if word != "work":  # there is nothing to pause, stop or forget
                return
            self._begin_anew()
        with contextlib.suppress(OSError):  # that it is gone is heard
            self.connection.send({"say": word, "what": what})

    def restart(self) -> None:
        """End it, whatever it does."""
        self._kill()
        self._begin_anew()

    def end(self) -> None:
        """For good."""
        self.connection = multiprocessing.Pipe()[0]  # nothing is heard any more
        self._kill()

    def _kill(self) -> None:
        if self.process.pid is not None:  # it could be begun
            self.process.kill()
            self.process.join()  # it writes nothing any more
