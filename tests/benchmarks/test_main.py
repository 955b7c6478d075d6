import contextlib
import io
import signal
import subprocess
import sys
from unittest.mock import patch

import pytest

from benchmarks.__main__ import main

pytestmark = pytest.mark.long


def process(*arguments):
    """The command in a process of its own: exit code, what it said, what it complained about."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *map(str, arguments)], capture_output=True, text=True
    )
    return done.returncode, done.stdout, done.stderr


def benchmarks(*arguments):
    """The same, in this process."""
    said, complained = io.StringIO(), io.StringIO()
    handler = signal.getsignal(signal.SIGTERM)
    with (
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(complained),
        patch.object(sys, "argv", ["benchmarks", *map(str, arguments)]),
        pytest.raises(SystemExit) as done,
    ):
        main()
    signal.signal(signal.SIGTERM, handler)
    return done.value.code or 0, said.getvalue(), complained.getvalue()


def refused(*arguments):
    code, _, errors = benchmarks(*arguments)
    assert code == 2
    assert "Traceback" not in errors
    assert len(errors.strip().splitlines()) == 1
    return errors


def test_list_names_every_item_with_its_times():
    code, text, _ = benchmarks("list")
    assert code == 0
    for word in (
        "denoising",
        "set14-x8",
        "inpaint-90",
        "(figure 5)",
        "--budget small",
        " min",
        " h",
    ):
        assert word in text


def test_samples_run_are_recorded_resumed_and_reported(tmp_path):
    folder, html = tmp_path / "records", tmp_path / "page.html"
    sizes = ("--crop", 32, "--seeds", 2, "--method", "a: depth 1, bilinear")
    run = ("run", "samples", "--data", tmp_path, "--records", folder, *sizes)
    code, text, _ = process(*run, "--jobs", 2)
    assert code == 0
    assert "2 runs, 0 of them recorded already" in text
    lines = (folder / "records.jsonl").read_text()
    assert lines.count("\n") == 2
    code, text, _ = benchmarks(*run)
    assert code == 0
    assert "2 runs, 2 of them recorded already" in text
    assert (folder / "records.jsonl").read_text() == lines
    code, text, _ = benchmarks("report", "--records", folder, "--html", html)
    assert code == 0
    assert "five architectures" in html.read_text()
    assert "exists" in refused("report", "--records", folder, "--html", html)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "denoise", "--data", "."), "there is no item 'denoise'; did you mean denoising?"),
        (("run", "xyz", "--data", "."), "choose from curves, samples"),
        (
            ("run", "denoising", "--data", ".", "--images", "hause"),
            "no picture 'hause'; did you mean house?",
        ),
        (
            ("run", "denoising", "--data", ".", "--method", "CBM3"),
            "no method 'CBM3'; did you mean CBM3D?",
        ),
        (("run", "denoising", "--data", ".", "--preset", "best!"), "there is no preset 'best!'"),
        (
            ("run", "denoising", "--data", ".", "--budget", "huge"),
            "'huge' is not one of 'paper', 'small'",
        ),
        (("run", "denoising", "--data", ".", "--device", "tpu"), "unknown device 'tpu'"),
        (("run", "denoising"), "Missing option '--data'"),
        (("fetch", "set6", "--data", "."), "there is no set 'set6'; did you mean set5?"),
        (("report", "--records", "nowhere"), "nowhere holds no records"),
    ],
)
def test_bad_arguments_are_one_line(arguments, message):
    assert message in refused(*arguments)


def test_missing_data_are_one_line_with_the_command_to_get_them(tmp_path):
    error = refused("run", "set5-x4", "--data", tmp_path, "--records", tmp_path / "records")
    assert "baby.png is missing; get it with: python -m benchmarks fetch set5 --data" in error


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    tmp_path.joinpath("file").touch()
    error = refused("run", "samples", "--data", tmp_path, "--records", tmp_path / "file")
    assert "file" in error
