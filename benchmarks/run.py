"""Run what is not recorded yet, a process each, and append its records."""

import math
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, cast

import torch

from deep_image_prior.app.signals import undisturbed

from . import data, records
from .items import BUDGETS, ITEMS, Item
from .measure import Place, work
from .methods import Contender
from .records import Record, Run

GRACE = 60  # seconds for an interrupted run to save its best so far
Tell = Callable[[Run, Record | str], None]
Started = tuple[Connection, BaseProcess, Run]


@dataclass(frozen=True)
class Order:
    """What is wanted of the items: pictures, presets and methods by name, none meaning those of the
    budget.
    """

    items: Sequence[str]
    budget: str
    crop: int | None = None
    pictures: Sequence[str] = ()
    presets: Sequence[str] = ()
    methods: Sequence[str] = ()
    seeds: int = 1

    def contenders(self, item: Item) -> dict[str, Contender]:
        """The methods wanted of `item`; one that is named need not be of the budget's preset."""
        presets = self.presets or (item.presets if self.methods else BUDGETS[self.budget].presets)
        named = item.contenders(presets)
        return {
            name: contender
            for name, contender in named.items()
            if not self.methods or name in self.methods
        }


def planned(order: Order) -> Iterator[Run]:
    """Every run of an order, picture by picture, so that its methods are compared in one
    session.
    """
    crop = BUDGETS[order.budget].crop if order.crop is None else order.crop
    for name in order.items:
        for picture in ITEMS[name].pictures:
            if not order.pictures or picture in order.pictures:
                for method, contender in order.contenders(ITEMS[name]).items():
                    for seed in range(order.seeds if contender.random else 1):
                        yield Run(name, order.budget, crop, picture, method, seed)


def estimate(runs: Iterable[Run]) -> float:
    """About how many seconds `runs` take on two cores."""
    total = 0.0
    for each in runs:
        item = ITEMS[each.item]
        source = data.sources().get(item.pictures[each.picture])
        sides = (source.width, source.height) if source else (256, 256)
        area = math.prod(min(side, each.crop or side, item.side or side) for side in sides) / 1e6
        contender = item.contenders()[each.method]
        total += area * contender.cost * (1 if BUDGETS[each.budget].exact else contender.share)
    return total


def check_data(runs: Sequence[Run], folder: Path) -> None:
    """Raise BadInput if a picture that `runs` show is missing or damaged, before hours are spent on
    the others.
    """
    for each in {(each.item, each.picture, each.crop): each for each in runs}.values():
        ITEMS[each.item].make(folder, each.picture, each.crop)


def is_done(record: Record, folder: Path) -> bool:
    """Whether a record need not be made again: not interrupted, the method's settings still these,
    its images there.
    """
    contender = ITEMS[record["item"]].contenders()[record["method"]]
    images = (*record["images"].values(), *record["problem"].values())
    unchanged = record["settings"] == dict(contender.settings)
    return (
        not record["interrupted"]
        and unchanged
        and all((folder / image).is_file() for image in images)
    )


def missing(runs: Sequence[Run]) -> dict[str, str]:
    """The methods of `runs` whose optional package is not installed, and its name."""
    needs = {run.method: ITEMS[run.item].contenders()[run.method].needs for run in runs}
    return {
        method: module for method, module in needs.items() if module and find_spec(module) is None
    }


def execute(runs: Sequence[Run], place: Place, jobs: int, tell: Tell) -> bool:
    """Do `runs`, `jobs` at a time; tell each one's record, or the line that says why there is none.

    Returns whether all of them gave a record. Whatever ends it early goes on after the best so far
    has been recorded.
    """
    context = _context()
    waiting, good = list(runs), True
    busy: dict[Connection, Started] = {}
    try:
        while waiting or busy:
            while waiting and len(busy) < jobs:
                with undisturbed():
                    started = _start(context, waiting.pop(0), place)
                    busy[started[0]] = started
            for answers in wait(busy):
                with undisturbed():
                    good &= _collect(busy.pop(cast(Connection, answers)), place, tell)
    except BaseException:
        with undisturbed():
            for _, process, _ in busy.values():
                process.terminate()
            for started in busy.values():
                if not started[0].poll(GRACE):
                    started[1].kill()
                _collect(started, place, tell)
        raise
    return good


def _context() -> BaseContext:
    """A process that has imported everything once and forks the others, where the system has
    one.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.measure"])
    return context


def _start(context: Any, run: Run, place: Place) -> Started:
    answers, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(run, place, theirs))
    process.start()
    theirs.close()
    return answers, process, run


def _collect(started: Started, place: Place, tell: Tell) -> bool:
    answers, process, run = started
    try:
        answer = answers.recv()
    except EOFError:
        process.join()
        answer = f"its process was killed (exit code {process.exitcode}); out of memory?"
    if isinstance(answer, OSError):
        raise OSError(
            f"{place.records}: {answer.strerror or answer}; make room or write elsewhere, the "
            "records stand"
        )
    if isinstance(answer, dict):
        records.append(place.records, answer)
    process.join()
    tell(run, answer)
    return isinstance(answer, dict)


def threads_each(jobs: int) -> int:
    """The threads that PyTorch would take here (OMP_NUM_THREADS counts), shared among `jobs`."""
    return max(1, torch.get_num_threads() // jobs)
