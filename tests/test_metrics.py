import math

import numpy as np
import pytest

from deep_image_prior.metrics import psnr, ssim


def test_psnr_by_hand():
    clean = np.zeros((2, 2, 1))
    image = np.array([[[0.1], [0.1]], [[0.1], [0.1]]])
    assert psnr(clean, image, peak=1) == pytest.approx(20)
    assert psnr(clean * 255, image * 255, peak=255) == pytest.approx(20)
    assert psnr(clean, clean, peak=1) == math.inf


def test_ssim_is_one_for_equals_and_needs_a_window():
    image = np.random.default_rng(0).random((16, 16, 3))
    assert ssim(image, image, peak=1) == pytest.approx(1)
    assert ssim(image, 1 - image, peak=1) < 0
    assert ssim(image[:6], image[:6], peak=1) is None
