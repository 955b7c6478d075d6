import numpy as np
import pytest
import torch

from deep_image_prior.degradations import are_scattered, wide_holes
from deep_image_prior.degradations.holes import WIDE


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
        known[first, 31] = True
        assert wide_holes(mask(known)).sum() == 0
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
