from helpers import noisy, photograph

from deep_image_prior.baselines import nonlocal_means
from deep_image_prior.metrics import psnr


def test_nonlocal_means_beats_its_input():
    clean = photograph()
    observation = noisy(clean)
    assert psnr(clean, nonlocal_means(observation, 25 / 255), 1) > psnr(clean, observation, 1) + 4
