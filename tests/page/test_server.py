"""What the page's server answers, without a browser."""

import contextlib
import http.client
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import numpy as np
import pytest
from PIL import Image

from deep_image_prior.app.page import views
from deep_image_prior.app.page.shelf import ENDED
from deep_image_prior.app.page.work import schedule

pytestmark = pytest.mark.long

QUICK = {"steps": 20, "seed": 1, "preset": "fast"}
LONG = {"steps": 100_000, "stop": "never"}
PATIENCE = 60  # seconds


@dataclass
class Client:
    """Asks the server at `address` as the page does."""

    address: str

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] = {},
        **query: Any,
    ) -> tuple[int, bytes]:
        status, content, _ = self.whole(method, path, body, headers, **query)
        return status, content

    def whole(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] = {},
        **query: Any,
    ) -> tuple[int, bytes, Mapping[str, str]]:
        parts = urlsplit(self.address)
        connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
        body = json.dumps(body) if isinstance(body, dict) else body
        asked = f"{parts.path}{path}{'?' if query else ''}{urlencode(query)}"
        connection.request(method, asked, body, {"X-Dip": "1", **headers})
        response = connection.getresponse()
        made = response.status, response.read(), dict(response.headers)
        connection.close()
        return made

    def json(self, *how: Any, **query: Any) -> Any:
        status, content = self(*how, **query)
        assert status < 300, content
        return json.loads(content)

    def refusal(self, *how: Any, **query: Any) -> tuple[int, str]:
        status, content = self(*how, **query)
        return status, json.loads(content)["error"]

    def events(self) -> Iterator[tuple[str, Any]]:
        parts = urlsplit(self.address)
        connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
        connection.request("GET", f"{parts.path}api/events")
        with closing(connection), connection.getresponse() as response:
            kind = ""
            for line in response:
                word, _, rest = line.decode().rstrip().partition(": ")
                if word == "event":
                    kind = rest
                elif word == "data":
                    yield kind, json.loads(rest)

    def state(self) -> Any:
        with closing(self.events()) as events:
            return next(events)[1]

    def job(self, id: str, until: Callable[[Any], bool]) -> Any:
        """The job as it is when `until` holds."""
        with closing(self.events()) as events:
            deadline = time.monotonic() + PATIENCE
            for kind, content in events:
                assert time.monotonic() < deadline, content
                jobs = content["jobs"] if kind == "state" else [content]
                for job in jobs if kind in ("state", "job") else []:
                    if job["id"] == id and until(job):
                        return job
        raise AssertionError("the server has ended")

    def ended(self, id: str) -> Any:
        return self.job(id, lambda job: job["state"] in ENDED)

    def upload(self, content: bytes, name: str, role: str = "picture") -> Any:
        return self.json("POST", "api/files", content, name=name, role=role)

    def restore(self, file: Any, task: str = "denoise", **options: Any) -> Any:
        return self.json("POST", "api/jobs", {"task": task, "file": file["id"], "options": options})


@pytest.fixture
def client(server) -> Client:
    return Client(server.address)


@pytest.fixture
def file(client, photograph) -> Any:
    return client.upload(photograph.read_bytes(), "photo.png")


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


def test_an_upload_is_a_file_that_can_be_seen_and_had_back(client, photograph, file):
    assert (file["name"], file["dtype"], file["channels"]) == ("photo.png", "uint16", 1)
    assert client("GET", f"api/files/{file['id']}/download")[1] == photograph.read_bytes()
    status, png = client("GET", f"api/files/{file['id']}/view", x=10, y=4, width=20, height=8)
    assert status == 200
    expected = np.rint(pixels(photograph.read_bytes())[4:12, 10:30] / 257)
    assert np.abs(pixels(png) - expected).max() <= 1
    small = pixels(client("GET", f"api/files/{file['id']}/view", side=12)[1])
    assert small.shape == (12, 12)
    assert file in client.state()["files"]


def test_a_result_is_that_of_the_command(client, photograph, file, tmp_path, monkeypatch, command):
    job = client.ended(client.restore(file, **QUICK)["id"])
    assert job["state"] == "done"
    assert job["confidence"] in ("high", "medium", "low")
    assert job["lines"][0].startswith("20 steps")
    (tmp_path / "photo.png").write_bytes(photograph.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert command(*job["command"].split()[1:])[0] == 0
    expected = (tmp_path / "photo-denoised.png").read_bytes()
    _, content, headers = client.whole("GET", f"api/jobs/{job['id']}/download")
    assert content == expected
    assert "photo-denoised.png" in headers["content-disposition"]
    record = client.json("GET", f"api/jobs/{job['id']}/record")
    assert record["choices"]["steps"] == 20


def test_another_moment_and_another_strength(client, photograph, file):
    id = client.restore(file, **QUICK)["id"]
    expected = sorted(schedule(20))
    job = client.job(id, lambda job: job["outputs"] and len(job["moments"]) == len(expected))
    assert job["moments"] == expected
    assert (expected[0], expected[-1]) == (1, 20)
    address = f"api/jobs/{id}/download"
    x0, x = pixels(photograph.read_bytes()), pixels(client("GET", address)[1])
    assert np.array_equal(pixels(client("GET", address, step=20)[1]), x), "the last is the result"
    early = pixels(client("GET", address, step=4)[1])
    assert early.dtype == np.uint16
    assert not np.array_equal(early, x)
    _, content, headers = client.whole("GET", address, strength=0.25, step=4)
    expected = np.rint(x0 + 0.25 * (early.astype(float) - x0))
    assert np.array_equal(pixels(content), expected)
    assert "photo-denoised-step4-strength0.25.png" in headers["content-disposition"]
    assert Image.open(io.BytesIO(content)).info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert client("GET", f"api/jobs/{id}/view", step=4)[0] == 200
    assert client.refusal("GET", f"api/jobs/{id}/view", step=9)[0] == 404


def test_stop_keeps_the_best_and_cancel_keeps_nothing(client, file):
    id = client.restore(file, **LONG)["id"]
    waiting = client.restore(file, **QUICK)
    assert (waiting["state"], waiting["place"]) == ("waiting", 1)
    client.job(id, lambda job: job["done"] > 3)
    client.json("POST", f"api/jobs/{id}/pause")
    paused = client.job(id, lambda job: job["state"] == "paused")
    time.sleep(0.5)
    assert client.job(id, lambda job: True)["done"] - paused["done"] < 100
    client.json("POST", f"api/jobs/{id}/stop")
    job = client.ended(id)
    assert job["state"] == "stopped"
    assert job["outputs"][0]["name"] == "image"
    assert "the best so far is saved" in job["notes"][0]
    assert client("GET", f"api/jobs/{id}/download")[0] == 200
    assert client.ended(waiting["id"])["state"] == "done", "the next one has its turn"
    id = client.restore(file, **LONG)["id"]
    client.job(id, lambda job: job["done"] > 3)
    client.json("POST", f"api/jobs/{id}/cancel")
    job = client.ended(id)
    assert (job["state"], job["outputs"]) == ("cancelled", [])
    assert client.ended(client.restore(file, **QUICK)["id"])["state"] == "done"


def test_a_stop_is_heard_whenever_it_is_said(client, file):
    for wait in (0, 0.05, 0.3):
        id = client.restore(file, **LONG)["id"]
        time.sleep(wait)
        client.json("POST", f"api/jobs/{id}/stop")
        client.json("POST", f"api/jobs/{id}/pause")
        assert client.ended(id)["state"] == "stopped"


def test_what_is_gone_from_the_disk_is_said(client, server, file):
    id = client.ended(client.restore(file, **QUICK)["id"])["id"]
    shutil.rmtree(server.folder / "results" / id)
    for what in ("download", "record", "view"):
        assert client.refusal("GET", f"api/jobs/{id}/{what}") == (404, "this is not here any more")
    assert client.refusal("GET", f"api/jobs/{id}/download", strength="nan")[0] == 400


def test_a_picture_without_a_value_is_refused(client):
    file = io.BytesIO()
    np.save(file, np.full((8, 8), np.nan, np.float32))
    held = client.upload(file.getvalue(), "nan.npy")
    job = client.ended(client.restore(held, **QUICK)["id"])
    assert job["error"] == "nan.npy has no finite value: there is nothing in it"


def test_a_view_of_a_large_picture_takes_little_memory(tmp_path):
    array = tmp_path / "view.npy"
    pixels = np.lib.format.open_memmap(array, "w+", np.uint16, (1, 6000, 6000, 3))
    pixels[0, ::2] = 65535
    tracemalloc.start()
    try:
        png = views.region(array, 0.0, 65535.0, 1, (0, 0, 6000, 6000), 2000)
        assert tracemalloc.get_traced_memory()[1] < pixels.nbytes / 2
    finally:
        tracemalloc.stop()
    assert Image.open(io.BytesIO(png)).size == (2000, 2000)


def test_what_a_command_refuses_is_said_at_once(client, file):
    def asked(task: str, **options: Any) -> tuple[int, str]:
        body = {"task": task, "file": file["id"], "options": options}
        return client.refusal("POST", "api/jobs", body)

    assert asked("denoise", steps=0) == (422, "steps is 0, but must be a whole number at least 1")
    assert asked("denoise", output="/etc/passwd") == (422, "denoise has no option 'output'")
    before = len(client.state()["jobs"])
    assert asked("denoise", raw="maybe")[0] == 422
    assert asked("deblur", psf="\ud800")[0] == 422
    assert len(client.state()["jobs"]) == before
    assert "needs a mask" in asked("inpaint")[1]
    assert "there is no task 'paint'" in asked("paint")[1]
    assert asked("denoise", steps="many")[1] == "steps: 'many' is not a valid integer."
    body = {"task": "denoise", "file": "none", "options": {}}
    assert client.refusal("POST", "api/jobs", body)[0] == 422
    assert client.refusal("POST", "api/jobs", "[")[0] == 400
    assert client.refusal("POST", "api/jobs", "[" * 100_000)[0] == 400
    assert asked("denoise", page=2) == (422, "photo.png has no page 2; it has 1")
    assert asked("deblur") == (422, "deblur needs psf")
    for path in ("/etc/passwd", "psf.png", "..\\psf"):
        assert "open it on the page instead" in asked("deblur", psf=path)[1]
    assert client.refusal("POST", "api/jobs", "[1]")[0] == 422
    assert client.refusal("POST", "api/jobs", "x" * 2**21)[0] == 413


def test_a_refusal_while_it_works_is_the_error_of_the_job(client, file):
    mask = io.BytesIO()
    Image.new("L", (5, 5), 255).save(mask, "PNG")
    guide = client.upload(mask.getvalue(), "mask.png", role="guide")
    job = client.ended(client.restore(file, "inpaint", mask=guide["id"])["id"])
    assert job["state"] == "failed"
    assert "the mask has shape (5, 5), the image 48 rows of 48" in job["error"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"hello", "not an image in a known format"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 200, "x.png is"),
        (b"II*\0\xff\xff\xff\xff", "x.png is"),
    ],
)
def test_a_file_that_is_none_is_refused_and_not_kept(client, server, content, says):
    before = set((server.folder / "pictures").iterdir())
    status, error = client.refusal("POST", "api/files", content, name="../../x.png")
    assert status == 422
    assert error.startswith("x.png")
    assert says in error
    assert str(server.folder) not in error
    assert set((server.folder / "pictures").iterdir()) == before


def test_names_stay_in_the_folder(client, server, photograph):
    for name in (
        "view.npy",
        "picture.json",
        "../../../tmp/a.png",
        "\u202egnp.exe",
        "C:\\a\\b.png",
        "..",
        "a\0\n.png",
        "é" * 300 + ".png",
        "",
    ):
        held = client.upload(photograph.read_bytes(), name)
        place = server.folder / "pictures" / held["id"]
        assert (place / "file" / held["name"]).is_file()
        assert len(held["name"].encode()) <= 124
        assert held["name"].isprintable()
        assert client("GET", f"api/files/{held['id']}/download")[1] == photograph.read_bytes()


def test_only_our_page_is_answered(client):
    def status(method: str, path: str = "", **headers: str) -> int:
        return client(method, path, None, headers)[0]

    assert status("GET") == 200
    assert status("GET", Host="evil.example") == 421
    assert status("GET", Host="127.0.0.1:1") == 421
    assert status("GET", Origin="http://evil.example") == 403
    assert status("GET", Origin="null") == 403
    assert client("GET", "", None, {"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert client("POST", "api/jobs", "{}", {"X-Dip": ""})[0] == 403
    assert client("DELETE", "api/files/x", None, {"X-Dip": ""})[0] == 403
    parts = urlsplit(client.address)
    for path in ("/", "/x/", "/api/events", parts.path[:-2] + "/"):
        other = Client(f"http://{parts.netloc}{path}")
        status_, error = other.refusal("GET", "")
        assert status_ == 404
        assert "token" in error
    headers = client.whole("GET", "")[2]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["../pyproject.toml", "%2e%2e/%2e%2e/server.py", "nothing.js"])
def test_nothing_beside_the_page_is_served(client, path):
    assert client("GET", path)[0] == 404


def test_a_file_in_use_stays_and_others_go(client, file):
    id = client.restore(file, **LONG)["id"]
    status, error = client.refusal("DELETE", f"api/files/{file['id']}")
    assert status == 409
    assert "photo.png is needed" in error
    client("DELETE", f"api/jobs/{id}")
    assert client("DELETE", f"api/files/{file['id']}")[0] == 204
    state = client.state()
    assert file not in state["files"]
    assert id not in [job["id"] for job in state["jobs"]]
    assert client.refusal("GET", f"api/files/{file['id']}/view")[0] == 404


def started(folder: Path, *options: str) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "deep_image_prior", "page", "--no-browser"]
    process = subprocess.Popen(
        [*command, "--folder", str(folder), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout
    line = process.stdout.readline()
    return process, line.split()[-1] if "http" in line else line


def test_a_killed_server_loses_nothing_that_was_saved(tmp_path, photograph):
    process, address = started(tmp_path / "f", str(photograph))
    client = Client(address)
    [file] = client.state()["files"]
    done = client.ended(client.restore(file, **QUICK)["id"])
    client.job(done["id"], lambda job: 4 in job["moments"])
    saved = client("GET", f"api/jobs/{done['id']}/download")[1]
    running = client.restore(file, **LONG)["id"]
    client.job(running, lambda job: job["done"] > 3)
    process.kill()
    process.wait()
    process.stdout.close()
    process, address = started(tmp_path / "f", str(photograph))
    client = Client(address)
    state = client.state()
    assert state["files"] == [file], "the same file is not kept twice"
    states = {job["id"]: job["state"] for job in state["jobs"]}
    assert states == {done["id"]: "done", running: "interrupted"}
    assert client("GET", f"api/jobs/{done['id']}/download")[1] == saved
    assert client("GET", f"api/jobs/{done['id']}/view", step=4)[0] == 200
    again = client.json("POST", f"api/jobs/{running}/again")
    assert again["options"] == LONG
    client.job(again["id"], lambda job: job["done"] > 3)
    process.send_signal(signal.SIGINT)
    out = process.communicate(timeout=PATIENCE)[0]
    assert "saving the best so far" in out
    assert process.returncode == 0
    assert "Traceback" not in out
    kept = json.loads((tmp_path / "f" / "results" / again["id"] / "job.json").read_text())
    assert kept["state"] == "stopped"
    assert (tmp_path / "f" / "results" / again["id"] / kept["outputs"][0]["file"]).is_file()


def test_a_killed_worker_is_said_and_another_goes_on(tmp_path, photograph):
    import psutil

    process, address = started(tmp_path / "f", str(photograph))
    client = Client(address)
    [file] = client.state()["files"]
    id = client.restore(file, **LONG)["id"]
    client.job(id, lambda job: job["done"] > 3)
    busy = max(psutil.Process(process.pid).children(), key=lambda each: each.cpu_times().user)
    busy.kill()
    job = client.ended(id)
    assert job["state"] == "interrupted"
    assert "the process that restores is gone" in job["error"]
    assert client.ended(client.restore(file, **QUICK)["id"])["state"] == "done"
    process.terminate()
    process.communicate(timeout=PATIENCE)


def test_what_the_command_refuses(tmp_path, photograph):
    process, line = started(tmp_path / "f", str(tmp_path / "none.png"))
    process.communicate()
    assert process.returncode == 2
    assert "none.png is no file" in line
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    process, line = started(tmp_path / "full")
    process.communicate()
    assert process.returncode == 2
    assert "is a folder of other files" in line
    first, address = started(tmp_path / "g", "--limit", "1kB")
    try:
        process, line = started(tmp_path / "g")
        process.communicate()
        assert process.returncode == 2
        assert "another dip page works in" in line
        port = str(urlsplit(address).port)
        process, line = started(tmp_path / "h", "--port", port)
        process.communicate()
        assert process.returncode == 2
        assert f"port {port} cannot be had" in line
        client = Client(address)
        status, error = client.refusal("POST", "api/files", b"x" * 2000, name="big.png")
        assert status == 413
        assert "big.png is larger than" in error
        chunks = (b"x" * 500 for _ in range(10))
        assert client.refusal("POST", "api/files", chunks, name="big.png")[0] == 413
        assert not list((tmp_path / "g" / "pictures").iterdir())
    finally:
        first.terminate()
        first.communicate(timeout=PATIENCE)


def test_a_disk_that_fills_up_does_not_lose_the_best(tmp_path, photograph):
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("a small disk is mounted by root")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        process, address = started(disk / "f", str(photograph))
        client = Client(address)
        [file] = client.state()["files"]
        id = client.restore(file, **LONG)["id"]
        client.job(id, lambda job: job["done"] > 3)
        with (disk / "filler").open("wb") as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(2**16))
        assert client.refusal("POST", "api/files", b"x", name="a.png")[0] == 507
        body = {"task": "denoise", "file": file["id"], "options": {}}
        assert "is full" in client.refusal("POST", "api/jobs", body)[1]
        client.json("POST", f"api/jobs/{id}/stop")
        job = client.ended(id)
        assert job["state"] == "stopped", job
        assert pixels(client("GET", f"api/jobs/{id}/download")[1]).shape == (48, 48)
        process.terminate()
        process.communicate(timeout=PATIENCE)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
