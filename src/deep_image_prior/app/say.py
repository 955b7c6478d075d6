"""Lines for the person at the terminal."""

import os
import sys
from typing import TextIO


def say(line: str) -> None:
    """To the messages: notes and complaints."""
    _print(f"dip: {line}", sys.stderr)


def answer(line: str) -> None:
    """To the answers."""
    _print(line, sys.stdout)


def _print(line: str, stream: TextIO | None) -> None:
    """A reader that has gone away, as `head` does, is no failure. Raises OSError."""
    if stream is None:  # `dip >&-`
        return
    encoding = stream.encoding or "utf-8"
    line = line.encode(encoding, "backslashreplace").decode(encoding)  # names of files are bytes
    try:
        print(line, file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except OSError as error:
        if stream is sys.stderr:  # there is nowhere to say it
            return
        raise OSError(
            f"what dip says cannot be written to {stream.name} ({error.strerror}); "
            "the pictures that it made are there"
        ) from None
