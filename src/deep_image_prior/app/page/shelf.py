"""The folder of the page: the pictures that were opened, and what was made of them."""

import json
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout

from ...errors import BadInput
from ...files import write_atomically
from ..say import say

MARK = "dip-page.json"  # the file that says whose folder it is
LONGEST = 120  # characters of a name
RESERVE = 2**26  # bytes of the disk that stay free

ENDED = ("done", "stopped", "cancelled", "failed", "interrupted")


@dataclass(frozen=True, kw_only=True)
class Held:
    """A file that was opened. role: a picture to restore, or a guide for an option. black, white:
    of its values, as they are shown.
    """

    id: str
    role: str
    name: str
    width: int
    height: int
    channels: int
    pages: int
    dtype: str
    bytes: int
    black: float
    white: float


@dataclass(kw_only=True)
class Job:
    """A task for one file. The fields are those of the contract with the page (server.py).

    state: waiting, running, paused or one of ENDED. energy: [step, E] of some steps. moments: steps
    whose pictures can be seen. outputs: the files of the result. black, white: as of the picture.
    """

    id: str
    file: str
    task: str
    options: dict[str, Any]
    command: str = ""
    state: str = "waiting"
    place: int | None = None
    phase: str = ""
    done: int = 0
    total: int | None = None
    left: float | None = None
    energy: list[list[float]] = field(default_factory=list)
    moments: list[int] = field(default_factory=list)
    chosen: int | None = None
    width: int | None = None
    height: int | None = None
    pages: int | None = None
    lines: list[str] = field(default_factory=list)
    confidence: str | None = None
    notes: list[str] = field(default_factory=list)
    error: str | None = None
    outputs: list[dict[str, Any]] = field(default_factory=list)
    resumable: bool = False
    black: float = 0.0
    white: float = 1.0


Kept = TypeVar("Kept", Held, Job)


class Shelf:
    """Folder `folder`: pictures/ID/ has a file and what is known of it, results/ID/ a job and what
    it made. Ids are made here, and looked up: no path is made of what a request says.

    Raises BadInput if the folder is of other files, or if another page works in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        _claim(self.folder)
        self.lock = FileLock(self.folder / ".lock")
        try:
            self.lock.acquire(timeout=0)
        except Timeout:
            raise BadInput(
                f"another dip page works in {folder}; use its page, or give another --folder"
            ) from None
        self.temporary = self.folder / "temporary"
        self.temporary.mkdir(exist_ok=True)
        self._sweep()
        self.files = {each.id: each for each in _found(Held, self.folder / "pictures")}
        self.jobs = {each.id: each for each in _found(Job, self.folder / "results")}
        for job in self.jobs.values():
            if job.state not in ENDED:
                job.state, job.place, job.left = "interrupted", None, None
                job.error = "the page was ended before this was done"
                self.keep_job(job)

    def close(self) -> None:
        """Let another page work here."""
        self._sweep()
        self.lock.release()

    def _sweep(self) -> None:
        """Remove temporary files. In folders are results that could not be saved elsewhere."""
        for path in self.temporary.iterdir():
            if path.is_file():
                path.unlink(missing_ok=True)

    def check_room(self, size: int) -> None:
        """Raise OSError if the disk has no room for a file of `size` bytes, and its pixels."""
        free = shutil.disk_usage(self.folder).free
        if 2 * size + RESERVE > free:
            raise OSError(f"the disk of {self.folder} is full; remove something and try again")

    def new_id(self) -> str:
        """Of a file or job; later ones sort behind."""
        last = max((int(each[:6], 16) for each in [*self.files, *self.jobs]), default=0)
        return f"{last + 1:06x}{secrets.token_hex(3)}"

    def place_of_file(self, id: str) -> Path:
        """The folder for the file called `id`."""
        return self.folder / "pictures" / id

    def place_of_job(self, id: str) -> Path:
        """The folder for what the job called `id` makes."""
        return self.folder / "results" / id

    def path(self, held: Held) -> Path:
        """Where the bytes are, as they came."""
        return self.place_of_file(held.id) / "file" / held.name

    def keep_file(self, held: Held) -> None:
        """It is here from now on."""
        _write(self.place_of_file(held.id) / "picture.json", asdict(held))
        self.files[held.id] = held

    def keep_job(self, job: Job) -> None:
        """As it is now."""
        self.place_of_job(job.id).mkdir(parents=True, exist_ok=True)
        _write(self.place_of_job(job.id) / "job.json", asdict(job))
        self.jobs[job.id] = job

    def plain(self, text: str) -> str:
        """The same with the names of files that the person knows."""
        return re.sub(rf"{re.escape(str(self.folder))}/(pictures|results)/\w+/(file/)?", "", text)

    def forget(self, id: str) -> None:
        """Remove a file that was not kept."""
        shutil.rmtree(self.place_of_file(id), ignore_errors=True)

    def remove_file(self, id: str) -> None:
        """For good."""
        del self.files[id]
        self.forget(id)

    def remove_job(self, id: str) -> None:
        """For good, with what it made."""
        del self.jobs[id]
        shutil.rmtree(self.place_of_job(id), ignore_errors=True)


def named(name: str) -> str:
    """A name of a file on any system that is like `name`, whatever that is."""
    last = re.split(r"[/\\]", name)[-1]
    plain = "".join(
        "_" if each in '<>:"|?*{}%' or not each.isprintable() else each for each in last
    )
    plain = plain.strip(" .")
    stem, dot, ending = plain.rpartition(".")
    if not dot or len(ending) > 10:
        stem, dot, ending = plain, "", ""
    while len(f"{stem}{dot}{ending}".encode()) > LONGEST:
        stem = stem[:-1]
    return f"{stem}{dot}{ending}" if stem else f"picture{dot}{ending}"


def _claim(folder: Path) -> None:
    """Make it ours. Raises BadInput if it cannot be."""
    try:
        folder.mkdir(exist_ok=True)
        if not (folder / MARK).exists():
            if any(folder.iterdir()):
                raise BadInput(
                    f"{folder} is a folder of other files; give --folder one that is empty or new"
                )
            _write(folder / MARK, {"made by": "dip page"})
        for name in ("pictures", "results"):
            (folder / name).mkdir(exist_ok=True)
    except FileExistsError:
        raise BadInput(f"{folder} is a file; give --folder a folder") from None
    except FileNotFoundError:
        raise BadInput(f"{folder.parent} is not a folder; make it first") from None
    except OSError as error:
        raise BadInput(
            f"{folder} cannot be used ({error.strerror}); give another --folder"
        ) from None


def _found(kind: type[Kept], folder: Path) -> Iterator[Kept]:
    """What is there, the oldest first. A folder without its description is one that was not
    finished, and is removed; what cannot be understood is left where it is, and said.
    """
    names = {each.name for each in fields(kind)}
    description = "picture.json" if kind is Held else "job.json"
    for place in sorted(folder.iterdir()):
        try:
            found: Mapping[str, Any] = json.loads((place / description).read_text())
            yield kind(**{name: value for name, value in found.items() if name in names})
        except FileNotFoundError:
            shutil.rmtree(place, ignore_errors=True)
        except (OSError, ValueError, TypeError) as error:
            say(f"note: {place} is left out, as its {description} cannot be read: {error}")


def _write(path: Path, content: Mapping[str, Any]) -> None:
    write_atomically(path, json.dumps(content, indent=1).encode(), overwrite=True)
