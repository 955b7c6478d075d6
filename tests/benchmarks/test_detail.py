import numpy as np
import pytest
from helpers import photograph
from skimage.filters import gaussian

from benchmarks import detail, metrics
from benchmarks.methods import Effort
from benchmarks.methods.boosts import STRONGEST, added, at_gains, filters
from benchmarks.problems import Problem, noisy

CLEAN = photograph(96)
FINE = CLEAN - gaussian(CLEAN, detail.FINE, mode="mirror", channel_axis=-1)
STILL = Problem("p", CLEAN, CLEAN)


def test_a_linear_boost_has_its_own_gain_and_noise_none():
    half = gaussian(CLEAN, detail.FINE, mode="mirror", channel_axis=-1) + 1.5 * FINE
    high = half - gaussian(half, detail.FINE, mode="mirror", channel_axis=-1)
    expected = (high * FINE).sum() / (FINE * FINE).sum()
    assert detail.gain(CLEAN, half) == pytest.approx(expected, abs=0.1)
    noise = np.random.default_rng(0).normal(0, 0.02, CLEAN.shape)
    assert detail.gain(CLEAN, CLEAN + noise) == pytest.approx(1, abs=0.1)


def test_noise_in_flat_parts_is_relative_and_detail_is_none():
    problem = noisy("p", CLEAN, 5 / 255)
    twice = CLEAN + 2 * (problem.observation - CLEAN)
    assert metrics.flat_noise(problem, twice) == pytest.approx(2, rel=0.02)
    assert metrics.flat_noise(problem, CLEAN) == pytest.approx(0, abs=1e-6)
    assert metrics.flat_noise(STILL, CLEAN) is None


def test_overshoot_is_what_leaves_the_range_of_the_truth_at_edges():
    step = np.full((40, 40, 3), 0.2)
    step[:, 20:] = 0.8
    assert detail.overshoot(step, step) == 0
    assert metrics.overshoot(Problem("p", step, step), step + 0.1) > 5
    halo = step.copy()
    halo[:, 20] += 0.1
    assert 0 < detail.overshoot(step, halo) < detail.overshoot(step, step + 0.1)


@pytest.mark.parametrize("name", filters)
def test_filters_reach_the_gain_or_say_what_they_reached(name):
    for gain, image in filters[name].method(STILL, Effort()).images.items():
        wanted = float(gain.split()[1])
        assert detail.gain(CLEAN, image) == pytest.approx(wanted, abs=0.05)


def test_what_has_no_detail_gets_the_strongest_boost():
    images = at_gains(STILL, added(CLEAN, np.full_like(CLEAN, 0.001)))
    np.testing.assert_allclose(images["gain 2"], np.clip(CLEAN + 0.001 * STRONGEST, 0, 1))
