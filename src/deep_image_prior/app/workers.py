"""Work on many things at a time: in this process, or in several that share the cores. cluster.py
does it on other machines.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import wait as wait_for
from typing import TypeVar

import psutil

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")
Done = Generator[tuple[Job, Outcome | BaseException], None, None]


class Gone(Exception):
    """Those who do the work are gone, and there is more of it; the message says who."""


WAITING = 2  # jobs for each process, so that none is idle and none is made long before its time


def in_turn(work: Callable[[Job], Outcome], jobs: Iterable[Job]) -> Done[Job, Outcome]:
    """work(job) of each, or what it raised, here."""
    for job in jobs:
        outcome: Outcome | Exception
        try:
            outcome = work(job)
        except Exception as error:
            outcome = error
        yield job, outcome


def side_by_side(
    work: Callable[[Job], Outcome], jobs: Iterable[Job], count: int
) -> Done[Job, Outcome]:
    """work(job) of each as they are done, in `count` processes with equal shares of the cores.

    A job whose process was killed, or that of another, is tried once more, one at a time: then it
    is known which one it was, and the exception is its outcome. Leaving the iteration kills the
    processes.
    """
    coming = iter(jobs)
    while True:
        lost = []
        for job, outcome in _pooled(work, coming, count, count, WAITING * count):
            if isinstance(outcome, BrokenProcessPool):
                lost.append(job)
            else:
                yield job, outcome
        if not lost:
            return
        again = iter(lost)
        broken = True
        while broken:
            broken = False
            for job, outcome in _pooled(work, again, 1, count, 1):
                broken = isinstance(outcome, BrokenProcessPool)
                yield job, outcome


def _pooled(
    work: Callable[[Job], Outcome], jobs: Iterator[Job], count: int, shares: int, most: int
) -> Done[Job, Outcome]:
    """`most` at a time, until there are no more or the processes are broken; then those that they
    had are told.
    """
    import torch  # not in the processes, before they know how many threads they have

    others = set(psutil.Process().children())
    threads = max(1, torch.get_num_threads() // shares)
    pool = ProcessPoolExecutor(
        count, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(threads,)
    )
    pending: dict[Future[Outcome], Job] = {}
    broken = False
    try:
        while True:
            while not broken and len(pending) < most:
                job = next(jobs, None)
                if job is None:
                    break
                try:
                    pending[pool.submit(work, job)] = job
                except BrokenProcessPool as error:  # since the last look
                    broken = True
                    yield job, error
            if not pending:
                return
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                failure = future.exception()
                broken |= isinstance(failure, BrokenProcessPool)
                yield pending.pop(future), failure or future.result()
    finally:
        abandoned = bool(pending)
        if abandoned:
            for process in set(psutil.Process().children()) - others:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        pool.shutdown(wait=not abandoned, cancel_futures=True)


def _begin(threads: int) -> None:
    """A process of so many threads, that Ctrl-C does not reach, and that ends with the one that
    began it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = str(threads)  # torch, when it is loaded, looks there
    end_with_parent()


def end_with_parent() -> None:
    """This process ends at once when the one that began it does."""
    parent = multiprocessing.parent_process()
    assert parent

    def watch() -> None:
        wait_for([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
