import math

import numpy as np
import pytest

from deep_image_prior.metrics import luminance, luminance_psnr, psnr, ssim


def test_psnr_by_hand():
    clean = np.zeros((2, 2, 1))
    image = np.array([[[0.1], [0.1]], [[0.1], [0.1]]])
    assert psnr(clean, image, peak=1) == pytest.approx(20)
    assert psnr(clean * 255, image * 255, peak=255) == pytest.approx(20)
    assert psnr(clean, clean, peak=1) == math.inf


def test_luminance_by_hand():
    colours = np.array([[[0.0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]]])
    expected = (
        np.array([[16, 235, 81.481, 144.553, 40.966]]) / 255
    )  # BT.601, black 16 and white 235
    np.testing.assert_allclose(luminance(colours), expected)
    np.testing.assert_allclose(luminance(np.array([[[0.0], [1.0]]])), [[16 / 255, 235 / 255]])


def test_luminance_psnr_by_hand():
    clean = np.zeros((10, 10, 3))
    image = clean.copy()
    image[4:6, 4:6] = 0.1  # gray: 21.9 levels of 255 brighter in Y
    assert luminance_psnr(clean, image) == pytest.approx(20 * math.log10(255 / 21.9))
    image[:4], image[:, 6:] = 1, 1  # the border of four pixels does not count
    assert luminance_psnr(clean, image) == pytest.approx(20 * math.log10(255 / 21.9))
    assert luminance_psnr(clean, image, border=0) < 5
    greener, bluer = clean + [0, 0.1, 0], clean + [0, 0, 0.1]
    assert luminance_psnr(clean, bluer) - luminance_psnr(clean, greener) == pytest.approx(
        20 * math.log10(128.553 / 24.966)
    )


def test_ssim_is_one_for_equals_and_needs_a_window():
    image = np.random.default_rng(0).random((16, 16, 3))
    assert ssim(image, image, peak=1) == pytest.approx(1)
    assert ssim(image, 1 - image, peak=1) < 0
    assert ssim(image[:6], image[:6], peak=1) is None
