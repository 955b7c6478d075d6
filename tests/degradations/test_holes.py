import numpy as np
import pytest
import torch

from deep_image_prior.degradations import DEEP, are_deep, are_scattered, wide_holes
from deep_image_prior.degradations.holes import STRAY, WIDE


def mask(known):
    return torch.from_numpy(known)[None, None].float()


def lines(width, side=64):
    known = np.ones((side, side), bool)
    for first in range(3, side - width, 12):
        known[first : first + width] = False
        known[:, first : first + width] = False
    return known


@pytest.mark.parametrize("missing", [0.002, 0.1, 0.5, 0.9, 0.98])
def test_single_pixels_are_told_from_lines_whatever_their_share(missing):
    known = np.random.default_rng(0).random((128, 128)) > missing
    assert are_scattered(mask(known))


@pytest.mark.parametrize("width", [1, 2, 5, 9])
def test_lines_are_no_single_pixels(width):
    assert not are_scattered(mask(lines(width)))
    assert not are_scattered(mask(~lines(width)))
    rows = np.arange(64) % (2 * width) < width
    assert not are_scattered(mask(np.broadcast_to(rows[:, None], (64, 64)).copy()))


def test_blocks_of_pixels_are_no_single_pixels():
    few = np.random.default_rng(0).random((64, 64)) > 0.05
    assert not are_scattered(mask(np.kron(few, np.ones((2, 2))) > 0))


def test_wide_is_what_has_room_for_a_large_square():
    known = lines(9, side=120)
    assert wide_holes(mask(known)).sum() == 0
    for first in range(20, 30):
        known = np.ones((120, 120), bool)
        known[first : first + WIDE, 31 : 31 + WIDE] = False
        assert torch.equal(wide_holes(mask(known)), 1 - mask(known)), "wherever it begins"
        for strays in range(1, WIDE):  # in its first row
            known[first, 30 + strays] = True
            found = wide_holes(mask(known))
            expected = 1 - mask(known) if strays <= STRAY * WIDE**2 else torch.zeros_like(found)
            assert torch.equal(found, expected)
    assert wide_holes(mask(np.zeros((20, 200), bool))).sum() == 0, "a strip is narrow"


def test_a_wide_hole_has_its_rim_and_lines_far_from_it_are_narrow():
    rows, columns = np.mgrid[:120, :160]
    disk = (rows - 50) ** 2 + (columns - 50) ** 2 < 30**2
    line = rows == 50
    line[:, 110:] |= columns[:, 110:] % 3 != 0
    wide = wide_holes(mask(~(disk | line)))[0, 0].numpy() > 0
    assert wide[disk].all()
    assert not wide[:, 110:].any()
    assert not wide[~(disk | line)].any()


@pytest.mark.parametrize("deep", [DEEP - 1, DEEP])
def test_deep_is_what_has_room_for_a_smaller_square_or_half_of_one_at_the_rim(deep):
    inside, side, corner = (np.ones((60, 50), bool) for _ in range(3))
    inside[20 : 20 + deep, 7 : 7 + deep] = False
    side[: deep // 2 + 1, 7 : 7 + deep] = False
    corner[-(deep // 2) - 1 :, -(deep // 2) - 1 :] = False
    assert [are_deep(mask(each)) for each in (inside, side, corner)] == [deep == DEEP] * 3
    inside[25, 12] = True
    assert are_deep(mask(inside)) == (deep == DEEP), "a stray pixel"
    assert not are_deep(mask(lines(9, side=120)))
    assert not are_deep(mask(np.random.default_rng(0).random((200, 200)) > 0.99))


def test_a_hole_that_is_mostly_wide_is_wide():
    known = np.ones((120, 160), bool)
    known[20:80, 20:80] = known[80:110, 40:52] = False
    assert torch.equal(wide_holes(mask(known)), 1 - mask(known))


def test_single_pixels_beside_a_wide_hole_are_not_of_it():
    hole = np.zeros((128, 128), bool)
    hole[40:85, 40:90] = True
    lot = np.random.default_rng(0).random((128, 128)) < 0.5
    wide = wide_holes(mask(~(hole | lot)))[0, 0].numpy() > 0
    assert wide[hole].all()
    assert wide[~hole].sum() < 0.05 * hole.sum()
