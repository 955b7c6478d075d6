from functools import partial

import numpy as np
import pytest
import torch
from helpers import photograph

import deep_image_prior as dip
from deep_image_prior import anywhere, codes
from deep_image_prior.checkpoint import KEY, kept, open_checkpoint
from deep_image_prior.networks import Hourglass
from deep_image_prior.objectives import Residual
from deep_image_prior.stopping import Discrepancy


def of_code(code):
    network = partial(Hourglass, down=(4,), up=(4,), skip=(0,))
    return dip.Preset(network, Residual(code), dip.Settings())


pytestmark = pytest.mark.usefixtures("quick_noise")

NOISY = np.clip(photograph(48) + 0.1 * np.random.default_rng(0).normal(size=(48, 48, 3)), 0, 1)


def test_what_is_made_once_is_kept(tmp_path):
    made = []

    def make():
        made.append(1)
        return {"image": torch.ones(2), "steps": [1, 2], "reason": "budget", "sure": None}

    for _ in range(2):
        checkpoint = open_checkpoint(tmp_path / "new" / "folder", {"image": "a"})
        value = kept(checkpoint.within("tile1"), "run1", make)
        assert value["image"].equal(torch.ones(2))
        assert (value["steps"], value["reason"], value["sure"]) == ([1, 2], "budget", None)
    assert len(made) == 1
    kept(checkpoint.within("tile2"), "run1", make)
    kept(None, "run1", make)
    assert len(made) == 3


def test_what_is_not_done_is_made_anew(tmp_path):
    checkpoint = open_checkpoint(tmp_path / "folder", {})
    assert kept(checkpoint, "run1", lambda: 1, done=lambda value: False) == 1
    assert kept(checkpoint, "run1", lambda: 2) == 2


def test_half_a_file_is_not_taken_for_one(tmp_path):
    checkpoint = open_checkpoint(tmp_path / "folder", {})
    (checkpoint.folder / "run1.part").write_bytes(b"half")
    assert kept(checkpoint, "run1", lambda: 1) == 1
    for damaged in (b"", b"hello world\n", (checkpoint.folder / "run1.pt").read_bytes()[:200]):
        (checkpoint.folder / "run1.pt").write_bytes(damaged)
        assert kept(checkpoint, "run1", lambda: 1) == 1
    checkpoint.remove()
    assert not checkpoint.folder.exists()


def test_another_picture_or_setting_is_refused_and_so_is_a_folder_of_other_files(tmp_path):
    open_checkpoint(tmp_path / "folder", {"image": "a", "setting": "b", "preset": "fast"})
    with pytest.raises(dip.BadInput, match="made with another image; give another"):
        open_checkpoint(tmp_path / "folder", {"image": "b", "setting": "c", "preset": "fast"})
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(dip.BadInput, match="is a folder of other files"):
        open_checkpoint(tmp_path, {})
    with pytest.raises(dip.BadInput, match="is a file; give a folder"):
        open_checkpoint(tmp_path / "letter.txt", {})
    (tmp_path / "folder" / KEY).write_text("{")
    with pytest.raises(dip.BadInput, match="cannot be used for a checkpoint"):
        open_checkpoint(tmp_path / "folder", {})
    assert (tmp_path / "letter.txt").read_text() == "mine"


def test_files_of_others_outlive_the_checkpoint(tmp_path):
    checkpoint = open_checkpoint(tmp_path / "folder", {})
    kept(checkpoint, "run1", lambda: 1)
    (checkpoint.folder / "letter.txt").write_text("mine")
    checkpoint.remove()
    assert [path.name for path in checkpoint.folder.iterdir()] == ["letter.txt"]


class Killed(BaseException):
    """Nothing catches it."""


FEW = {"channel_axis": -1, "steps": 3, "runs": 3, "preset": "fast", "sigma": 0.1}


def test_a_killed_call_goes_on_where_it_was_to_the_same_bits(tmp_path):
    whole, folder = dip.denoise(NOISY, **FEW), tmp_path / "folder"
    seen = []

    def watch(step):
        seen.append(step.index)
        if len(seen) == 8:
            raise Killed

    with pytest.raises(Killed):
        dip.denoise(NOISY, checkpoint=folder, watch=watch, **FEW)
    assert sorted(path.name for path in folder.glob("*.pt")) == ["run1.pt", "run2.pt"]
    with pytest.raises(dip.BadInput, match="made with another image"):
        dip.denoise(1 - NOISY, checkpoint=folder, **FEW)
    with pytest.raises(dip.BadInput, match="made with another setting"):
        dip.denoise(NOISY, checkpoint=folder, **{**FEW, "seed": 3})
    again = []
    result = dip.denoise(NOISY, checkpoint=folder, watch=lambda s: again.append(s.index), **FEW)
    assert again == [1, 2, 3], "only the third run"
    assert np.array_equal(result.image, whole.image)
    assert np.array_equal(result.history, whole.history)
    assert not folder.exists()


def test_a_large_picture_goes_on_with_the_tiles_that_are_left(tmp_path, monkeypatch):
    monkeypatch.setattr(anywhere, "LARGEST", 30 * 30)
    monkeypatch.setattr(anywhere, "TILE_GRID", 24)
    monkeypatch.setattr(anywhere, "TILES", (24,))
    options = {**FEW, "runs": 1}
    whole, folder = dip.denoise(NOISY, **options), tmp_path / "folder"

    def tell(phase):
        if phase.done == 2:
            raise Killed

    with pytest.raises(Killed):
        dip.denoise(NOISY, checkpoint=folder, tell=tell, **options)
    assert (folder / "run1.pt").is_file()
    assert 2 <= len(list(folder.glob("tile*.pt"))) < 4
    steps = []
    result = dip.denoise(NOISY, checkpoint=folder, watch=steps.append, **options)
    assert not steps
    assert np.array_equal(result.image, whole.image)


def test_tiles_of_another_size_are_others(tmp_path, monkeypatch):
    """Memory chooses it, and another amount may be free by the next time."""
    monkeypatch.setattr(anywhere, "LARGEST", 30 * 30)
    monkeypatch.setattr(anywhere, "TILE_GRID", 24)
    monkeypatch.setattr(anywhere, "TILES", (24,))
    options = {**FEW, "runs": 1, "checkpoint": tmp_path / "folder"}

    def tell(phase):
        if phase.done == 2:
            raise Killed

    with pytest.raises(Killed):
        dip.denoise(NOISY, tell=tell, **options)
    monkeypatch.setattr(anywhere, "TILES", (48,))
    assert dip.denoise(NOISY, **options).image.shape == NOISY.shape


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("stop", Discrepancy(0.1), Discrepancy(0.2)),
        ("preset", of_code(codes.noise), of_code(codes.meshgrid)),
    ],
)
def test_another_rule_or_recipe_of_the_callers_is_another(tmp_path, name, one, other):
    options = {"channel_axis": -1, "steps": 3, "runs": 2, "checkpoint": tmp_path / "folder"}
    options["preset"] = of_code(codes.noise)

    def interrupt(step):
        raise KeyboardInterrupt

    assert dip.denoise(NOISY, watch=interrupt, **{**options, name: one}).interrupted
    with pytest.raises(dip.BadInput, match=f"made with another {name}"):
        dip.denoise(NOISY, **{**options, name: other})


def test_an_interrupted_run_is_not_kept(tmp_path):
    def watch(step):
        raise KeyboardInterrupt

    folder = tmp_path / "folder"
    assert dip.denoise(NOISY, checkpoint=folder, watch=watch, **FEW).interrupted
    assert not list(folder.glob("*.pt"))


def test_another_kernel_is_another_task(tmp_path):
    def kernel(column):
        k = np.full((21, 21), 1e-4)
        k[10, column] = 1
        return k

    def interrupted(step):
        if step.index == 2:
            raise KeyboardInterrupt

    options = {"channel_axis": -1, "steps": 3, "checkpoint": tmp_path / "kept"}
    np.save(tmp_path / "k.npy", kernel(5))
    dip.deblur(NOISY, str(tmp_path / "k.npy"), watch=interrupted, **options)
    np.save(tmp_path / "k.npy", kernel(15))
    with pytest.raises(dip.BadInput, match="made with another task"):
        dip.deblur(NOISY, str(tmp_path / "k.npy"), **options)
    np.save(tmp_path / "k.npy", kernel(5))
    assert dip.deblur(NOISY, str(tmp_path / "k.npy"), **options).complete
    options |= {"checkpoint": tmp_path / "larger", "psf": str(tmp_path / "k.npy")}
    dip.upscale(NOISY, 2, watch=interrupted, **options)
    np.save(tmp_path / "k.npy", kernel(15))
    with pytest.raises(dip.BadInput, match="made with another task"):
        dip.upscale(NOISY, 2, **options)


@pytest.mark.parametrize("content", ["", "[]", "{", "3"])
def test_a_checkpoint_that_cannot_be_read_names_the_way_out(tmp_path, content):
    (tmp_path / KEY).write_text(content)
    with pytest.raises(dip.BadInput, match=r"cannot be used .* or remove it to start anew|another"):
        open_checkpoint(tmp_path, {"image": "a"})
