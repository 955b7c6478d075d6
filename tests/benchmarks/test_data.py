import hashlib

import numpy as np
import pytest
from PIL import Image

from benchmarks import data
from benchmarks.data import Source
from deep_image_prior import BadInput


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder of one set with one picture, and the table that names it."""
    path = tmp_path / "set5" / "bird.png"
    path.parent.mkdir()
    Image.fromarray(np.full((4, 6, 3), 51, np.uint8)).save(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    table = {
        ("set5", "bird"): Source(
            "set5", "bird.png", 6, 4, digest, "https://example.invalid/bird.png"
        )
    }
    monkeypatch.setattr(data, "sources", lambda: table)
    return tmp_path


def test_the_table_names_every_set_with_sizes_checksums_and_addresses():
    table = data.sources()
    sizes = {"denoise9": 9, "inpaint11": 11, "set5": 5, "set14": 14, "cc15": 14, "polyu40": 40}
    assert {name: len(data.names(name)) for name in sizes} == sizes
    for (name, picture), source in table.items():
        assert source.set == name
        assert source.file.startswith(picture)
        assert len(source.sha256) == 64
        assert source.url.startswith("https://")
        assert 100 < source.height < 1000
        assert 100 < source.width < 1000


@pytest.mark.parametrize("set", ["cc15", "polyu40"])
def test_every_real_photograph_has_its_mean(set):
    halves = {folder: [] for folder in ("real", "mean")}
    for name in data.names(set):
        folder, _, picture = name.partition("/")
        halves[folder].append((picture, data.sources()[set, name].width))
        assert data.sources()[set, name].file.startswith(f"{folder}/{picture}.")
    assert halves["real"] == halves["mean"] != []


def test_a_picture_is_read_in_unit_range(shelf):
    image = data.load(shelf, "set5", "bird")
    assert image.shape == (4, 6, 3)
    np.testing.assert_allclose(image, 0.2)


def test_a_missing_picture_names_the_command(shelf, tmp_path):
    with pytest.raises(
        BadInput, match=r"bird\.png is missing; get it with: python -m benchmarks fetch set5 --data"
    ):
        data.load(tmp_path / "elsewhere", "set5", "bird")


def test_a_damaged_or_other_picture_is_refused(shelf):
    path = shelf / "set5" / "bird.png"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BadInput, match=r"bird\.png is damaged or another picture"):
        data.load(shelf, "set5", "bird")


def test_what_is_there_is_not_fetched_again(shelf):
    assert data.fetch(shelf, "set5") == 1


def test_what_cannot_be_fetched_names_address_and_place(shelf, monkeypatch):
    def unreachable(url, known_hash, fname, path):
        raise OSError("no route to host")

    monkeypatch.setattr(data.pooch, "retrieve", unreachable)
    with pytest.raises(
        BadInput,
        match=r"example\.invalid/bird\.png: OSError: no route to host; put the file at .*bird.png",
    ):
        data.fetch(shelf, "set5")
