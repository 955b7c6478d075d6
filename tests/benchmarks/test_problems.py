import io

import numpy as np
import pytest
from helpers import photograph
from PIL import Image

from benchmarks.problems import (
    centred,
    compressed,
    filed,
    halved,
    masked,
    noisy,
    photons,
    punctured,
    salted,
    shrunk,
)


@pytest.mark.parametrize(
    ("crop", "multiple", "shape", "corner"),
    [
        (0, 1, (10, 13), 0),
        (4, 1, (4, 4), 3 * 13 + 4),
        (0, 4, (8, 12), 13),
        (20, 1, (10, 13), 0),
        (9, 4, (8, 8), 15),
    ],
)
def test_crops_are_central(crop, multiple, shape, corner):
    image = np.arange(130).reshape(10, 13, 1)
    cropped = centred(image, crop, multiple)
    assert cropped.shape == (*shape, 1)
    assert cropped[0, 0, 0] == corner


def test_noise_is_clipped_not_rounded_and_the_same_each_time():
    clean = photograph()
    problem = noisy("p", clean)
    assert 0 == problem.observation.min() < problem.observation.max() == 1
    inside = (problem.observation > 0) & (problem.observation < 1)
    assert (problem.observation - clean)[inside].std() == pytest.approx(25 / 255, rel=0.05)
    assert np.abs(problem.observation * 255 % 1)[inside].std() > 0.2
    np.testing.assert_array_equal(problem.observation, noisy("p", clean).observation)


def test_a_file_has_eight_bits_and_the_deviation_is_that_of_what_it_has_too_much():
    clean = photograph() * 0.8 + 0.1
    problem = filed("p", clean, clean + 0.01)
    np.testing.assert_allclose(problem.observation * 255, np.rint(clean * 255 + 2.55), atol=1e-9)
    assert problem.sigma == pytest.approx(np.std(problem.observation - clean))
    assert problem.sigma < 0.4 / 255  # an offset is no deviation
    assert filed("p", clean, clean + 2).observation.max() == 1


def test_half_the_size_has_half_the_noise_and_is_not_rounded():
    noise = np.random.default_rng(0).normal(0.5, 0.1, (200, 160, 3))
    small = halved(noise)
    assert small.shape == (100, 80, 3)
    assert small.mean() == pytest.approx(0.5, abs=0.002)
    assert small.std() == pytest.approx(0.05, rel=0.2)
    assert np.abs(255 * small - np.rint(255 * small)).mean() > 0.2


def test_photons_are_noisier_where_it_is_bright():
    clean = np.repeat([[[0.1], [0.4]]], 5000, axis=0)
    problem = photons("p", clean, 30)
    np.testing.assert_allclose(
        np.var(problem.observation - clean, axis=0)[:, 0], [0.1 / 30, 0.4 / 30], rtol=0.1
    )
    assert problem.sigma == pytest.approx(np.std(problem.observation - clean), rel=0.05)


def test_salt_and_pepper_are_as_many_as_asked():
    clean = 0.2 + photograph() / 2
    problem = salted("p", clean, 0.2)
    assert np.mean(problem.observation == 1) == pytest.approx(0.1, abs=0.01)
    assert np.mean(problem.observation == 0) == pytest.approx(0.1, abs=0.01)
    assert np.mean(problem.observation == clean) == pytest.approx(0.8, abs=0.01)


def test_jpeg_of_a_low_quality_has_blocks():
    clean = photograph()
    problem = compressed("p", clean)
    buffer = io.BytesIO()
    Image.fromarray((clean * 255).round().astype(np.uint8)).save(buffer, "JPEG", quality=10)
    np.testing.assert_array_equal(problem.observation * 255, np.asarray(Image.open(buffer)))
    assert compressed("p", clean[..., :1]).observation.shape == (64, 64, 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_shrinking_keeps_the_mean_and_divides_the_size(channels):
    clean = photograph()[..., :channels]
    problem = shrunk("p", clean, 4)
    assert problem.observation.shape == (16, 16, channels)
    assert problem.factor == 4
    assert problem.observation.mean() == pytest.approx(clean.mean(), abs=0.01)


def test_holes_are_black_and_as_many_as_asked():
    clean = photograph() + 0.01
    problem = punctured("p", clean, missing=0.7)
    assert (~problem.known).mean() == pytest.approx(0.7, abs=0.03)
    assert (problem.observation[~problem.known] == 0).all()
    np.testing.assert_array_equal(problem.observation[problem.known], clean[problem.known])


def test_masked_by_hand():
    problem = masked("p", np.ones((1, 2, 3)), np.array([[True, False]]))
    np.testing.assert_array_equal(problem.observation, [[[1, 1, 1], [0, 0, 0]]])
