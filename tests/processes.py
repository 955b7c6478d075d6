"""What tests have done in processes of their own. Each loads this anew, so that it loads little."""

import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

# what `dip` loads before it restores pictures
LOADED = [f"deep_image_prior.{name}" for name in ("app.batch", "app.cluster", "tasks", "files")]
LOADED += [f"deep_image_prior.{name}" for name in ("restoration", "objectives", "networks")]


def square_or_die(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def quicken_noise(change: Callable[[object, str, object], None]) -> None:
    """It is drawn once, not up to eight times, and the longest of its estimates are cut short."""
    from deep_image_prior.objectives import estimates, sure

    change(sure, "PROBES", 1)
    change(estimates, "collaborative", lambda noisy, pilot: pilot)
    change(estimates, "nonlocal_ridge", lambda noisy, pilot, *more: pilot)
    change(estimates, "FAR", 5)


def dip(folder: Path, said: tuple[Path, Path], *arguments: str) -> None:
    """`dip` in a folder, as `python -m deep_image_prior` has it; what it says goes to two files."""
    os.chdir(folder)
    for number, path in enumerate(said, 1):
        os.dup2(os.open(path, os.O_CREAT | os.O_WRONLY), number)
    sys.argv = ["dip", *arguments]
    from deep_image_prior.__main__ import main

    quicken_noise(setattr)
    main()


def interrupted_at_work(process: BaseProcess) -> None:
    """`process`, which makes the folder out, has had Ctrl-C while it restores, and has ended."""
    while process.is_alive() and not Path("out").exists():
        time.sleep(0.05)
    time.sleep(0.5)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGINT)
    process.join(60)
