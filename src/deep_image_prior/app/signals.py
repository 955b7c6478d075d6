"""The signals that end a command: Ctrl-C, kill, a closed terminal."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


def interruptible() -> None:
    """From here on there is what to save: a signal is a KeyboardInterrupt."""
    for kind in kinds():
        signal.signal(kind, signal.default_int_handler)


def kinds() -> list[signal.Signals]:
    """Those that this system has."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


@contextmanager
def undisturbed() -> Iterator[None]:
    """What is being saved is saved, however often Ctrl-C is pressed."""
    before = {kind: signal.signal(kind, signal.SIG_IGN) for kind in kinds()}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
