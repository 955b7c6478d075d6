import numpy as np
from helpers import noisy, photograph

from deep_image_prior.baselines import nonlocal_means
from deep_image_prior.metrics import psnr


def test_nonlocal_means_beats_its_input():
    clean = photograph()
    observation = noisy(clean)
    assert psnr(clean, nonlocal_means(observation, 25 / 255), 1) > psnr(clean, observation, 1) + 4


def test_a_gray_picture_keeps_its_channel():
    assert nonlocal_means(np.random.default_rng(0).random((16, 16, 1)), 0.1).shape == (16, 16, 1)
