"""Work on many pictures by the workers of a Dask cluster (dask.distributed).

The scheduler of Dask hands as many jobs to a worker as it has threads, while a picture takes all of
them. So a job is sent to one worker, that has no other, and if that is lost to another one.
"""

import asyncio
import logging
import pickle
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager
from importlib.metadata import version
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..errors import BadInput
from .at_worker import Files, made
from .say import say
from .workers import Done, Gone, Job, Outcome

if TYPE_CHECKING:
    from distributed import Client

    from .restoring import Host

PATIENCE = 10  # seconds for an answer of the scheduler
WAITING = 30.0  # seconds for a worker to come
LOOKING = 1.0  # seconds between looks at who is there
TRIES = 3  # of a job, each at another worker than it was lost with
LOST = f"{TRIES} workers were lost while they worked on it; there may be too little memory for it"
SAME = ("deep-image-prior", "torch")  # with others a result may be another


@contextmanager
def connected(address: str) -> Iterator["Crew"]:
    """The workers of the scheduler at `address`, at least one. Raises BadInput."""
    try:
        import dask
        from distributed import Client
    except ImportError:
        raise BadInput(
            "--scheduler needs dask.distributed; pip install 'deep-image-prior[cluster]'"
        ) from None
    patience = {"distributed.comm.timeouts.connect": f"{PATIENCE} s"}
    with _silence(), dask.config.set(patience):
        try:
            # in a thread of its own: the caller's may have a loop that runs already
            with ThreadPoolExecutor(1) as thread:
                thread.submit(asyncio.run, _introduced(address)).result()
        except Exception as error:  # another server's answer may be anything
            raise BadInput(
                f"there is no Dask scheduler at {address}; begin one with `dask scheduler`, and "
                "give the address that it tells"
            ) from error
        with Client(address, set_as_default=False) as client:
            crew = Crew(client, address)
            try:
                crew.wait()
            except Gone as gone:
                raise BadInput(f"{gone}; begin one with `dask worker {address}`") from None
            crew.working = True
            yield crew


async def _introduced(address: str) -> None:
    """Raises an exception unless a scheduler is there; a client would wait for ever."""
    from distributed import Security, rpc

    async with (
        asyncio.timeout(PATIENCE),
        rpc(address, connection_args=Security().get_connection_args("client")) as there,
    ):
        if "workers" not in await there.identity():
            raise OSError("a worker")


@contextmanager
def _silence() -> Iterator[None]:
    """What Dask says at length is said here in a line."""
    logging.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


class Crew:
    """The workers of a scheduler, as they come and go.

    there: their addresses; ready: of those that may get work. working: whether work has begun, and
    a worker of another version is only left out.
    """

    def __init__(self, client: "Client", address: str) -> None:
        self.client, self.address, self.working = client, address, False
        self.there: set[str] = set()
        self.ready: set[str] = set()
        self._known: dict[str, bool] = {}  # whether they are as they should be

    def begin(self, worker: str, work: Any, job: Any, files: Files) -> Future[Any]:
        """work(host, job) at a worker."""
        coming = made(self.client, worker, pickle.dumps((work, job)), files)
        loop: Any = self.client.loop  # Tornado's, around that of asyncio
        return asyncio.run_coroutine_threadsafe(coming, loop.asyncio_loop)

    def wait(self) -> None:
        """Until one is ready. Raises Gone if none comes."""
        self.look()
        until = time.monotonic() + WAITING
        if not self.ready:
            say(f"waiting for a worker at {self.address}, {WAITING:.0f} s at most")
        while not self.ready:
            if time.monotonic() > until:
                raise Gone(f"there was no worker at {self.address} for {WAITING:.0f} s")
            time.sleep(LOOKING)
            self.look()

    def look(self) -> None:
        """See who is there. Raises Gone if the scheduler is not, BadInput if a worker is of another
        version.
        """
        try:
            if self.client.status != "running":
                raise OSError
            workers = self.client.scheduler_info(n_workers=-1)["workers"]
            faults = self._faults(workers.keys() - self._known.keys())
        except OSError:
            raise Gone(f"the scheduler at {self.address} went away") from None
        for fault in faults:
            if not self.working:
                raise BadInput(fault)
            say(f"note: {fault}; it gets no pictures")
        self.there = set(workers)
        # one that is short of memory is paused
        running = {name for name, facts in workers.items() if facts["status"] == "running"}
        self.ready = {name for name in running if self._known.get(name)}

    def _faults(self, new: Iterable[str]) -> list[str]:
        """What is wrong with those who are new, a line each."""
        faults: dict[str, str] = {}
        met = set(new)
        for name, ours in versions().items() if met else ():
            # a function that is there, whatever else is not
            told = self.client.run(version, name, workers=list(met), on_error="return")
            for worker, theirs in told.items():
                if isinstance(theirs, OSError):
                    met.discard(worker)  # it is gone already
                elif (has := _public(theirs)) != ours:
                    faults.setdefault(
                        worker,
                        f"{name} must be {ours} on all machines, and the worker {worker} has {has}",
                    )
        self._known |= {worker: worker not in faults for worker in met}
        return list(faults.values())


def versions() -> dict[str, str]:
    """Of what is to be the same on all machines."""
    return {name: _public(version(name)) for name in SAME}


def _public(version: str | Exception) -> str:
    """Without what it was built for, CPUs or graphics cards."""
    return "none" if isinstance(version, Exception) else version.partition("+")[0]


def by_crew(
    crew: Crew,
    work: Callable[["Host", Job], Outcome],
    jobs: Iterable[Job],
    files: Callable[[Job], Files],
) -> Done[Job, Outcome]:
    """work(host, job) of each as they are done by the workers; files: of a job, by name.

    A job whose worker is lost goes to another one; one that has lost TRIES of them has an exception
    as its outcome. Raises Gone.
    """
    coming = iter(jobs)
    waiting: deque[tuple[Job, int]] = deque()
    busy: dict[str, tuple[Job, int, Future[Outcome]]] = {}

    def more() -> bool:
        if not waiting:
            waiting.extend((job, 1) for job in islice(coming, 1))
        return bool(waiting)

    try:
        while busy or more():
            free = crew.ready - busy.keys()
            while free and more():
                job, tries = waiting.popleft()
                worker = free.pop()
                busy[worker] = job, tries, crew.begin(worker, work, job, files(job))
            if not busy:
                crew.wait()
                continue
            wait([future for _, _, future in busy.values()], LOOKING, FIRST_COMPLETED)
            for worker, (job, _, future) in list(busy.items()):
                if _succeeded(future):
                    del busy[worker]
                    yield job, future.result()
            if any(future.done() for _, _, future in busy.values()):
                time.sleep(LOOKING)  # until the scheduler, too, knows that a worker is lost
            crew.look()
            for worker, (job, tries, future) in list(busy.items()):
                lost = worker not in crew.there
                if _succeeded(future) or not (lost or future.done()):
                    continue
                del busy[worker]
                error = future.exception() if future.done() else None
                future.cancel()
                if error and not (lost or isinstance(error, OSError)):
                    yield job, error
                elif tries < TRIES:
                    waiting.append((job, tries + 1))
                else:
                    yield job, OSError(LOST) if lost or not error else error
    finally:
        for _, _, future in busy.values():
            future.cancel()


def _succeeded(future: Future[Any]) -> bool:
    return future.done() and not future.exception()
