import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from helpers import encoded

from deep_image_prior import BadInput, files, storage
from deep_image_prior.files import numpy_array

RANDOM = np.random.default_rng(0)


def saved(path: Path, array) -> Path:
    np.save(path, array)
    return path


@pytest.mark.parametrize("dtype", numpy_array.SAMPLES)
def test_every_real_type_comes_back(tmp_path, dtype):
    array = (100 * RANDOM.random((5, 7))).astype(dtype)
    picture = files.read(saved(tmp_path / "a.npy", array))
    assert picture.pixels.dtype == dtype
    np.testing.assert_array_equal(picture.pixels, array[..., None])
    files.check_format(Path("b.npy"), picture)
    back = np.load(io.BytesIO(encoded(picture, ".npy")))
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize(
    ("shape", "axes", "sides"),
    [
        ((5, 7), "", (5, 7, 1)),
        ((5, 7, 1), "", (5, 7, 1)),
        ((5, 7, 2), "", (5, 7, 2)),
        ((5, 7, 3), "", (5, 7, 3)),
        ((5, 7, 4), "", (5, 7, 4)),
        ((3, 5, 7), "I", (5, 7, 1)),
        ((3, 5, 7, 1), "I", (5, 7, 1)),
        ((6, 5, 7, 3), "I", (5, 7, 3)),
        ((2, 3, 5, 7), "II", (5, 7, 1)),
    ],
)
def test_the_last_axis_is_colours_if_it_is_short_and_what_comes_first_a_stack(
    tmp_path, shape, axes, sides
):
    array = RANDOM.normal(size=shape)
    picture = files.read(saved(tmp_path / "a.npy", array))
    assert (picture.axes, picture.pixels.shape[-3:]) == (axes, sides)
    assert np.load(io.BytesIO(encoded(picture, ".npy"))).shape == shape
    larger = picture.with_pixels(picture.pixels.repeat(2, -3).repeat(2, -2))
    assert np.load(io.BytesIO(encoded(larger, ".npy"))).size == 4 * array.size
    count = array.size // np.prod(sides)
    last = array.reshape(count, *sides)[-1]
    page = files.read(tmp_path / "a.npy", count)
    np.testing.assert_array_equal(page.pixels, last)
    assert not page.axes
    with pytest.raises(BadInput, match=f"has no page {count + 1}; it has {count}"):
        files.read(tmp_path / "a.npy", count + 1)


def test_other_orders_of_bytes_and_axes_become_the_usual_ones(tmp_path):
    array = np.asfortranarray(RANDOM.normal(size=(5, 7)).astype(">f4"))
    pixels = files.read(saved(tmp_path / "a.npy", array)).pixels
    assert pixels.dtype.isnative
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable
    np.testing.assert_array_equal(pixels[..., 0], array)


def test_an_array_that_memory_does_not_hold_is_read_into_a_file(tmp_path, monkeypatch):
    path = saved(tmp_path / "a.npy", RANDOM.normal(size=(40, 60)))
    made = []
    monkeypatch.setattr(
        "deep_image_prior.files.picture.empty",
        lambda *given, **how: made.append(storage.empty(*given, **how)) or made[-1],
    )
    monkeypatch.setattr("deep_image_prior.files.picture.available", lambda: 10_000)
    np.testing.assert_array_equal(files.read(path).pixels[..., 0], np.load(path))
    assert [isinstance(each, np.memmap) for each in made] == [True]


def archive(path: Path) -> Path:
    np.savez(path, a=np.zeros((5, 7)))
    return path


def truncated(path: Path) -> Path:
    saved(path, np.zeros((50, 70)))
    path.write_bytes(path.read_bytes()[:5000])
    return path


BAD = {
    "objects": (lambda d: saved(d / "a.npy", np.array([[{}, 1]] * 2)), "Python objects"),
    "structured": (lambda d: saved(d / "a.npy", np.zeros((5, 7), "i4,f4")), "integers or real"),
    "complex": (lambda d: saved(d / "a.npy", np.zeros((5, 7), complex)), "complex128.*real"),
    "text": (lambda d: saved(d / "a.npy", np.full((5, 7), "a")), "integers or real"),
    "one axis": (lambda d: saved(d / "a.npy", np.zeros(5)), r"shape \(5,\).*two axes"),
    "no axis": (lambda d: saved(d / "a.npy", np.float32(3)), r"shape \(\).*two axes"),
    "archive": (lambda d: archive(d / "a.npz"), r"archive.*as \.npy"),
    "truncated": (lambda d: truncated(d / "a.npy"), "damaged or truncated"),
    "thin": (lambda d: saved(d / "a.npy", np.zeros((1, 9))), "9 x 1 pixels"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arrays_are_refused_in_one_line_that_names_them(tmp_path, case):
    make, reason = BAD[case]
    path = make(tmp_path)
    with pytest.raises(BadInput, match=reason) as refusal:
        files.read(path)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_results_stay_arrays(tmp_path):
    path = saved(tmp_path / "a.npy", np.zeros((5, 7)))
    assert files.suffix_for(path) == path.suffix
    assert files.ending_for(path) == ".npy"


def test_a_stack_goes_through_tiff(tmp_path):
    picture = files.read(saved(tmp_path / "a.npy", RANDOM.random((6, 5, 7)).astype(np.float32)))
    (tmp_path / "b.tif").write_bytes(encoded(picture, ".tif"))
    assert tifffile.imread(tmp_path / "b.tif").shape == (6, 5, 7)
    back = files.read(tmp_path / "b.tif")
    assert back.axes == "I"
    np.testing.assert_array_equal(back.pixels, picture.pixels)


def test_more_channels_than_four_would_be_a_width(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif", np.zeros((8, 9, 5)), photometric="minisblack", planarconfig="contig"
    )
    with pytest.raises(BadInput, match=r"cannot hold 5 channels; name it \.tif"):
        files.check_format(Path("b.npy"), files.read(tmp_path / "a.tif"))
