import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import noisy, photograph

import deep_image_prior as dip
from deep_image_prior import anywhere, storage
from deep_image_prior.memory import Memory
from deep_image_prior.storage import empty, strips

pytestmark = pytest.mark.usefixtures("quick_noise")


def test_an_array_on_disk_is_an_array():
    array = empty((3, 4), np.float32, on_disk=True)
    assert isinstance(array, np.memmap)
    array[:] = 7
    assert (array + 1).sum() == 96
    assert not isinstance(empty((3, 4), np.float32), np.memmap)


def test_a_disk_without_room_is_said_in_one_line(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=2**20))
    empty((2**18,), np.float32, on_disk=True)
    with pytest.raises(dip.BadInput, match=r"has 1\.0 MiB of the 2\.0 MiB .* set TMPDIR") as told:
        empty((2**19,), np.float32, on_disk=True)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(("height", "width"), [(1, 10), (7, 3), (100, 1000), (2, 10**7)])
def test_strips_are_every_row_once(monkeypatch, height, width):
    monkeypatch.setattr(storage, "AT_A_TIME", 5000)
    rows = list(strips(height, width))
    assert [row for some in rows for row in range(some.start, some.stop)] == list(range(height))
    assert all(
        (some.stop - some.start) * width <= 5000 or some.stop - some.start == 1 for some in rows
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_what_memory_does_not_hold_is_restored_on_disk_to_the_same_bits(monkeypatch, dtype):
    monkeypatch.setattr(anywhere, "LARGEST", 100 * 100)
    monkeypatch.setattr(storage, "AT_A_TIME", 2000)
    white = 255 if dtype == np.uint8 else 1
    image = (white * noisy(photograph(104)[..., :1])).astype(dtype)
    options = {"channel_axis": -1, "sigma": 25 / 255, "steps": 2, "strength": 0.7}
    held = dip.denoise(image, **options)
    assert not isinstance(held.image, np.memmap)
    monkeypatch.setattr(Memory, "on_disk", lambda memory, shape: True)
    kept = dip.denoise(image, **options)
    assert isinstance(kept.image, np.memmap)
    assert kept.image.dtype == dtype
    np.testing.assert_array_equal(kept.image, held.image)
