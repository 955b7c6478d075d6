import numpy as np
import pytest
import torch
from helpers import noisy, photograph, tensor
from skimage import data

from deep_image_prior.alignment import Alignment, align, moved

SCENE = photograph(112)
ROOM = np.linspace(0.9, 0.4, 96)[:, None] * [0.8, 0.6, 0.4]


def pair(down, right):
    """A noisy photo, and one with flash that lies elsewhere, with a shadow and less light below."""
    dim = SCENE[8:-8, 8:-8] * ROOM
    flash = np.linspace(1, 0.6, 112)[:, None, None] * SCENE
    flash[30:70, 40:80] *= 0.4
    seen = moved(tensor(flash), Alignment(-down, -right))
    return tensor(noisy(dim)), seen[..., 8:-8, 8:-8]


@pytest.mark.parametrize("shift", [(0, 0), (3, -2), (-2.4, 1.7), (5.5, 6.5)])
def test_the_shift_is_found_whatever_the_light(shift):
    found = align(*pair(*shift))
    assert (found.down, found.right) == pytest.approx(shift, abs=0.15)


def test_a_picture_in_its_place_is_not_moved():
    image, flash = pair(0, 0)
    assert align(image, flash) == Alignment()
    assert torch.equal(moved(flash, Alignment()), flash)
    assert Alignment().sentences() == []


def test_pictures_of_different_things_do_not_lie_on_each_other():
    image = tensor(noisy(photograph(128)))
    others = (data.coffee()[100:228, 200:328], data.cat()[60:188, 100:228])
    for other in others:
        assert align(image, tensor(other / 255)) is None
    noise = torch.rand(image.shape, generator=torch.Generator().manual_seed(0))
    assert align(image, noise) is None
    assert align(image, torch.full_like(image, 0.5)) is None


def test_gray_and_colour_and_sides_of_a_few_pixels():
    image, flash = pair(2, 1)
    found = align(image[:, 1:2], flash)
    assert (found.down, found.right) == pytest.approx((2, 1), abs=0.2)
    small = torch.rand(1, 1, 2, 3, generator=torch.Generator().manual_seed(0))
    assert align(small, small) in (None, Alignment())


def test_only_the_part_with_most_detail_is_compared(monkeypatch):
    monkeypatch.setattr("deep_image_prior.alignment.SEEN", 96)
    image, flash = (torch.nn.functional.pad(each, (150, 0, 0, 170)) for each in pair(3, -2))
    found = align(image, flash)
    assert (found.down, found.right) == pytest.approx((3, -2), abs=0.15)


def test_moved_goes_down_and_right_and_the_summary_says_so():
    image = tensor(SCENE)
    there = moved(image, Alignment(2, 3))
    torch.testing.assert_close(there[..., 10:-10, 10:-10], image[..., 8:-12, 7:-13])
    assert moved(image, Alignment(0.5, 0.5)).min() >= 0
    assert Alignment(-1.25, 3).sentences() == [
        "flash photo: moved by 1.25 up and 3.00 right pixels"
    ]
    assert Alignment(0, -0.5).sentences() == ["flash photo: moved by 0.50 left pixels"]
