"""dip.toml: the same as flags, said, and refused in one line."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import noisy, photograph
from PIL import Image

from deep_image_prior.app import cli, settings_file
from deep_image_prior.functions import TASKS

pytestmark = pytest.mark.usefixtures("quick_noise")

ROOT = Path(__file__).parents[1]
PIXELS = (255 * noisy(photograph(32))).astype(np.uint8)
CHOSEN = {"steps": 2, "noise": "white", "strength": 0.5, "raw": True, "memory": "2GiB"}
FLAGS = ("--steps", 2, "--noise", "white", "--strength", 0.5, "--raw", "--memory", "2GiB")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIP_CONFIG", raising=False)
    Path("scans").mkdir()
    for number, name in enumerate(("a", "b")):
        Image.fromarray(PIXELS[number : number + 16, 8:24]).save(f"scans/{name}.png")
    Image.fromarray(PIXELS).save("photo.png")
    return tmp_path


@pytest.fixture
def run(folder, command):
    return command


def write(tables, path="dip.toml"):
    """A file of settings; tables: options by the names of tables."""
    lines = []
    for table, values in tables.items():
        lines += [f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    Path(path).write_text("\n".join(lines))


def named(monkeypatch, run, how, path):
    """Name the file in one of the ways there are; returns what begins every command."""
    if how == "environment":
        monkeypatch.setenv("DIP_CONFIG", str(path))
    elif how == "found":
        Path(path).rename("dip.toml")
    return ["--config", path] if how == "flag" else []


@pytest.mark.parametrize("how", ["found", "environment", "flag"])
def test_the_file_is_found_and_gives_what_flags_give(run, monkeypatch, how):
    assert run("denoise", "photo.png", *FLAGS, "-o", "a.png", "--record", "a.json")[0] == 0
    write({"denoise": CHOSEN}, "my.toml")
    start = named(monkeypatch, run, how, "my.toml")
    code, _, err = run(*start, "denoise", "photo.png", "-o", "b.png", "--record", "b.json")
    assert code == 0
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    a, b = (json.loads(Path(name).read_text()) for name in ("a.json", "b.json"))
    assert a["choices"] == b["choices"]
    assert (b["choices"]["steps"], b["choices"]["memory"]) == (2, 2 * 2**30)
    file = "dip.toml" if how == "found" else "my.toml"
    note = 'noise = "white", strength = 0.5, raw = true, memory = "2GiB", steps = 2'
    assert f"dip: note: from {file}: {note}\n" in err


def test_flags_win_over_the_command_and_that_over_all(run):
    write({"denoise": {"steps": 3, "raw": True}, "all": {"steps": 4, "seed": 7, "sigma": 9}})
    arguments = ("denoise", "photo.png", "--sigma", 25, "--no-raw", "--record", "r.json")
    code, _, err = run(*arguments)
    assert code == 0
    assert "from dip.toml: steps = 3, seed = 7\n" in err
    choices = json.loads(Path("r.json").read_text())["choices"]
    assert {"steps": 3, "seed": 7, "sigma": 25, "raw": False}.items() <= choices.items()


def test_all_is_for_the_commands_that_take_the_value(folder):
    write({"all": {"preset": "best", "turns": 2}, "dejpeg": {"preset": "paper"}})
    defaults = settings_file.read(cli.app, Path("dip.toml"), named=False)
    presets = {name: values.get("preset") for name, values in defaults.items()}
    assert (presets["denoise"], presets["dejpeg"]) == ("best", "paper")
    assert presets["maximise"] is None, "it has no such preset"
    assert defaults["maximise"] == {"turns": 2}
    assert defaults["layers"] == {}


def test_one_that_is_named_is_the_only_one(run):
    write({"all": {"steps": 2}})
    write({"all": {"steps": 3}}, "my.toml")
    assert "3 steps" in run("--config", "my.toml", "denoise", "photo.png")[1]
    code, _, err = run("--config", "no.toml", "denoise", "photo.png")
    assert (code, err.count("\n")) == (2, 1)
    assert "no.toml cannot be read (No such file or directory)" in err


@pytest.mark.skipif(os.name == "nt", reason="Windows calls it NUL")
def test_none_is_read_where_that_is_said(run):
    write({"all": {"steps": "many"}})
    assert run("--config", "/dev/null", "denoise", "photo.png", "--steps", 2, "-q")[::2] == (0, "")


def test_quiet_says_nothing_of_it(run):
    write({"denoise": CHOSEN})
    assert run("denoise", "photo.png", "-q")[1:] == ("", "")


def test_what_must_be_given_may_come_from_the_file(run):
    write({"upscale": {"factor": 2, "steps": 2}})
    assert run("upscale", "photo.png")[0] == 0
    assert np.asarray(Image.open("photo-x2.png")).shape == (64, 64, 3)
    assert run("upscale", "photo.png", "--factor", 3, "-q")[0] == 0
    assert np.asarray(Image.open("photo-x3.png")).shape == (96, 96, 3)


def test_a_flag_that_is_on_may_be_off_in_the_file(run):
    mask = np.full((32, 32), 255, np.uint8)
    mask[8:12, 8:20] = 0
    Image.fromarray(mask).save("mask.png")
    write({"inpaint": {"keep-known": False, "steps": 2}})
    assert run("inpaint", "photo.png", "mask.png", "-o", "drawn.png")[0] == 0
    assert run("inpaint", "photo.png", "mask.png", "-o", "kept.png", "--keep-known")[0] == 0
    drawn, kept = (np.asarray(Image.open(name))[mask > 0] for name in ("drawn.png", "kept.png"))
    assert np.array_equal(kept, PIXELS[mask > 0])
    assert not np.array_equal(drawn, PIXELS[mask > 0])


def test_many_pictures_are_kept_whichever_way_the_options_came(run):
    assert run("denoise", "scans", "-o", "out", *FLAGS)[0] == 0
    write({"denoise": CHOSEN, "all": {"names": "{stem}-{ending}.png"}})
    code, _, err = run("denoise", "scans", "-o", "out")
    assert code == 0
    rows = json.loads(Path("out/dip-denoise.json").read_text())["rows"]
    assert [row["state"] for row in rows] == ["kept", "kept"]
    assert err.count("note: from dip.toml") == 1


@pytest.mark.long
def test_processes_get_what_the_file_says(run):
    Path("scans/b.png").unlink()  # one process is enough
    assert run("denoise", "scans", "-o", "flags", "--jobs", 2, *FLAGS)[0] == 0
    write({"denoise": {**CHOSEN, "jobs": 2}})
    assert run("denoise", "scans", "-o", "file")[0] == 0
    one, two = (Path(at, "a-denoised.png") for at in ("flags", "file"))
    assert one.read_bytes() == two.read_bytes()
    one, two = (json.loads(Path(f"{each}.json").read_text()) for each in (one, two))
    assert one["choices"] == two["choices"]
    assert two["threads"] == one["threads"] == max(1, torch.get_num_threads() // 2)


def test_what_is_of_several_pictures_is_left_out_of_one(run):
    write({"all": {"jobs": 2, "names": "{stem}.png", "steps": 2}})
    code, _, err = run("denoise", "photo.png")
    assert code == 0
    assert "note: from dip.toml: steps = 2\n" in err
    assert Path("photo-denoised.png").exists()
    code, _, err = run("denoise", "photo.png", "--jobs", 2)
    assert code == 2
    assert "--jobs is for several pictures" in err


def test_a_flag_takes_the_place_of_its_rival(run, monkeypatch):
    monkeypatch.setattr("deep_image_prior.app.cluster.PATIENCE", 0.5)
    write({"all": {"jobs": 2, "steps": 2}})
    code, _, err = run("denoise", "scans", "-o", "out", "--scheduler", "tcp://127.0.0.1:9")
    assert code == 2
    assert "note: from dip.toml: steps = 2\n" in err
    assert "there is no Dask scheduler at tcp://127.0.0.1:9" in err
    write({"all": {"jobs": 2, "scheduler": "tcp://127.0.0.1:9"}}, "my.toml")
    code, _, err = run("--config", "my.toml", "denoise", "scans", "-o", "out")
    assert code == 2
    assert "leave one of them out" in err


def test_a_pipe_gets_what_the_file_says(run, monkeypatch, folder):
    class Pipe(io.TextIOWrapper):
        def isatty(self):
            return False

    def piped(*arguments):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", Pipe(io.BytesIO(Path("photo.png").read_bytes())))
            out = Pipe(io.BytesIO())
            patch.setattr(sys, "stdout", out)
            assert run("denoise", "-", *arguments)[0] == 0
            return out.buffer.getvalue()

    flags = piped(*FLAGS)
    write({"denoise": {**CHOSEN, "jobs": 2}})
    assert piped() == flags


BAD = {
    "a table": ("[denoize]\nsteps = 2", "dip.toml: unknown table 'denoize'; choose one of all, "),
    "the demo": ("[demo]\n", "unknown table 'demo'"),
    "an option": ("[denoise]\nstepz = 2", "dip.toml, [denoise]: unknown option 'stepz'; choose"),
    "an underscore": ("[all]\nlearning_rate = 1", "[all]: unknown option 'learning_rate'"),
    "of another command": ("[dejpeg]\nfactor = 2", "[dejpeg]: unknown option 'factor'"),
    "in no table": ("preset = 'best'", "dip.toml: preset is in no table; write it below [all]"),
    "an array of tables": ("[[denoise]]\nsteps = 2", "dip.toml: denoise is in no table"),
    "within a table": ("[denoise.more]\nsteps = 2", "[denoise]: unknown option 'more'"),
    "text for a number": ("[all]\nsteps = '2'", '[all]: steps is "2", but must be a whole number'),
    "half a step": ("[all]\nsteps = 2.5", "steps is 2.5, but must be a whole number"),
    "true for a number": ("[all]\nsteps = true", "steps is true, but must be a whole number"),
    "a number for text": ("[all]\nmemory = 5", 'memory is 5, but must be text, as in "this"'),
    "text for a flag": ("[denoise]\nraw = 'no'", 'raw is "no", but must be true or false'),
    "a date": ("[all]\nsigma = 2026-01-01", 'sigma is "2026-01-01", but must be a number'),
    "a list": ("[all]\nsigma = [25]", "sigma is [25], but must be a number"),
    "two of three": ("[invert]\nmean = [1, 2]", "[invert]: mean: Takes 3 values but 2 were given"),
    "one of three": ("[invert]\nmean = 1", "[invert]: mean is 1, but must be a list of 3 numbers"),
    "no such choice": ("[all]\npreset = 'nice'", "preset: 'nice' is not one of 'fast', 'best'"),
    "of another factor": ("[upscale]\nfactor = 5", "factor: '5' is not one of '2', '3'"),
    "out of range": (
        "[denoise]\nstrength = 2",
        "strength is 2.0, but must be a number from 0 to 1",
    ),
    "not finite": ("[all]\nsigma = nan", "[all]: sigma is nan, but must be a number above 0"),
    "too few": ("[all]\njobs = 0", "[all]: jobs: 0 is not in the range x>=1"),
    "no size": ("[all]\nmemory = 'much'", "[all]: --memory much is no size"),
    "one pixel": ("[all]\nwindow = 1", "[all]: window is 1, but must be 0 or at least 2"),
    "to overwrite": ("[all]\noverwrite = true", "overwrite is said on the command line alone"),
    "a result": ("[denoise]\noutput = 'a.png'", "output is said on the command line alone"),
    "code of a folder": (
        "[invert]\nmodel = 'm:n'",
        "model may run code of others, so the file must",
    ),
    "code of a server": ("[all]\nscheduler = 'tcp://a:1'", "scheduler may run code of others"),
    "no TOML": ("[denoise\n", "dip.toml cannot be read (TOMLDecodeError: "),
    "twice": ("[all]\nsteps = 1\nsteps = 2", "dip.toml cannot be read (TOMLDecodeError: "),
    "endless": (f"a = {'[' * 5000}", "dip.toml cannot be read (RecursionError"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_mistake_is_one_line_whatever_the_command(run, case):
    text, reason = BAD[case]
    Path("dip.toml").write_text(text)
    before = sorted(Path().iterdir())
    code, out, err = run("flash", "photo.png", "photo.png")
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert err.startswith("dip: ")
    assert reason in err
    assert sorted(Path().iterdir()) == before


def test_a_mistake_is_told_before_anything_is_loaded(folder):
    write({"denoise": {"strength": 2}})
    code = (
        "import sys; sys.argv = ['dip', 'denoise', 'no.png']\n"
        "from deep_image_prior.app import cli\n"
        "print(cli.run(), 'torch' in sys.modules, 'deep_image_prior.files' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "strength is 2.0" in done.stderr
    assert done.stdout == "2 False False\n"


def test_files_that_are_no_text_are_named(run):
    Path("dip.toml").write_bytes(b"\xff\xfe")
    assert "dip.toml cannot be read (UnicodeDecodeError" in run("denoise", "photo.png")[2]
    Path("dip.toml").unlink()
    Path("dip.toml").mkdir()
    assert "dip.toml cannot be read (Is a directory)" in run("denoise", "photo.png")[2]


def test_a_file_of_windows_begins_with_a_mark(run):
    Path("dip.toml").write_bytes(b"\xef\xbb\xbf[all]\r\nsteps = 2\r\n")
    assert "2 steps" in run("denoise", "photo.png")[1]


def test_a_classifier_may_be_that_of_a_file_that_is_named(run):
    Path("small.py").write_text(
        "from torch import nn\n\n\ndef network():\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 36, 10))\n"
    )
    classifier = {"model": "small:network", "size": 8, "mean": [0, 0.5, 1], "std": [1, 1, 1]}
    write({"all": classifier, "invert": {"steps": 2}}, "my.toml")
    code, out, err = run("--config", "my.toml", "layers")
    assert code == 0
    assert "takes 8 x 8 pixels" in out
    assert "note: from my.toml: model" in err
    arguments = ("invert", "photo.png", "--layer", "0", "--record", "r.json")
    assert run("--config", "my.toml", *arguments)[0] == 0
    record = json.loads(Path("r.json").read_text())
    assert record["classifier"]["mean"] == [0, 0.5, 1]
    assert record["choices"]["steps"] == 2


def test_the_server_of_the_page_is_told(run, monkeypatch):
    server = pytest.importorskip("deep_image_prior.app.page.server")
    told = []
    monkeypatch.setattr(server, "run", lambda *how: told.append(how) or 0)
    write({"page": {"port": 8000, "no-browser": True, "limit": "1GiB"}, "all": {"steps": 2}})
    code, _, err = run("page", "photo.png", "--limit", "2GiB")
    assert code == 0
    assert told == [((Path("photo.png"),), Path("dip-page"), 8000, False, 2 * 2**30)]
    assert err == "dip: note: from dip.toml: port = 8000, no-browser = true\n"
    write({"page": {"folder": "elsewhere"}})
    assert "folder is said on the command line alone" in run("page")[2]


def tables():
    found = {name: settings_file.options(command) for name, command in cli.app.commands.items()}
    return {name: options for name, options in found.items() if options}


def test_what_may_be_in_the_file_is_known():
    """A new command, or an option of the rim, is to be thought of: may a file say it?"""
    assert set(tables()) == {*TASKS, "layers", "page"} - {"solve"}
    rim = {"jobs", "names", "scheduler"} | {"model", "weights", "size", "mean", "std", "classes"}
    rim |= {"port", "no_browser", "limit"}
    for name, options in tables().items():
        own = {each.name for each in options.values()}
        declared = set(TASKS[name].__dataclass_fields__) if name in TASKS else set()
        assert own - declared <= rim, name


def test_all_that_stays_on_the_command_line_is_an_option_and_is_documented():
    every = {each.name for command in cli.app.commands.values() for each in command.params}
    assert every > settings_file.STAY
    text = (ROOT / "docs/settings.md").read_text().partition("## What it may not say")[2]
    named = {each.replace("-", "_") for each in re.findall(r"`([a-z-]+)`", text)}
    assert named == settings_file.STAY | set(settings_file.TRUSTED)


def test_the_example_is_valid_and_has_every_kind_of_value(folder):
    example = ROOT / "examples/dip.toml"
    defaults = settings_file.read(cli.app, example, named=False)
    assert defaults["denoise"] == {"memory": "4GiB", "jobs": 2, "preset": "best", "strength": 0.8}
    assert defaults["inpaint"]["keep_known"] is False
    assert defaults["upscale"]["factor"] == "2"
