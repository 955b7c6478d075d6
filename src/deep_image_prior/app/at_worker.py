"""One picture at a worker of a Dask cluster: the files it needs are found there, or sent to it."""

import asyncio
import operator
import pickle
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psutil

from ..available import SHARE, available
from ..errors import BadInput

if TYPE_CHECKING:
    from distributed import Client

ONE = threading.Lock()  # a picture at a time in a process, though two commands use it

Files = Mapping[str, Path]
Read = TypeVar("Read")


class Abandoned(Exception):
    """Nobody waits for the picture any more."""


@dataclass(frozen=True)
class Unseen:
    """The names of files that a worker does not see as they are here."""

    names: Sequence[str]


async def made(client: "Client", worker: str, task: bytes, paths: Files) -> Any:
    """The outcome of a job at a worker. It reads what it sees in the same place with the same
    sha256; the other files are sent to it. So nothing needs to be known of the folders it has, and
    large files take the way through the scheduler only where there is no other.
    """
    shown = await asyncio.to_thread(_read, _seen, paths)
    sent: dict[str, bytes] = {}
    while True:
        outcome = await _called(client, worker, partial(_there, task, shown, sent))
        if not isinstance(outcome, Unseen):
            return outcome
        unseen = {name: paths[name] for name in outcome.names}
        sent |= await asyncio.to_thread(_read, _bytes, unseen)


async def _called(client: "Client", worker: str, call: Callable[[], Any]) -> Any:
    """call() there. It goes as data through the scheduler, which need not know this package."""
    [there] = await client.scatter([call], workers=[worker], hash=False)
    try:
        return await client.submit(operator.call, there, workers=[worker], pure=False)
    except CancelledError as error:  # what it needs was lost with its worker
        raise OSError(str(error)) from None


def _read(read: Callable[[Path], Read], paths: Files) -> dict[str, Read]:
    """Raises BadInput."""
    found = {}
    for name, path in paths.items():
        try:
            found[name] = read(path)
        except OSError as error:
            reason = error.strerror
            raise BadInput(f"{path} cannot be read ({reason}); give an image file") from None
    return found


def _seen(path: Path) -> tuple[Path, str]:
    return path.absolute(), _sha256(path)


def _sha256(path: Path) -> str:
    from .record import fingerprint  # loads torch, where a worker has a thread for it

    return fingerprint(path)["sha256"]


def _bytes(path: Path) -> bytes:
    if path.is_dir():
        raise BadInput(f"{path} is a folder that a worker does not see; put it where all see it")
    return path.read_bytes()


def _there(
    task: bytes, shown: Mapping[str, tuple[Path, str]], sent: Mapping[str, bytes]
) -> Any | Unseen:
    """What is done at the worker: a job, with the files that it sees and those sent to it."""
    from distributed import Status, get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def heed() -> None:
        known = worker.state.tasks.get(key)
        ended = worker.status in (Status.closing, Status.closed)  # its scheduler is gone
        if ended or known is None or known.state == "cancelled":
            raise Abandoned

    with tempfile.TemporaryDirectory(dir=worker.local_directory) as folder:
        files, unseen = {}, []
        for name, (path, sha256) in shown.items():
            if name in sent:
                files[name] = Path(folder, name, path.name)
                files[name].parent.mkdir()
                files[name].write_bytes(sent[name])
            elif path.exists() and _sha256(path) == sha256:
                files[name] = path
            else:
                unseen.append(name)
        if unseen:
            return Unseen(unseen)
        with ONE:
            heed()
            work, job = pickle.loads(task)  # not before, torch takes its time to load
            import torch

            from .restoring import Host

            torch.set_num_threads(worker.state.nthreads)
            limit = _memory(worker.memory_manager.memory_limit)
            return work(Host(limit, files, heed=heed), job)


def _memory(limit: int | None) -> int:
    """Bytes for a picture in this process: beyond its limit it would be killed."""
    left = [available()]
    if limit:
        left.append(int(SHARE * (limit - psutil.Process().memory_info().rss)))
    return max(min(left), 1)
