"""--scheduler, with a real scheduler and real workers."""

import asyncio
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
from helpers import noisy, photograph
from PIL import Image
from processes import interrupted_at_work

from deep_image_prior.app import at_worker, cluster
from deep_image_prior.app.progress import Files

PIXELS = (255 * noisy(photograph(64))).astype(np.uint8)
QUICK = ["--steps", "1", "--noise", "white"]
NAMES = "abcde"
LONG = ["--steps", "100000", "--noise", "white", "--stop", "never"]

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL"),
]


@contextmanager
def dask(folder, *command):
    """A process of Dask, and what ends it ends all of its own."""
    with (
        Path(folder, "log.txt").open("a") as log,
        subprocess.Popen(
            [sys.executable, "-m", *map(str, command), "--no-dashboard"],
            cwd=folder,
            stderr=log,
            stdout=log,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def scheduler(folder):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    command = ("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", port)
    with dask(folder, *command) as process:
        yield f"tcp://127.0.0.1:{port}", process


def worker(folder, address, *options):
    command = ("distributed.cli.dask_worker", address, "--nthreads", 1, *options)
    return dask(folder, *command)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Of a scheduler with two workers, which begin anew when they are killed."""
    folder = tmp_path_factory.mktemp("dask")
    with scheduler(folder) as (address, _), worker(folder, address), worker(folder, address):
        yield address


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("scans").mkdir()
    for number, name in enumerate(NAMES):
        picture(number).save(f"scans/{name}.png")
    return tmp_path


@pytest.fixture
def run(folder, command, monkeypatch):
    monkeypatch.setattr(cluster, "WAITING", 120.0)  # where the tests have to share the cores
    return command


def picture(number):
    return Image.fromarray(PIXELS[number : number + 16, 8:24])


def digests(folder):
    return {
        each.name: hashlib.sha256(each.read_bytes()).hexdigest()
        for each in Path(folder).glob("*.png")
    }


def at_work(err):
    """The lines since there was a worker: the first one may be late."""
    return [line for line in err.splitlines() if "waiting for a worker" not in line]


def rows(folder="out"):
    return json.loads(Path(folder, "dip-denoise.json").read_text())["rows"]


def states(folder="out"):
    return {Path(row["image"]).stem: row["state"] for row in rows(folder)}


@pytest.fixture
def begins(monkeypatch):
    """The names of the pictures as they are sent, and what says after which ones their worker is to
    be killed.
    """
    sent, kills = [], []
    begin = cluster.Crew.begin

    def seen(crew, worker, work, job, files):
        future = begin(crew, worker, work, job, files)
        sent.append(job[1].source.stem)
        if any(kill(sent) for kill in kills):
            processes = crew.client.run(os.getpid, workers=[worker])
            os.kill(processes[worker], signal.SIGKILL)
        return future

    monkeypatch.setattr(cluster.Crew, "begin", seen)
    return sent, kills


def test_results_and_records_are_those_of_this_machine(run, address):
    Path("scans/d.png").write_bytes(b"no picture")
    code, out, err = run("denoise", "scans", "-o", "out", "--scheduler", address, *QUICK)
    assert code == 1
    assert "dip: scans/d.png is not an image" in err
    assert "5/5" in err
    assert "made" in out
    picture(3).save("scans/d.png")
    assert run("denoise", "scans", "-o", "out", "--scheduler", address, *QUICK)[0] == 0
    assert states() == {**dict.fromkeys(NAMES, "kept"), "d": "made"}
    assert run("denoise", "scans", "-o", "here", *QUICK)[0] == 0
    assert digests("out") == digests("here")
    assert run("denoise", "scans", "-o", "out", *QUICK)[0] == 0
    assert set(states().values()) == {"kept"}
    records = [
        json.loads(Path(each, "a-denoised.png.json").read_text()) for each in ("out", "here")
    ]
    for record in records:
        for name in ("seconds", "seconds_per_step", "peak_memory_bytes"):
            del record[name]
    assert records[0] == records[1]


def test_files_that_workers_do_not_see_are_sent(run, address, monkeypatch):
    for folder, first in (("flashes", 20), ("others", 30)):
        Path(folder).mkdir()
        for number, name in enumerate(NAMES):
            picture(first + number).save(f"{folder}/{name}.png")
    Path("flashes/b.png").write_bytes(b"no picture")
    # where workers look there is nothing, or something else
    places = {"scans": Path("nowhere").absolute(), "flashes": Path("others").absolute()}
    seen = at_worker._seen
    monkeypatch.setattr(
        at_worker, "_seen", lambda path: (places[path.parent.name] / path.name, seen(path)[1])
    )
    arguments = ("flash", "scans", "flashes", "--steps", 1)
    code, _, err = run(*arguments, "-o", "out", "--scheduler", address)
    assert code == 1
    assert "dip: scans/b.png: flashes/b.png is not an image" in err
    picture(21).save("flashes/b.png")
    assert run(*arguments, "-o", "out", "--scheduler", address)[0] == 0
    assert run(*arguments, "-o", "here")[0] == 0
    assert digests("out") == digests("here")
    one, other = (
        json.loads(Path(each, "a-restored.png.json").read_text()) for each in ("out", "here")
    )
    assert (one["inputs"], one["choices"]) == (other["inputs"], other["choices"])


def test_workers_get_what_a_settings_file_says(run, address):
    text = f"[denoise]\nsteps = 1\nnoise = 'white'\nraw = true\nscheduler = '{address}'\n"
    Path("my.toml").write_text(text)
    assert run("--config", "my.toml", "denoise", "scans", "-o", "file")[0] == 0
    flags = ("denoise", "scans", *QUICK, "--raw", "--scheduler", address)
    assert run(*flags, "-o", "flags")[0] == 0
    assert digests("file") == digests("flags")
    assert run(*flags, "-o", "file")[0] == 0
    assert states("file") == dict.fromkeys(NAMES, "kept")


def test_an_interrupt_frees_the_workers(run, begun, address):
    arguments = ["denoise", "scans", "-o", "out", "--scheduler", address]
    process, _, err = begun(*arguments, *LONG)
    interrupted_at_work(process)
    assert process.exitcode == 130
    (line,) = at_work(err.read_text())
    assert line == "dip: interrupted after 0 of 5; the same command goes on from there"
    assert run(*arguments, *QUICK)[0] == 0


def test_a_worker_is_killed_and_its_picture_made_by_another(run, address, begins):
    sent, kills = begins
    kills.append(lambda sent: len(sent) == 3)
    code, _, err = run("denoise", "scans", "-o", "out", "--scheduler", address, *QUICK)
    assert (code, states()) == (0, dict.fromkeys(NAMES, "made"))
    assert sorted(sent) == sorted([*NAMES, sent[2]])
    assert [line.split()[1] for line in at_work(err)] == ["made"] * 5
    assert run("denoise", "scans", "-o", "here", *QUICK)[0] == 0
    assert digests("out") == digests("here")


def test_a_picture_that_kills_its_workers_fails_alone(run, address, begins, monkeypatch):
    monkeypatch.setattr(cluster, "TRIES", 2)  # a new worker takes seconds
    sent, kills = begins
    kills.append(lambda sent: sent[-1] == "b")
    code, _, err = run("denoise", "scans/[abc].png", "-o", "out", "--scheduler", address, *QUICK)
    assert (code, states()) == (1, {"a": "made", "b": "failed", "c": "made"})
    assert sent.count("b") == 2
    assert f"scans/b.png: {cluster.LOST}" in err


def test_a_scheduler_that_goes_away_leaves_what_is_done(run, folder, monkeypatch):
    tell = Files.tell
    with scheduler(folder) as (address, process), worker(folder, address, "--no-nanny"):

        def told(*arguments):
            tell(*arguments)
            process.kill()

        monkeypatch.setattr(Files, "tell", told)
        code, _, err = run("denoise", "scans", "-o", "out", "--scheduler", address, *QUICK)
    assert code == 1
    *_, done, gone = err.splitlines()
    assert done.startswith("1/5  made")
    assert gone == (
        f"dip: the scheduler at {address} went away after 1 of 5; the same command goes on from "
        "there"
    )
    assert (len(rows()), len(digests("out"))) == (1, 1)
    monkeypatch.undo()
    os.chdir(folder)


def test_workers_are_waited_for(run, folder, monkeypatch):
    monkeypatch.setattr(cluster, "WAITING", 0.2)
    with scheduler(folder) as (address, _):
        code, _, err = run("denoise", "scans", "-o", "out", "--scheduler", address, *QUICK)
    assert (code, Path("out").exists()) == (2, False)
    waiting, refused = err.splitlines()
    assert waiting == f"dip: waiting for a worker at {address}, 0 s at most"
    assert f"there was no worker at {address} for 0 s; begin one with `dask worker" in refused


def test_workers_of_another_version_are_refused(run, address, monkeypatch):
    monkeypatch.setattr(cluster, "versions", lambda: {"deep-image-prior": "9.9"})
    code, _, err = run("denoise", "scans", "-o", "out", "--scheduler", address, *QUICK)
    assert (code, Path("out").exists()) == (2, False)
    (line,) = [each for each in at_work(err) if each.startswith("dip: ")]  # Dask has its own
    assert "deep-image-prior must be 9.9 on all machines, and the worker tcp://127" in line


class Client:
    """One that knows workers by what they answer."""

    status = "running"

    def __init__(self, **answers):
        self.answers = answers

    def scheduler_info(self, n_workers):
        states = {name: "paused" if name == "full" else "running" for name in self.answers}
        return {"workers": {name: {"status": state} for name, state in states.items()}}

    def run(self, function, package, workers, on_error):
        return {name: self.answers[name].get(package, "1.0") for name in workers}


def test_workers_that_come_later_are_asked_too(monkeypatch, capsys):
    monkeypatch.setattr(cluster, "versions", lambda: dict.fromkeys(cluster.SAME, "1.0"))
    client = Client(good={"torch": "1.0+cu130"}, full={})
    crew = cluster.Crew(client, "tcp://here")
    crew.wait()
    crew.working = True
    client.answers |= {
        "old": {"torch": "0.9"},
        "bare": {"deep-image-prior": PackageNotFoundError("deep-image-prior")},
        "lost": {"torch": OSError()},
    }
    for _ in range(2):
        crew.look()
    assert (crew.ready, crew.there) == ({"good"}, set(client.answers))
    old, bare = sorted(capsys.readouterr().err.splitlines(), reverse=True)
    assert "torch must be 1.0 on all machines, and the worker old has 0.9; it gets no" in old
    assert "the worker bare has none; it gets no pictures" in bare


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["scans", "-o", "out"], "there is no Dask scheduler at tcp://127.0.0.1:9; begin one"),
        (["scans", "-o", "out", "--jobs", "2"], "leave one of them out"),
        (["scans/a.png"], "--scheduler is for several pictures"),
    ],
)
def test_bad_calls_are_refused_before_anything_is_made(run, monkeypatch, arguments, reason):
    monkeypatch.setattr(cluster, "PATIENCE", 1)
    code, _, err = run("denoise", *arguments, "--scheduler", "tcp://127.0.0.1:9", *QUICK)
    assert (code, Path("out").exists()) == (2, False)
    (line,) = err.splitlines()
    assert reason in line


def test_what_is_no_scheduler_is_not_waited_for(run, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        code, _, err = run("denoise", "scans", "-o", "out", "--scheduler", address)
    assert (code, Path("out").exists()) == (2, False)
    assert err.startswith(f"dip: there is no Dask scheduler at {address}; begin one")


def test_a_caller_with_a_running_loop_is_served(address):
    async def notebook():
        with cluster.connected(address) as crew:
            return crew.ready

    with ThreadPoolExecutor(1) as pool:  # a thread has no loop yet
        assert pool.submit(lambda: asyncio.run(notebook())).result()


def test_without_the_extra_the_line_that_installs_it_is_told(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    code, _, err = run("denoise", "scans", "-o", "out", "--scheduler", "tcp://127.0.0.1:9")
    assert (code, Path("out").exists()) == (2, False)
    assert err == (
        "dip: --scheduler needs dask.distributed; pip install 'deep-image-prior[cluster]'\n"
    )


def test_a_picture_takes_what_its_worker_may_take():
    assert at_worker._memory(None) > at_worker._memory(2**32) > at_worker._memory(1) == 1
