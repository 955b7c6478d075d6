"""The command `dip`: until there is something to save, Ctrl-C ends it with one line."""

import os
import signal
import sys
from typing import Any

# how often a thread of OpenMP (libgomp) looks for work before it sleeps, by default 300000: where
# other programs want the processor, threads then mostly wait for each other
LOOKS = 10000


def main() -> None:
    if "OMP_WAIT_POLICY" not in os.environ:  # read once, with torch
        os.environ.setdefault("GOMP_SPINCOUNT", str(LOOKS))
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the last is a closed terminal
        if kind := getattr(signal, name, None):
            signal.signal(kind, _interrupted)
    from .app.cli import run

    sys.exit(run())


def _interrupted(*_: Any) -> None:
    os.write(2, b"dip: interrupted; nothing was written\n")
    os._exit(130)


if __name__ == "__main__":
    main()
