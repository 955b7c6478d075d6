"""What the requests of the page do."""

import asyncio
import filecmp
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse

from ...available import in_words
from ...errors import BadInput
from ...files import suffix_for
from . import views
from .events import Events
from .forms import forms
from .jobs import Jobs
from .opening import Reader
from .shelf import Held, Job, Shelf, named

ORDERS = 2**20  # bytes of any request but a file
LARGEST_VIEW = 4096  # pixels a side
VIEWS = 2  # that are made at a time, for the sake of memory
ALL = {"x": 0, "y": 0, "width": 2**31, "height": 2**31, "side": LARGEST_VIEW, "page": 1}


class TooLarge(Exception):
    """A file is above the limit."""


class Busy(Exception):
    """Something is needed elsewhere."""


class Page:
    """What the requests do. limit: bytes of a file."""

    def __init__(self, shelf: Shelf, limit: int) -> None:
        self.shelf, self.limit = shelf, limit
        self.events = Events()
        self.reader = Reader(shelf.temporary)
        self.jobs = Jobs(shelf, self.reader, self.events.publish)
        self.forms = forms()
        self.looking = asyncio.Semaphore(VIEWS)

    async def close(self) -> None:
        """Save the best so far of what is being done."""
        await self.jobs.close()
        self.reader.end()

    def state(self) -> dict[str, Any]:
        """All that a page shows."""
        return {
            "folder": str(self.shelf.folder),
            "version": version("deep-image-prior"),
            "limit": self.limit,
            "tasks": self.forms,
            "files": [asdict(held) for held in self.shelf.files.values()],
            "jobs": [asdict(job) for job in self.shelf.jobs.values()],
        }

    async def follow(self, request: Request) -> Response:
        return StreamingResponse(self.events.stream(self.state), media_type="text/event-stream")

    async def upload(self, request: Request) -> Response:
        """The body is the file; it is written as it comes."""
        told = int(request.headers.get("content-length", 0))
        role = request.query_params.get("role", "picture")
        if role not in ("picture", "guide"):
            raise BadInput(f"there is no role {role!r}; choose picture or guide")
        name = named(request.query_params.get("name", ""))
        self._check_size(told, name)
        self.shelf.check_room(told)
        held = await self.hold(name, role, request.stream())
        return JSONResponse(asdict(held), 201)

    def _check_size(self, size: int, name: str) -> None:
        if size > self.limit:
            raise TooLarge(
                f"{name} is larger than {in_words(self.limit)}, the most that this page takes; "
                "use the command, or start dip page with a larger --limit"
            )

    async def hold(self, name: str, role: str, content: AsyncIterator[bytes]) -> Held:
        """Another file. Raises BadInput if it is no picture; then nothing is kept of it."""
        id = self.shelf.new_id()
        place = self.shelf.place_of_file(id)
        place.mkdir()
        path = place / "file" / name
        try:
            path.parent.mkdir()
            size = 0
            with path.open("wb") as file:
                async for chunk in content:
                    size += len(chunk)
                    self._check_size(size, name)
                    await asyncio.to_thread(file.write, chunk)
            if not size:
                raise BadInput(f"{name} is empty; choose another file")
            facts = await self.reader(views.opened, path, place / "view.npy")
            held = Held(id=id, role=role, name=name, bytes=size, **facts)
            self.shelf.keep_file(held)
        except BaseException as error:
            self.shelf.forget(id)
            if isinstance(error, BadInput):
                raise BadInput(self.shelf.plain(str(error))) from None
            raise
        self.events.publish("file", asdict(held))
        return held

    async def open(self, path: Path) -> None:
        """A file of this machine, unless it is here."""
        alike = [held for held in self.shelf.files.values() if held.name == named(path.name)]
        for held in alike:
            if filecmp.cmp(path, self.shelf.path(held), shallow=False):
                return

        async def content() -> AsyncIterator[bytes]:
            with path.open("rb") as file:
                while chunk := await asyncio.to_thread(file.read, 2**20):
                    yield chunk

        await self.hold(named(path.name), "picture", content())

    def held(self, request: Request) -> Held:
        return self.shelf.files[request.path_params["id"]]

    def job(self, request: Request) -> Job:
        return self.shelf.jobs[request.path_params["id"]]

    async def remove_file(self, request: Request) -> Response:
        held = self.held(request)
        if self.jobs.uses(held.id):
            raise Busy(f"{held.name} is needed by what is being restored; cancel that first")
        self.shelf.remove_file(held.id)
        self.events.publish("removed", {"id": held.id})
        return Response(status_code=204)

    async def view_file(self, request: Request) -> Response:
        held = self.held(request)
        array = self.shelf.place_of_file(held.id) / "view.npy"
        return await self._view(request, array, held.black, held.white, lasting=True)

    async def download_file(self, request: Request) -> Response:
        held = self.held(request)
        return attached(self.shelf.path(held), held.name)

    async def add_job(self, request: Request) -> Response:
        asked = json.loads(await self._body(request))
        if not isinstance(asked, dict) or not isinstance(asked.get("options", {}), dict):
            raise BadInput("a job is {task, file, options}")
        task, file = str(asked.get("task")), str(asked.get("file"))
        return JSONResponse(asdict(self.jobs.add(task, file, asked.get("options", {}))), 201)

    async def _body(self, request: Request) -> bytes:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > ORDERS:
                raise TooLarge(f"a request is larger than {in_words(ORDERS)}")
        return body

    async def order(self, request: Request) -> Response:
        """pause, resume, stop, cancel or again."""
        word = request.path_params["word"]
        if word not in ("pause", "resume", "stop", "cancel", "again"):
            raise LookupError
        job = self.job(request)
        return JSONResponse(asdict(getattr(self.jobs, word)(job) or job))

    async def remove_job(self, request: Request) -> Response:
        self.jobs.remove(self.job(request))
        return Response(status_code=204)

    async def view_job(self, request: Request) -> Response:
        """A moment, or an output once there is one."""
        job, step = self.job(request), request.query_params.get("step")
        output = request.query_params.get("output", "image")
        if step == "latest":
            step = str(max(job.moments)) if job.moments and not job.outputs else None
        if step is not None:
            array = self.jobs.moment(job, int(step))
        else:
            array = self.jobs.array(job, output)
            if not array.exists():
                await self.jobs.opened(job, output)
        return await self._view(request, array, job.black, job.white)

    async def _view(
        self, request: Request, array: Path, black: float, white: float, lasting: bool = False
    ) -> Response:
        asked = {name: int(request.query_params.get(name, value)) for name, value in ALL.items()}
        box = (asked["x"], asked["y"], asked["width"], asked["height"])
        side = min(max(1, asked["side"]), LARGEST_VIEW)
        how = (array, black, white, asked["page"], box, side)
        async with self.looking:
            png = await asyncio.to_thread(views.region, *how)
        kept = {"Cache-Control": "private, max-age=3600"} if lasting else {}
        return Response(png, media_type="image/png", headers=kept)

    async def download_job(self, request: Request) -> Response:
        """The file of an output as it was written; of a moment, or mixed with the picture, as it
        would be.
        """
        job, asked = self.job(request), request.query_params
        output, step = asked.get("output", "image"), asked.get("step")
        strength = float(asked.get("strength", 1))
        if not 0 <= strength <= 1:
            raise ValueError
        path = self.jobs.path(job, output) if job.outputs or step is None else None
        if path and step is None and strength == 1:
            return attached(path, path.name)
        held = self.shelf.files.get(job.file)
        if held is None:
            raise BadInput("the picture was removed, and this would be made with it; open it again")
        restored = path if step is None else self.jobs.moment(job, int(step))
        assert restored
        path = path or Path(f"{Path(held.name).stem}-{job.task}{suffix_for(Path(held.name))}")
        marks = [
            *([f"step{step}"] if step else []),
            *([f"strength{strength:g}"] if strength < 1 else []),
        ]
        target = self.shelf.temporary / f"{secrets.token_hex(8)}{path.suffix}"
        page = int(job.options["page"]) if "page" in job.options else None
        how = (self.shelf.path(held), page, restored, strength, path.suffix, target)
        await self.reader(views.mixed, *how)
        return attached(target, "-".join([path.stem, *marks]) + path.suffix, passing=True)

    async def record(self, request: Request) -> Response:
        job = self.job(request)
        path = self.jobs.path(job, "image")
        return attached(path.with_name("record.json"), f"{path.stem}.json")


def attached(path: Path, name: str, passing: bool = False) -> Response:
    """The file, to be saved under that name. passing: it is removed once it was sent."""
    if not path.exists():
        raise LookupError
    if path.is_dir():
        raise BadInput(f"{name} is a folder; copy it from {path}")
    after = BackgroundTask(path.unlink) if passing else None
    return FileResponse(
        path, filename=name, media_type="application/octet-stream", background=after
    )
