import numpy as np
import pytest
from helpers import photograph

from benchmarks.pairs import GRAIN, KINDS, MOVED, SIGMA, moved, under

SCENE = photograph(96)


def test_the_two_lights_differ_in_colour_shadows_and_highlights():
    gray = np.full((96, 96, 3), 0.5)
    dim, bright = under(gray)
    assert (dim[..., 0] > dim[..., 1]).all()
    assert (dim[..., 1] > dim[..., 2]).all()
    assert dim[:, :8].mean() > 1.5 * dim[:, -8:].mean()
    assert np.abs(np.diff(dim, axis=1)).max() < 0.02  # no hard edge
    assert np.ptp(bright, axis=2).max() < 1e-9
    assert bright.max() == 1
    assert np.abs(np.diff(bright, axis=1)).max() > 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_a_pair_is_two_files_of_which_that_with_flash_has_less_noise(kind):
    problem = KINDS[kind]("p", SCENE, SCENE)
    for image in (problem.observation, problem.guide):
        levels = 255 * image
        np.testing.assert_allclose(levels, np.rint(levels), atol=1e-9)
    noise = problem.observation - problem.clean
    if kind in ("white", "moved"):
        inside = (problem.observation > 0) & (problem.observation < 1)
        assert noise[problem.clean > 0.3].std() == pytest.approx(SIGMA, rel=0.1)
        assert (problem.guide - under(SCENE)[1])[inside].std() == pytest.approx(GRAIN, rel=0.2)
    else:
        flash = problem.guide - KINDS[kind]("p", SCENE, moved(SCENE)).guide
        assert noise.std() > 8 / 255
        assert flash.any()


def test_noise_makes_dark_parts_brighter_in_the_mean_of_exposures():
    dark = 0.1 * SCENE
    pair, once = (KINDS[kind]("p", dark, dark) for kind in ("exposures", "camera"))
    assert np.array_equal(pair.observation, once.observation)
    noise = pair.observation - pair.clean
    assert abs(noise.mean()) < 0.05 * noise.std()
    assert (once.observation - once.clean).mean() > 0.2 * noise.std()


def test_moved_goes_down_and_left():
    spot = np.zeros((40, 40, 1))
    spot[20, 20] = 1
    there = moved(spot)[..., 0]
    row, column = ((np.indices(there.shape) * there).sum(axis=(1, 2)) / there.sum()).tolist()
    assert (row - 20, column - 20) == pytest.approx(MOVED, abs=0.2)
