"""One run, in a process of its own: make the problem, solve it, score it, save the images, return
the record.
"""

import math
import os
import platform
import signal
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from typing import Any

import cv2
import psutil
import torch
from threadpoolctl import threadpool_limits

from deep_image_prior import BadInput, Destabilised
from deep_image_prior.app.record import peak_memory
from deep_image_prior.images import Pixels

from .items import BUDGETS, ITEMS, Item, column
from .methods import Effort, Point
from .metrics import METRICS
from .problems import Problem
from .records import Run, save_image

PACKAGES = (
    "deep-image-prior",
    "torch",
    "numpy",
    "scikit-image",
    "opencv-contrib-python-headless",
    "pillow",
    "bm3d",
    "deepinv",
)


@dataclass(frozen=True)
class Place:
    """Where a run finds its data and leaves its images, and what it computes on."""

    data: Path
    records: Path
    device: str
    threads: int


def work(run: Run, place: Place, answers: Connection) -> None:
    """Send the record of `run`, or a line that says what went wrong. SIGTERM ends it with the best
    so far.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the parent decides
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    torch.set_num_threads(place.threads)
    cv2.setNumThreads(place.threads)
    try:
        with threadpool_limits(place.threads):
            answers.send(measure(run, place))
    except KeyboardInterrupt:
        answers.send("interrupted before there was anything to record")
    except OSError as error:  # it would meet the others too
        answers.send(error)
    except (BadInput, Destabilised, MemoryError) as error:
        answers.send(str(error) or type(error).__name__)
    except Exception as error:  # a method of another library; the others go on
        answers.send(f"{type(error).__name__}: {error}".splitlines()[0])


def _end_with_parent(parent: int) -> None:
    """A run whose parent was killed has nobody to record it."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def measure(run: Run, place: Place) -> dict[str, Any]:
    """The record of one run. Raises what the method raises."""
    item, budget = ITEMS[run.item], BUDGETS[run.budget]
    problem = item.make(place.data, run.picture, run.crop)
    primary = METRICS[item.metrics[0]]
    contender = item.contenders()[run.method]
    effort = Effort(
        seed=run.seed,
        share=1 if budget.exact else contender.share,
        device=torch.device(place.device),
        score=(lambda image: primary(problem, image) or 0.0) if problem.clean is not None else None,
    )
    before = 0 if place.device.startswith("cuda") else psutil.Process().memory_info().rss
    outcome = contender.method(problem, effort)
    peak = max(0, peak_memory(place.device) - before)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what is done is saved
    images = {column(run.method, name): image for name, image in outcome.images.items()}
    curve = [asdict(point) for point in outcome.curve]
    return {
        **asdict(run),
        "settings": dict(contender.settings),
        "share": effort.share,
        "scores": {name: scores(item, problem, image) for name, image in images.items()},
        "images": {
            name: save_image(place.records, f"{run.folder}/{_stem(name, run.seed)}.png", image)
            for name, image in images.items()
        },
        "problem": _save_problem(problem, run, place.records),
        "seconds": round(outcome.seconds, 3),
        "steps": outcome.steps,
        "stopped": outcome.stopped,
        "uncertainty_db": outcome.uncertainty_db,
        "calibration": {name: _short(value) for name, value in outcome.calibration.items()},
        "complete": outcome.complete,
        "interrupted": outcome.interrupted,
        "peak_memory_bytes": peak,
        "curve": {
            name: [_short(point[name]) for point in curve] for name in Point.__dataclass_fields__
        },
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {name: version(name) for name in PACKAGES if _is_installed(name)},
        "machine": f"{platform.machine()} {platform.system()}, {_cores()} cores",
        "device": place.device,
        "threads": place.threads,
    }


def scores(item: Item, problem: Problem, image: Pixels) -> dict[str, float]:
    """Every metric of the item that can be measured on this image."""
    measured = {name: METRICS[name](problem, image) for name in item.metrics}
    return {
        name: round(value, 4)
        for name, value in measured.items()
        if value is not None and math.isfinite(value)
    }


def _save_problem(problem: Problem, run: Run, records: Path) -> dict[str, str]:
    known = None if problem.known is None else problem.known[..., None]
    images = {
        "degraded": problem.observation,
        "clean": problem.clean,
        "guide": problem.guide,
        "known": known,
    }
    return {
        name: save_image(records, f"{run.folder}/{name}.png", image)
        for name, image in images.items()
        if image is not None
    }


def _stem(name: str, seed: int) -> str:
    letters = "".join(letter if letter.isalnum() else "-" for letter in name)
    return f"{'-'.join(filter(None, letters.split('-')))}-{seed}"


def _short(value: float | None) -> float | None:
    if value is None or isinstance(value, int):
        return value
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _cores() -> str:
    return str(psutil.cpu_count(logical=False) or "?")


def _is_installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
