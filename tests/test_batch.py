import errno
import hashlib
import io
import json
import os
import random
import re
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from helpers import noisy, photograph
from PIL import Image
from processes import interrupted_at_work, square_or_die

from deep_image_prior.app import workers

pytestmark = pytest.mark.usefixtures("quick_noise")

PIXELS = (255 * noisy(photograph(64))).astype(np.uint8)
QUICK = ["--steps", "1", "--noise", "white"]
NAMES = ("a", "b", "c", "d")


def picture(number: int) -> Image.Image:
    return Image.fromarray(PIXELS[number : number + 16, 8:24])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("scans/deep").mkdir(parents=True)
    for number, name in enumerate(NAMES):
        picture(number).save(f"scans/{name}.png")
    picture(4).save("scans/deep/e.png")
    Path("scans/notes.txt").write_text("no picture")
    return tmp_path


@pytest.fixture
def run(folder, command):
    return command


def states(record="out/dip-denoise.json"):
    rows = json.loads(Path(record).read_text())["rows"]
    return {Path(row["image"]).stem: row["state"] for row in rows}


def names(folder):
    return {each.name for each in Path(folder).iterdir()}


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def test_a_folder_is_restored_and_a_second_run_makes_what_is_missing(run):
    Path("scans/b.png").write_bytes(b"no picture")
    code, out, err = run("denoise", "scans", "-o", "out", *QUICK)
    assert code == 1
    assert "scans/b.png is not an image" in err
    assert states() == {"a": "made", "b": "failed", "c": "made", "d": "made"}
    assert "made" in out
    made = {name: digest(f"out/{name}-denoised.png") for name in "acd"}
    picture(1).save("scans/b.png")
    Path("out/c-denoised.png").unlink()
    assert run("denoise", "scans", "-o", "out", *QUICK)[0] == 0
    assert states() == {"a": "kept", "b": "made", "c": "made", "d": "kept"}
    assert {name: digest(f"out/{name}-denoised.png") for name in "acd"} == made
    assert not list(Path("out").glob(".*"))


def test_the_result_and_the_record_are_those_of_one_command(run):
    run("denoise", "scans", "-o", "out", *QUICK)
    run("denoise", "scans/c.png", "-o", "alone.png", "--record", "alone.json", *QUICK)
    assert digest("alone.png") == digest("out/c-denoised.png")
    one, alone = (
        json.loads(Path(name).read_text()) for name in ("out/c-denoised.png.json", "alone.json")
    )
    assert one["outputs"]["c-denoised.png"]["sha256"] == digest("alone.png")
    for name in ("task", "choices", "inputs", "settings", "energy", "noise"):
        assert one[name] == alone[name]


@pytest.mark.parametrize("change", ["picture", "setting", "record"])
def test_what_was_made_otherwise_is_replaced_only_if_that_is_allowed(run, change):
    run("denoise", "scans", "-o", "out", *QUICK)
    before, settings = digest("out/a-denoised.png"), list(QUICK)
    if change == "picture":
        picture(9).save("scans/a.png")
    elif change == "record":
        Path("out/a-denoised.png.json").unlink()
    else:
        settings[1] = "2"
    code, _, err = run("denoise", "scans", "-o", "out", *settings)
    assert code == 1
    assert "out/a-denoised.png exists, and is not what this command makes" in err
    assert digest("out/a-denoised.png") == before
    assert run("denoise", "scans", "-o", "out", "--overwrite", *settings)[0] == 0
    assert states()["a"] == "made"
    assert states()["b"] == ("made" if change == "setting" else "kept")


def test_a_madethat_its_record_does_not_speak_of_is_not_kept(run):
    """As where the disk was full between the record and the picture."""
    run("denoise", "scans", "-o", "out", *QUICK)
    picture(9).save("out/a-denoised.png")
    code, _, err = run("denoise", "scans", "-o", "out", *QUICK)
    assert code == 1
    assert "out/a-denoised.png exists, and is not what this command makes" in err
    assert states() == {"a": "failed", "b": "kept", "c": "kept", "d": "kept"}


def test_a_part_of_a_result_that_is_missing_is_made(run):
    run("enhance", "scans/a.png", "scans/b.png", "-o", "out", *QUICK)
    made = {each: digest(f"out/{each}") for each in names("out") if each.endswith("png")}
    for lost in ("a-enhanced-detail.png", "a-enhanced.png"):
        Path("out", lost).unlink()
        assert run("enhance", "scans/a.png", "scans/b.png", "-o", "out", *QUICK)[0] == 0
        assert states("out/dip-enhance.json") == {"a": "made", "b": "kept"}
        assert made == {each: digest(f"out/{each}") for each in made}
    for record in ("out/a-enhanced-coarse.png", "out/../out/a-enhanced.png.json"):
        where = ("-o", "out", "--record", record, "--overwrite")
        code, _, err = run("enhance", "scans/a.png", "scans/b.png", *where, *QUICK)
        assert code == 2
        assert "would be written twice" in err


def test_partners_lie_in_the_same_folder_and_one_that_is_not_there_is_one_failure(run):
    for folder in ("masks", "masks/deep"):
        Path(folder).mkdir(exist_ok=True)
        mask = np.full((16, 16), 255, np.uint8)
        mask[4:8, 4 : 8 + 4 * ("deep" in folder)] = 0
        for name in "abe":
            Image.fromarray(mask).save(f"{folder}/{name}.png")
    code, _, err = run("inpaint", "scans", "masks", "-o", "out", "--recursive", "--steps", 1)
    assert code == 1
    assert "masks has no files that are called c" in err
    found = states("out/dip-inpaint.json")
    assert found == {"a": "made", "b": "made", "c": "failed", "d": "failed", "e": "made"}
    record = json.loads(Path("out/deep/e-inpainted.png.json").read_text())
    assert record["inputs"]["mask"]["sha256"] == digest("masks/deep/e.png")


def test_names_that_collide_are_told_apart_by_what_is_suggested(run):
    picture(0).save("a.png")
    code, _, err = run("denoise", "scans/a.png", "a.png", "-o", "out", *QUICK)
    assert code == 2
    names_ = err.rpartition("--names ")[2].strip().strip("'")
    assert run("denoise", "scans/a.png", "a.png", "-o", "out", "--names", names_, *QUICK)[0] == 0


def test_a_link_to_nothing_is_a_failure(run):
    Path("scans/y.png").symlink_to("y.png")
    Path("scans/z.png").symlink_to("nowhere.png")
    Path("scans/deep.png").symlink_to("deep")
    picture(0).save(f"scans/{'n' * 245}.png")  # whose result has too long a name
    code, _, err = run("denoise", "scans", "-o", "out", *QUICK)
    assert code == 1
    assert "scans/z.png does not exist" in err
    found = states()
    assert {name for name, state in found.items() if state == "failed"} == {"y", "z", "n" * 245}
    assert "deep" not in found


def test_folders_within_folders_keep_their_place(run):
    assert run("denoise", "scans", "-o", "out", "--recursive", *QUICK)[0] == 0
    assert Path("out/deep/e-denoised.png").exists()
    assert Path("out/deep/e-denoised.png.json").exists()


def test_names_lists_and_patterns(run):
    Path("list.txt").write_bytes(b"scans/a.png\n\n  scans/b.png\r\n")
    pattern = "{number:02}-{stem}.tif"
    assert (
        run("denoise", "--files-from", "list.txt", "-o", "out", "--names", pattern, *QUICK)[0] == 0
    )
    assert {"01-a.tif", "02-b.tif"} < names("out")
    assert run("denoise", "scans/[cd].png", "-o", "some", *QUICK)[0] == 0
    assert {"c-denoised.png", "d-denoised.png"} < names("some")


def test_names_from_standard_input(run, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"scans/d.png")))
    assert run("denoise", "--files-from", "-", "-o", "out", *QUICK)[0] == 0
    assert states() == {"d": "made"}


def test_shards_are_the_whole_and_share_nothing(run):
    for shard in ("1/3", "2/3", "3/3"):
        assert run("denoise", "scans", "-o", "out", "--shard", shard, *QUICK)[0] == 0
    found = [states(f"out/dip-denoise-{k}-of-3.json") for k in (1, 2, 3)]
    assert sorted(name for each in found for name in each) == list(NAMES)
    assert run("denoise", "scans", "-o", "out", *QUICK)[0] == 0
    assert set(states().values()) == {"kept"}


def test_a_second_madefor_each_or_one_for_all(run):
    Path("flashes").mkdir()
    for number, name in enumerate(NAMES):
        picture(20 + number).save(f"flashes/{name}.tif")
    assert run("flash", "scans", "flashes", "-o", "out", "--steps", 1)[0] == 0
    for name in NAMES:
        record = json.loads(Path(f"out/{name}-restored.png.json").read_text())
        assert record["inputs"]["guide"]["sha256"] == digest(f"flashes/{name}.tif")
    assert run("flash", "scans", "flashes/a.tif", "-o", "same", "--steps", 1)[0] == 0
    Path("flashes/b.tif").unlink()
    code, _, err = run("flash", "scans", "flashes", "-o", "else", "--steps", 1)
    assert code == 1
    assert "flashes has no files that are called b" in err
    Path("none").mkdir()
    code, _, err = run("flash", "scans", "none", "-o", "nothing", "--steps", 1)
    assert (code, Path("nothing").exists()) == (2, False)
    assert "none has no files that are called a" in err


def test_every_part_of_a_result_is_written(run):
    assert run("enhance", "scans/a.png", "scans/b.png", "-o", "out", "--steps", 1)[0] == 0
    assert {"a-enhanced.png", "a-enhanced-coarse.png", "a-enhanced-detail.png"} < names("out")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["scans"], "several pictures need a folder to go to; give it by -o"),
        (["scans/*.tif", "-o", "out"], r"scans/\*\.tif matches nothing"),
        (["empty", "-o", "out"], "empty has no picture in a known format; --recursive looks"),
        (["scans", "-o", "scans/deep/out"], "scans/deep/out lies in scans"),
        (["scans/a.png", "scans/b.png", "-o", "scans"], "is read from where the results go"),
        (["scans/a.png", "scans/a.jpg", "-o", "out"], "would both become out/a-denoised"),
        (["scans", "-o", "out", "--names", "{stem}-{when}.png"], "the fields are {stem}, {name}"),
        (["scans", "-o", "out", "--names", "x/{stem}"], "which is no name of a file"),
        (["scans", "-o", "out", "--snapshots", "s"], "--snapshots is of one picture"),
        (["scans", "-o", "out", "--shard", "4/3"], "--shard 4/3 is none"),
        (["scans", "-o", "out", "--jobs", "0"], "--jobs"),
        (["scans", "-o", "out", "--uncertainty", "map.png"], "--uncertainty is of one picture"),
        (["scans/a.png", "--jobs", "2"], "--jobs is for several pictures"),
        (["--files-from", "none.txt", "-o", "out"], r"none\.txt cannot be read"),
        ([], "there is no picture; name one"),
        (["empty/*", "-o", "out"], "there is no picture among what is named"),
        (["scans", "-o", "notes"], "notes is a file; several pictures need"),
        (["scans", "-o", "notes/out"], r"notes/out cannot be made \(Not a directory\)"),
        (["scans", "-o", "out", "--record", "scans/notes.txt"], "is no record of a batch"),
        (["scans", "-o", "out", "--record", "nowhere/r.json"], "nowhere is not a folder"),
        (["scans", "-o", "out", "--record", "empty"], "empty is a folder"),
        (["scans", "-o", "out", "--record", "scans/a.png", "--overwrite"], "is an input"),
        (["scans", "-o", "out", "--names", "{stem}.xyz"], r"a\.xyz has no known image format"),
        (["scans", "-o", "out", "--names", "{stem:>99999999999}.png"], "cannot be used"),
        (["scans", "-o", "out", "--shard", "9/9"], "the shard 9/9 of 4 pictures is empty"),
    ],
)
def test_bad_batches_are_refused_before_anything_is_made(run, arguments, reason):
    Path("empty/deep").mkdir(parents=True)
    Path("notes").write_text("a file")
    if "scans/a.jpg" in arguments:
        picture(0).save("scans/a.jpg")
    before = sorted(map(str, Path().rglob("*")))
    code, _, err = run("denoise", *arguments, *QUICK)
    assert code == 2
    assert len(err.splitlines()) == 1
    assert re.search(reason.replace("{", r"\{"), err)
    assert sorted(map(str, Path().rglob("*"))) == before


class Pipe(io.TextIOWrapper):
    def isatty(self):
        return False


class Full(io.BytesIO):
    def write(self, content):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_pipe_that_is_full_or_empty_loses_nothing(run, monkeypatch, folder):
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(sys, "stdin", Pipe(io.BytesIO(Path("scans/a.png").read_bytes())))
    monkeypatch.setattr(sys, "stdout", Pipe(Full()))
    code, _, err = run("denoise", "-", *QUICK)
    assert code == 1
    [kept] = folder.glob("dip-*.png")
    assert f"No space left on device; the result is {kept}" in err
    with Image.open(kept) as made:
        assert made.size == (16, 16)
    monkeypatch.setattr(sys, "stdin", Pipe(io.BytesIO()))
    code, _, err = run("denoise", "-", "-o", "b.png", *QUICK)
    assert code == 2
    assert "standard input is empty" in err
    monkeypatch.setattr(sys, "stdin", Pipe(io.BytesIO(b"no picture")))
    assert run("denoise", "-", "-o", "b.png", *QUICK)[2].startswith("dip: standard input is not an")
    monkeypatch.setattr(sys, "stdin", Pipe(io.BytesIO(Path("scans/a.png").read_bytes())))
    monkeypatch.setattr(sys, "stdout", None)
    code, _, err = run("denoise", "-", *QUICK)
    assert code == 2
    assert "standard output is closed" in err


def test_a_madethrough_pipes(run, monkeypatch, folder):
    content = Path("scans/a.png").read_bytes()
    monkeypatch.setattr(sys, "stdin", Pipe(io.BytesIO(content)))
    out = Pipe(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", out)
    assert run("denoise", "-", *QUICK)[0] == 0
    monkeypatch.undo()
    os.chdir(folder)
    made = Image.open(io.BytesIO(out.buffer.getvalue()))
    assert (made.format, made.size) == ("PNG", (16, 16))


@pytest.mark.long
def test_processes_share_the_work(run):
    command = ["denoise", "scans", *QUICK, "--noise", "impulses"]
    assert run(*command, "-o", "two", "--jobs", 2)[0] == 0
    assert run(*command, "-o", "one")[0] == 0
    for name in NAMES:
        assert digest(f"one/{name}-denoised.png") == digest(f"two/{name}-denoised.png")


def test_a_killed_process_is_the_failure_of_its_job_alone():
    jobs = [1, 2, 3, 4, 5]
    done = dict(workers.side_by_side(square_or_die, jobs, 2))
    assert isinstance(done.pop(3), workers.BrokenProcessPool)
    assert done == {each: each * each for each in jobs if each != 3}


def test_what_fails_in_this_process_is_the_failure_of_its_job_alone():
    done = dict(workers.in_turn(lambda each: 1 // each, [1, 0, 2]))
    assert isinstance(done.pop(0), ZeroDivisionError)
    assert done == {1: 1, 2: 0}


@pytest.mark.long
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_killed_at_random_moments_every_file_is_made_once_and_whole(run, begun):
    for number in range(8):
        picture(number).save(f"scans/{number}.png")
    command = ["denoise", "scans", "-o", "out", *QUICK]
    moments = random.Random(0)
    seen: dict[str, str] = {}
    ends = []
    for _ in range(3):
        process, *_ = begun(*command)
        while process.is_alive() and len(list(Path().glob("out/*.png"))) <= len(seen):
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.1))
        process.kill()
        process.join()
        ends.append(process.exitcode)
        for path in Path("out").glob("*.png"):
            Image.open(path).load()
            assert seen.setdefault(path.name, digest(path)) == digest(path), "made once"
            record = json.loads(path.with_name(f"{path.name}.json").read_text())
            assert record["outputs"][path.name]["sha256"] == digest(path)
        assert not list(Path("out").glob(".*"))
    assert -signal.SIGKILL in ends, "killed in the middle of its work"
    assert run(*command)[0] == 0
    assert {name: digest(f"out/{name}") for name in seen} == seen
    assert len(list(Path("out").glob("*-denoised.png"))) == 12


@pytest.mark.long
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_ends_the_batch_and_the_same_command_goes_on(folder, begun, jobs):
    arguments = ["denoise", "scans", "-o", "out", "--jobs", jobs]
    long = [*arguments, "--steps", "100000", "--noise", "white", "--stop", "never"]
    process, _, err = begun(*long)
    interrupted_at_work(process)
    assert process.exitcode == 130
    assert "interrupted after 0 of 4; the same command goes on from there" in err.read_text()
    assert names("out") == {"dip-denoise.json"}
