from functools import partial

import numpy as np
import pytest
from helpers import photograph
from skimage.filters import gaussian

from benchmarks.degradations import blurred, grained, photographed, striped, unharmed

GRAY = np.full((128, 128, 3), 0.5)


def excess(problem):
    return problem.observation - problem.clean


def correlation(noise, shift=1):
    """Of neighbours in a row, less the mean."""
    rest = noise - noise.mean()
    return np.mean(rest[:, shift:] * rest[:, :-shift]) / np.mean(rest**2)


@pytest.mark.parametrize("blur", [0, 0.7, 1, 2])
def test_blurred_noise_has_its_sigma_and_is_correlated_as_far_as_its_blur(blur):
    noise = excess(blurred("p", GRAY, 20 / 255, blur))
    assert noise.std() == pytest.approx(20 / 255, rel=0.01)
    sampled = np.zeros((65, 65))
    sampled[32, 32] = 1
    taps = gaussian(sampled, blur) if blur else sampled
    expected = np.sum(taps[:, 1:] * taps[:, :-1]) / np.sum(taps**2)
    assert correlation(noise) == pytest.approx(expected, abs=0.03)
    assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 0.1


@pytest.mark.parametrize(("axis", "along"), [(0, 1), (1, 0)])
def test_a_stripe_is_one_offset_a_line(axis, along):
    noise = excess(striped("p", GRAY, 10 / 255, axis))
    assert np.ptp(noise, axis=along).max() < 1e-9
    assert noise.std() == pytest.approx(10 / 255, rel=0.2)


def test_grain_is_gray_and_strongest_at_middle_gray():
    clean = GRAY.copy()
    clean[:, 64:] = 0.1
    noise = excess(grained("p", clean, 12 / 255))
    middle, dark = noise[:, :64], noise[:, 64:]
    assert middle.std() == pytest.approx(12 / 255, rel=0.1)
    assert dark.std() / middle.std() == pytest.approx(0.6, rel=0.1)  # 2 sqrt(0.1 * 0.9)
    assert np.ptp(middle, axis=2).max() < 1e-9
    assert correlation(middle[..., 0]) > 0.6


def test_a_camera_without_noise_keeps_the_colours_of_a_flat_scene():
    scene = np.full((16, 16, 3), [0.6, 0.3, 0.1])
    np.testing.assert_allclose(photographed("p", scene).clean, scene, atol=1e-3)


def test_the_noise_of_a_camera_is_correlated_and_as_strong_as_that_of_real_ones():
    noise = excess(photographed("p", GRAY))
    assert 3 / 255 < noise.std() < 9 / 255
    assert correlation(noise) > 0.3
    dark = excess(photographed("p", 0.2 * GRAY))
    assert dark.std() > 1.1 * noise.std()  # gamma


def test_the_lens_leaves_nothing_of_single_columns():
    scene = np.zeros((32, 32, 3))
    scene[:, ::2] = 1
    assert np.ptp(photographed("p", scene).clean[8:-8, 8:-8]) < 0.1


def test_what_is_unharmed_is_only_rounded():
    clean = photograph()
    assert np.abs(excess(unharmed("p", clean))).max() <= 0.5 / 255 + 1e-9


@pytest.mark.parametrize(
    "damage",
    [
        partial(blurred, sigma=0.1, blur=1),
        partial(striped, sigma=0.1, axis=0),
        partial(grained, sigma=0.1),
        photographed,
        unharmed,
    ],
)
def test_every_observation_is_a_file_and_the_same_each_time(damage):
    problem = damage("p", photograph())
    assert problem.name == "p"
    levels = problem.observation * 255
    np.testing.assert_allclose(levels, np.rint(levels), atol=1e-9)
    assert problem.sigma == pytest.approx(excess(problem).std())
    np.testing.assert_array_equal(damage("p", photograph()).observation, problem.observation)
