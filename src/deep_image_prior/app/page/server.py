"""The page's server: on this machine only, for those who know its address, in one folder.

    GET  api/events                 what there is, and every change: server-sent events
    POST api/files?name=&role=      the bytes of a file          GET, DELETE api/files/ID...
    POST api/jobs                   {task, file, options}        GET, POST, DELETE api/jobs/ID...

All of it lies under a token in the address. Nothing is asked of any other machine.
"""

import asyncio
import contextlib
import secrets
import socket
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ...errors import BadInput
from ..say import answer, say
from ..signals import kinds
from .answers import Busy, Page, TooLarge
from .guard import HOST, Guard, refused
from .shelf import Shelf

STATIC = Path(__file__).with_name("static")


def routes(page: Page) -> list[Route | Mount]:
    """What is under the token."""
    file, job = "/api/files/{id}", "/api/jobs/{id}"
    return [
        Route("/", lambda request: FileResponse(STATIC / "page.html")),
        Route("/api/events", page.follow),
        Route("/api/files", page.upload, methods=["POST"]),
        Route(file, page.remove_file, methods=["DELETE"]),
        Route(f"{file}/view", page.view_file),
        Route(f"{file}/download", page.download_file),
        Route("/api/jobs", page.add_job, methods=["POST"]),
        Route(job, page.remove_job, methods=["DELETE"]),
        Route(f"{job}/view", page.view_job),
        Route(f"{job}/download", page.download_job),
        Route(f"{job}/record", page.record),
        Route(job + "/{word}", page.order, methods=["POST"]),
        Mount("/", StaticFiles(directory=STATIC)),
    ]


def refusing(status: int, line: str = "") -> Callable[[Request, Exception], Response]:
    """A handler of exceptions; line: what to say where they do not."""
    return lambda request, error: refused(status, line or str(error))


REFUSALS: dict[Any, Callable[[Request, Exception], Response]] = {
    BadInput: refusing(422),
    TooLarge: refusing(413),
    Busy: refusing(409),
    OSError: refusing(507),
    LookupError: refusing(404, "this is not here any more"),
    RecursionError: refusing(400, "this request is not understood"),
    ValueError: refusing(400, "this request is not understood"),
    ClientDisconnect: refusing(400, "the page has gone away"),
    404: refusing(404, "there is nothing of that name"),
    405: refusing(405, "that cannot be done with this"),
    Exception: refusing(500, "an error of the program; dip page has printed what it was"),
}


class Server(uvicorn.Server):
    """Leaves the signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(pictures: Sequence[Path], folder: Path, port: int, browser: bool, limit: int) -> int:
    """Answer until Ctrl-C. pictures: to be opened; port: 0 for a free one. Raises BadInput."""
    for path in pictures:
        if not path.is_file():
            raise BadInput(f"{path} is no file; give the path of an image file")
    shelf = Shelf(folder)
    try:
        with listening(port) as listener:
            asyncio.run(_serve(shelf, listener, pictures, browser, limit))
    finally:
        shelf.close()
    return 0


def listening(port: int) -> socket.socket:
    """A socket of this machine only. Raises BadInput if another program has the port."""
    listener = socket.socket()
    try:
        listener.bind((HOST, port))
        listener.listen()  # who is told the address may ask at once
    except (OSError, OverflowError) as error:
        listener.close()
        raise BadInput(f"port {port} cannot be had ({error}); leave --port out") from None
    return listener


async def _serve(
    shelf: Shelf, listener: socket.socket, pictures: Sequence[Path], browser: bool, limit: int
) -> None:
    token, port = secrets.token_urlsafe(24), listener.getsockname()[1]
    page = Page(shelf, limit)
    try:
        for path in pictures:
            await page.open(path)
        app = Starlette(
            routes=[Mount(f"/{token}", routes=routes(page))], exception_handlers=REFUSALS
        )
        config = uvicorn.Config(
            Guard(app, token, port),
            lifespan="off",
            log_level="warning",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        server = Server(config)

        def end() -> None:
            server.force_exit = server.should_exit
            server.should_exit = True
            page.events.end()

        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C ends the loop
            for kind in kinds():
                asyncio.get_running_loop().add_signal_handler(kind, end)
        address = f"http://{HOST}:{port}/{token}/"
        answer(f"the page is at {address}")
        answer(f"pictures and results are kept in {shelf.folder}; Ctrl-C ends the page")
        if browser:
            asyncio.get_running_loop().run_in_executor(None, webbrowser.open, address)
        await server.serve(sockets=[listener])
        if page.jobs.current:
            say("saving the best so far")
    finally:
        await page.close()
