import hashlib
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import zarr
from helpers import noisy, photograph
from PIL import Image

from deep_image_prior import BadInput, files, storage
from deep_image_prior.app import cli, record
from deep_image_prior.files import Picture

RANDOM = np.random.default_rng(0)
QUICK = ["--steps", "1", "--noise", "white"]


def array(path: Path, pixels: np.ndarray, version: int = 3, **options) -> Path:
    stored = zarr.create_array(
        path, shape=pixels.shape, dtype=pixels.dtype, zarr_format=version, **options
    )
    stored[:] = pixels
    return path


def image(path: Path, pixels: np.ndarray, version: int = 3, axes: str = "tzyx", **more) -> Path:
    """OME-Zarr of two sizes."""
    group = zarr.open_group(path, mode="w", zarr_format=version)
    chunks = (*(1 for _ in axes[2:]), 16, 24)
    sizes = []
    for level in (0, 1):
        step = 2**level
        size = pixels[..., ::step, ::step]
        stored = group.create_array(
            f"sizes/{level}",
            shape=size.shape,
            dtype=size.dtype,
            chunks=chunks,
            attributes={"of": "the array"},
        )
        stored[:] = size
        scale = [*(3.0 for _ in axes[2:]), 0.5 * step, 0.25 * step]
        transformations = [{"type": "scale", "scale": scale}]
        sizes.append({"path": f"sizes/{level}", "coordinateTransformations": transformations})
    named = [{"name": name, "unit": "micrometer"} for name in axes]
    ome = {"multiscales": [{"name": "cells", "axes": named, "datasets": sizes}], **more}
    group.attrs.update(ome if version == 2 else {"ome": {"version": "0.5", **ome}})
    return path


def written(path: Path, picture: Picture, overwrite: bool = False) -> zarr.Array | zarr.Group:
    files.check_format(path, picture)
    files.check_free(path, overwrite)
    files.write_atomically(path, lambda folder: files.encode(picture, ".zarr", folder), overwrite)
    return zarr.open(path, mode="r")


def ome(group: zarr.Group) -> dict:
    return group.attrs.asdict().get("ome", group.attrs.asdict())


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["dip", *map(str, arguments)])
        return cli.run(), capsys.readouterr().err

    return call


def scan() -> np.ndarray:
    return (255 * noisy(photograph(32))[..., 0]).astype(np.uint8)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(
    ("shape", "pages", "channels"),
    [((16, 20), (), 1), ((16, 20, 1), (), 1), ((16, 20, 3), (), 3), ((5, 16, 20), (5,), 1)]
    + [((2, 3, 16, 20), (2, 3), 1), ((5, 16, 20, 4), (5,), 4)],
)
def test_arrays_come_back_with_what_is_said_of_them(tmp_path, version, shape, pages, channels):
    pixels = RANDOM.integers(0, 60000, shape, np.uint16)
    chunks = tuple(min(7, each) for each in shape)
    path = array(tmp_path / "a.zarr", pixels, version, chunks=chunks, attributes={"who": "me"})
    picture = files.read(path)
    assert picture.pixels.shape == (*pages, 16, 20, channels)
    assert len(picture.axes) == len(pages)
    np.testing.assert_array_equal(picture.pixels.reshape(shape), pixels)
    back = written(tmp_path / "b.zarr", picture)
    assert (back.shape, back.chunks, back.metadata.zarr_format) == (shape, chunks, version)
    assert back.attrs.asdict() == {"who": "me"}
    np.testing.assert_array_equal(back[:], pixels)


@pytest.mark.parametrize("dtype", files.BY_ENDING[".zarr"].samples)
def test_every_kind_of_sample_is_held(tmp_path, dtype):
    pixels = (100 * RANDOM.normal(size=(8, 9))).astype(dtype)
    picture = files.read(array(tmp_path / "a.zarr", pixels))
    assert np.array_equal(written(tmp_path / "b.zarr", picture)[:], pixels)
    alone = Picture(picture.pixels)
    assert np.array_equal(written(tmp_path / "c.zarr", alone)[:], pixels), "of another format"


def test_bytes_may_be_in_either_order_and_chunks_in_shards(tmp_path):
    pixels = RANDOM.integers(0, 60000, (16, 20), np.uint16)
    path = array(tmp_path / "a.zarr", pixels.astype(">u2"), 2)
    picture = files.read(path)
    assert picture.pixels.dtype.isnative
    back = written(tmp_path / "b.zarr", picture)
    assert back.dtype == np.dtype(">u2")
    np.testing.assert_array_equal(back[:], pixels)
    path = array(tmp_path / "c.zarr", pixels, chunks=(4, 4), shards=(8, 8))
    back = written(tmp_path / "d.zarr", files.read(path))
    assert (back.chunks, back.shards) == ((4, 4), (8, 8))
    np.testing.assert_array_equal(back[:], pixels)


@pytest.mark.parametrize("version", [2, 3])
def test_of_an_image_the_largest_size_is_read_and_written(tmp_path, version):
    pixels = RANDOM.integers(0, 60000, (2, 3, 32, 40), np.uint16)
    path = image(tmp_path / "a.zarr", pixels, version, omero={"channels": [{"color": "FF0000"}]})
    if version == 2:
        zarr.consolidate_metadata(path, zarr_format=2)
    picture = files.read(path)
    assert picture.axes == "TZ"
    np.testing.assert_array_equal(picture.pixels[..., 0], pixels)
    group = written(tmp_path / "b.zarr", picture)
    assert group.metadata.zarr_format == version
    (scale,) = ome(group)["multiscales"]
    (size,) = scale["datasets"]
    assert size["path"] == "sizes/0"
    assert size["coordinateTransformations"][0]["scale"] == [3, 3, 0.5, 0.25]
    assert [each["name"] for each in scale["axes"]] == list("tzyx")
    assert ome(group)["omero"] == {"channels": [{"color": "FF0000"}]}
    assert group["sizes/0"].chunks == (1, 1, 16, 24)
    assert group["sizes/0"].attrs["of"] == "the array"
    assert "sizes/1" not in group
    np.testing.assert_array_equal(group["sizes/0"][:], pixels)
    larger = picture.with_pixels(picture.pixels.repeat(2, -3).repeat(4, -2))
    group = written(tmp_path / "c.zarr", larger)
    (size,) = ome(group)["multiscales"][0]["datasets"]
    assert size["coordinateTransformations"][0]["scale"] == [3, 3, 0.25, 0.0625]
    np.testing.assert_array_equal(group["sizes/0"][:], larger.pixels[..., 0])


def test_a_page_is_an_array_of_its_own(tmp_path):
    pixels = RANDOM.integers(0, 255, (2, 3, 32, 40), np.uint8)
    path = image(tmp_path / "a.zarr", pixels)
    picture = files.read(path, 5)
    np.testing.assert_array_equal(picture.pixels[..., 0], pixels[1, 1])
    np.testing.assert_array_equal(files.read(path).page(5).pixels, picture.pixels)
    np.testing.assert_array_equal(written(tmp_path / "b.zarr", picture)[:], pixels[1, 1])
    with pytest.raises(BadInput, match="has no page 7; it has 6"):
        files.read(path, 7)


def test_what_memory_does_not_hold_is_read_into_a_file(tmp_path, monkeypatch):
    pixels = RANDOM.integers(0, 255, (3, 40, 60), np.uint8)
    path = array(tmp_path / "a.zarr", pixels, chunks=(2, 16, 16))
    read = []
    monkeypatch.setattr(
        "deep_image_prior.files.picture.empty",
        lambda *given, **how: read.append(storage.empty(*given, **how)) or read[-1],
    )
    assert np.array_equal(files.read(path).pixels[..., 0], pixels)
    monkeypatch.setattr("deep_image_prior.files.picture.available", lambda: 10_000)
    assert np.array_equal(files.read(path).pixels[..., 0], pixels)
    assert [isinstance(each, np.memmap) for each in read] == [False, True]


def archive(path: Path) -> Path:
    with zarr.storage.ZipStore(path, mode="w") as store:
        zarr.create_array(store, shape=(8, 8), dtype="uint8")[:] = 1
    return path


def group(path: Path) -> Path:
    for name in ("0", "1"):
        image(path / name, RANDOM.integers(0, 255, (1, 1, 8, 8), np.uint8))
    zarr.open_group(path, mode="a")
    return path


def broken(path: Path) -> Path:
    array(path, RANDOM.integers(0, 255, (64, 64), np.uint8))
    chunk = path / "c" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:99])
    return path


BAD = {
    "archive": (lambda d: archive(d / "a.zip"), "is a zip archive; unpack it"),
    "address": (lambda d: Path("https://example.org/a.zarr"), "is an address; download it"),
    "group": (lambda d: group(d / "a.zarr"), "is a group, and no image.*: 0, 1"),
    "axes": (
        lambda d: image(d / "a.zarr", np.zeros((8, 8, 8, 8)), axes="tyxz"),
        "has the axes t, y, x, z; y and x must be the last",
    ),
    "line": (lambda d: array(d / "a.zarr", np.zeros(8)), r"has the shape \(8,\)"),
    "whole numbers": (lambda d: array(d / "a.zarr", np.zeros((8, 8), int)), "int64 samples"),
    "broken": (lambda d: broken(d / "a.zarr"), "is damaged or truncated"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path, case):
    make, reason = BAD[case]
    path = make(tmp_path)
    with pytest.raises(BadInput, match=reason) as refusal:
        files.read(path)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_without_zarr_it_is_said_what_to_install(tmp_path, monkeypatch):
    path = array(tmp_path / "a.zarr", np.zeros((8, 8), np.uint8))
    monkeypatch.setitem(sys.modules, "zarr", None)
    for work in (
        lambda: files.read(path),
        lambda: files.check_format(path, Picture(np.zeros((8, 8, 1), np.uint8))),
    ):
        with pytest.raises(BadInput, match=r"needs zarr: pip install 'deep-image-prior\[zarr\]'"):
            work()


def test_a_folder_is_replaced_only_if_that_is_allowed_and_it_is_a_picture(tmp_path):
    path = array(tmp_path / "a.zarr", np.zeros((8, 8), np.uint8))
    path.chmod(0o700)
    picture = Picture(np.ones((4, 4, 1), np.uint8))
    with pytest.raises(BadInput, match=r"a\.zarr exists; choose another name"):
        written(path, picture)
    with pytest.raises(BadInput, match=r"a\.zarr exists; choose another name"):
        files.write_atomically(path, files.encoded(picture, ".zarr"), overwrite=False)
    assert written(path, picture, overwrite=True).shape == (4, 4)
    assert path.stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == [path]
    (tmp_path / "notes.zarr").mkdir()
    (tmp_path / "file.zarr").touch()
    for name, reason in (
        ("notes.zarr", "is a folder"),
        ("file.zarr", "is no folder that is a picture"),
    ):
        with pytest.raises(BadInput, match=reason):
            files.check_free(tmp_path / name, overwrite=True)


def test_a_link_to_a_folder_stays_one(tmp_path):
    path = array(tmp_path / "a.zarr", np.zeros((8, 8), np.uint8))
    link = tmp_path / "b.zarr"
    link.symlink_to(path)
    assert written(link, Picture(np.ones((4, 4, 1), np.uint8)), overwrite=True).shape == (4, 4)
    assert link.is_symlink()
    assert files.read(path).pixels.shape == (4, 4, 1)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_full_disk_names_the_folder_and_leaves_what_was_there(tmp_path, overwrite):
    path = tmp_path / "a.zarr"
    if overwrite:
        array(path, np.zeros((8, 8), np.uint8))
    before = sorted(tmp_path.rglob("*"))

    def full(folder):
        (folder / "zarr.json").write_text("{}")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match=r"a\.zarr cannot be written: No space left on device"):
        files.write_atomically(path, full, overwrite)
    assert sorted(tmp_path.rglob("*")) == before


def test_what_was_there_comes_back_if_it_cannot_be_replaced(tmp_path, monkeypatch):
    path = array(tmp_path / "a.zarr", np.zeros((8, 8), np.uint8))
    rename = Path.rename

    def renamed(old, new):
        if old.suffix == ".part":
            raise OSError(5, "Input/output error")
        return rename(old, new)

    monkeypatch.setattr(Path, "rename", renamed)
    with pytest.raises(OSError, match="Input/output error"):
        written(path, Picture(np.ones((4, 4, 1), np.uint8)), overwrite=True)
    assert files.read(path).pixels.shape == (8, 8, 1)
    assert list(tmp_path.iterdir()) == [path]


KILLED = """
import os, signal, sys
from pathlib import Path
from deep_image_prior import files

def half(folder):
    (folder / "zarr.json").write_text("half of it")
    os.kill(os.getpid(), signal.SIGKILL)

files.write_atomically(Path(sys.argv[1]), half, overwrite=sys.argv[2] == "over")
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("how", ["new", "over"])
def test_a_killed_process_leaves_nothing_of_that_name(tmp_path, how):
    path = tmp_path / "a.zarr"
    if how == "over":
        array(path, np.zeros((8, 8), np.uint8))
    done = subprocess.run([sys.executable, "-c", KILLED, path, how], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.exists() == (how == "over")
    assert how == "new" or files.read(path).pixels.shape == (8, 8, 1)
    assert all(each == path or each.name.startswith(".") for each in tmp_path.iterdir())


def test_the_fingerprint_of_a_folder_is_that_of_its_list_of_sums(tmp_path):
    path = image(tmp_path / "a.zarr", RANDOM.integers(0, 255, (1, 2, 32, 40), np.uint8))
    names = sorted(str(each.relative_to(path)) for each in path.rglob("*") if each.is_file())
    sums = [f"{hashlib.sha256((path / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    expected = {"name": "a.zarr", "sha256": hashlib.sha256("".join(sums).encode()).hexdigest()}
    assert record.fingerprint(path) == expected
    contents = {name: (path / name).read_bytes() for name in reversed(names)}
    assert record.fingerprint_of(contents, "a.zarr") == expected


def test_an_image_is_restored_in_its_place_and_beside_it(run):
    image(Path("a.zarr"), scan(), axes="yx")
    code, err = run("denoise", "a.zarr", "--record", "a.json", *QUICK)
    assert code == 0, err
    told = json.loads(Path("a.json").read_text())
    assert told["inputs"]["image"] == record.fingerprint(Path("a.zarr"))
    assert told["outputs"]["image"] == record.fingerprint(Path("a-denoised.zarr"))
    result = zarr.open("a-denoised.zarr", mode="r")["sizes/0"][:]
    assert (result.shape, result.dtype) == ((32, 32), np.uint8)
    assert not np.array_equal(result, scan())
    code, err = run("denoise", "a.zarr", "-o", "a.zarr", *QUICK)
    assert (code, "a.zarr exists" in err) == (2, True)
    assert run("denoise", "a.zarr", "-o", "a.zarr", "--overwrite", *QUICK)[0] == 0
    np.testing.assert_array_equal(zarr.open("a.zarr", mode="r")["sizes/0"][:], result)


def test_among_many_a_folder_of_zarr_is_one_picture(run):
    Path("scans/deep").mkdir(parents=True)
    array(Path("scans/a.zarr"), scan())
    image(Path("scans/deep/b.zarr"), scan(), axes="yx")
    Image.fromarray(scan()).save("scans/c.png")
    Image.fromarray(scan()).save("scans/a.zarr/preview.png")
    arguments = ["denoise", "scans", "-o", "out", "--recursive", *QUICK]
    code, err = run(*arguments)
    assert code == 0, err
    rows = json.loads(Path("out/dip-denoise.json").read_text())["rows"]
    names = {"out/a-denoised.zarr", "out/deep/b-denoised.zarr", "out/c-denoised.png"}
    assert {row["output"] for row in rows} == names
    for name in names:
        told = json.loads(Path(f"{name}.json").read_text())["outputs"][Path(name).name]
        assert told == record.fingerprint(Path(name))
        assert files.read(Path(name)).pixels.shape == (32, 32, 1)
    assert run(*arguments)[0] == 0
    rows = json.loads(Path("out/dip-denoise.json").read_text())["rows"]
    assert {row["state"] for row in rows} == {"kept"}


def test_a_folder_goes_through_no_pipe(run, monkeypatch):
    class Pipe(io.TextIOWrapper):
        def isatty(self):
            return False

    array(Path("a.zarr"), scan())
    monkeypatch.setattr(sys, "stdout", Pipe(io.BytesIO()))
    code, err = run("denoise", "a.zarr", "-o", "-", *QUICK)
    assert code == 2
    assert "a.zarr is a folder, and so is its result; name it by -o" in err
