"""Lines for the person at the terminal."""

import os
import sys


def say(line: str) -> None:
    """To the messages: notes and complaints."""
    _print(f"dip: {line}", sys.stderr)


def answer(line: str) -> None:
    """To the answers."""
    _print(line, sys.stdout)


def _print(line: str, stream: "object") -> None:
    """A reader that has gone away, as `head` does, is no failure."""
    try:
        print(line, file=stream, flush=True)  # type: ignore[call-overload]
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # type: ignore[attr-defined]
