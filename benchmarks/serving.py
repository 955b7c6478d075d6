"""What `dip page` costs: bytes, seconds until something is seen, memory. `python -m
benchmarks.serving`.
"""

import http.client
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil
from PIL import Image
from skimage import data

from deep_image_prior.app.page.server import STATIC
from deep_image_prior.app.page.shelf import ENDED

COUNT, LARGE, SMALL = 10, (3000, 4000), (256, 256)  # pictures in the queue; rows and columns
DIP = [sys.executable, "-m", "deep_image_prior"]
EVERY = 0.2  # seconds between looks at the memory


def noisy(height: int, width: int) -> bytes:
    """PNG of a photograph of that size with white noise of sigma 25."""
    photo = Image.fromarray(data.astronaut()).resize((width, height), Image.Resampling.BICUBIC)
    noise = np.random.default_rng(0).normal(0, 25, (height, width, 3))
    file = io.BytesIO()
    image = Image.fromarray((np.asarray(photo) + noise).clip(0, 255).astype(np.uint8))
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


class Page:
    """A running `dip page`; seconds: until it had told its address."""

    def __init__(self, folder: Path) -> None:
        start = time.monotonic()
        command = [*DIP, "page", "--no-browser", "--folder", str(folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.address = urlsplit(self.process.stdout.readline().split()[-1])
        self.seconds = time.monotonic() - start

    def ask(self, method: str, path: str, body: bytes | str | None = None) -> bytes:
        connection = http.client.HTTPConnection(self.address.netloc, timeout=600)
        with closing(connection):
            connection.request(method, f"{self.address.path}{path}", body, {"X-Dip": "1"})
            response = connection.getresponse()
            content = response.read()
        if response.status >= 300:
            raise RuntimeError(content.decode())
        return content

    def upload(self, content: bytes) -> str:
        """The id of the file."""
        held = self.ask("POST", "api/files?name=photo.png", content)
        return str(json.loads(held)["id"])

    def denoise(self, file: str) -> str:
        """The id of the job."""
        body = json.dumps({"task": "denoise", "file": file, "options": {}})
        return str(json.loads(self.ask("POST", "api/jobs", body))["id"])

    def jobs(self, id: str) -> Iterator[Any]:
        """The job called so, whenever it has changed."""
        connection = http.client.HTTPConnection(self.address.netloc, timeout=600)
        connection.request("GET", f"{self.address.path}api/events")
        with closing(connection), connection.getresponse() as response:
            for line in response:
                if line.startswith(b"data: "):
                    content = json.loads(line[6:])
                    for job in content.get("jobs", [content]):
                        if job["id"] == id:
                            yield job

    def until(self, id: str, holds: Callable[[Any], bool]) -> None:
        with closing(self.jobs(id)) as jobs:  # type: ignore[type-var]
            next(filter(holds, jobs))

    def memory(self) -> dict[str, float]:
        """Megabytes of its processes: what is theirs, and their part of what they share."""
        server = psutil.Process(self.process.pid)
        every = {"server": server} | {
            f"process {number}": each for number, each in enumerate(server.children(), 1)
        }
        return {name: each.memory_full_info().pss / 1e6 for name, each in every.items()}


@contextmanager
def serving() -> Iterator[Page]:
    with tempfile.TemporaryDirectory() as folder:
        page = Page(Path(folder, "page"))
        try:
            yield page
        finally:
            page.process.kill()
            page.process.communicate()


def weigh() -> None:
    sizes = [each.stat().st_size for each in STATIC.iterdir()]
    print(f"the page: {len(sizes)} files, {sum(sizes) / 1000:.0f} kB")


def time_first_answer() -> None:
    picture = noisy(*SMALL)
    with serving() as page:
        print(f"address told after {page.seconds:.1f} s")
        start = time.monotonic()
        page.ask("GET", "")
        for each in STATIC.iterdir():
            page.ask("GET", each.name)
        print(f"page and scripts loaded in {time.monotonic() - start:.2f} s")
        for which in ("first", "second"):
            start = time.monotonic()
            file = page.upload(picture)
            page.ask("GET", f"api/files/{file}/view")
            print(f"{which} picture of {SMALL[1]} x {SMALL[0]} seen after", end=" ")
            print(f"{time.monotonic() - start:.2f} s")
            start = time.monotonic()
            job = page.denoise(file)
            page.until(job, lambda job: job["moments"])
            print(f"  first restored moment after {time.monotonic() - start:.1f} s")
            page.until(job, lambda job: job["state"] == "done")
            print(f"  result after {time.monotonic() - start:.1f} s")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "photo.png")
        path.write_bytes(picture)
        start = time.monotonic()
        subprocess.run([*DIP, "denoise", str(path), "--quiet"], check=True)
        print(f"the command: {time.monotonic() - start:.1f} s")


def measure_memory() -> None:
    picture = noisy(*LARGE)
    with serving() as page:
        time.sleep(20)  # torch is loaded
        _say("no picture", page.memory())
        ids = [page.upload(picture) for _ in range(COUNT)]
        _say(f"{COUNT} pictures of {LARGE[1]} x {LARGE[0]} open", page.memory())
        first, *_ = [page.denoise(id) for id in ids]
        most: dict[str, float] = {}
        start = time.monotonic()
        with closing(page.jobs(first)) as jobs:  # type: ignore[type-var]
            said = 0.0
            for job in jobs:
                if time.monotonic() - said > EVERY:
                    said = time.monotonic()
                    most = max(most, page.memory(), key=lambda each: sum(each.values()))
                if job["state"] in ENDED:
                    break
        _say(f"all queued, the most until the first was {job['state']}", most)
        print(f"  which took {time.monotonic() - start:.0f} s")


def _say(when: str, memory: dict[str, float]) -> None:
    parts = ", ".join(f"{name} {each:.0f}" for name, each in memory.items())
    print(f"{when}: {sum(memory.values()):.0f} MB ({parts})")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    weigh()
    time_first_answer()
    measure_memory()
