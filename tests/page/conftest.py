"""`dip page` in a folder of its own, and a Chromium that looks at it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from skimage import data

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
WAIT = 30_000  # milliseconds; the first job waits for torch


@dataclass
class Server:
    """A running `dip page`."""

    process: subprocess.Popen[str]
    address: str
    folder: Path

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(60)  # it may have a best so far to save
        assert self.process.stdout
        self.process.stdout.close()


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Server]]:
    """Starts a server; it ends with the tests."""
    pytest.importorskip("starlette", reason="dip page needs the extra page")
    servers = []

    def started() -> Server:
        folder = tmp_path_factory.mktemp("page") / "folder"
        command = [sys.executable, "-m", "deep_image_prior", "page", "--no-browser"]
        process = subprocess.Popen(
            [*command, "--folder", str(folder)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert process.stdout
        line = process.stdout.readline()
        servers.append(Server(process, re.findall(r"http://\S+", line)[0], folder))
        return servers[-1]

    yield started
    for server in servers:
        server.end()


@pytest.fixture(scope="session")
def server(start: Callable[[], Server]) -> Server:
    """One for all tests that leave it running."""
    return start()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="tests of the page need playwright")
    if CHROMIUM is None:
        pytest.skip("tests of the page need chromium (apt install chromium)")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Any, server: Server) -> Iterator[Any]:
    """A window in which no request leaves the server and no script fails."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    context.set_default_timeout(WAIT)
    requests: list[str] = []
    errors: list[str] = []
    context.on("request", lambda request: requests.append(request.url))
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield context
    context.close()
    origin = server.address.rsplit("/", 2)[0]
    assert not [each for each in requests if not each.startswith((origin, "blob:", "data:"))]
    assert not errors


@pytest.fixture
def page(context: Any, server: Server) -> Any:
    """A tab with the page."""
    tab = context.new_page()
    tab.goto(server.address)
    return tab


@pytest.fixture(scope="session")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A noisy gray PNG of 16 bits and 48 x 48 pixels that says more than its pixels."""
    clean = data.camera()[96:144, 200:248] * 257.0
    noisy = clean + np.random.default_rng(0).normal(0, 25 * 257, clean.shape)
    told = PngImagePlugin.PngInfo()
    told.add_text("Description", "a man and a camera")
    path = tmp_path_factory.mktemp("pictures") / "photo.png"
    image = Image.fromarray(noisy.clip(0, 65535).astype(np.uint16))
    image.save(path, dpi=(300, 300), pnginfo=told)
    return path
