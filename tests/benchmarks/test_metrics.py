import sys

import numpy as np
import pytest
import torch

from benchmarks import metrics
from benchmarks.problems import Problem, masked


def test_only_missing_pixels_count_in_the_holes():
    clean = np.zeros((4, 4, 1))
    problem = masked("p", clean, np.arange(16).reshape(4, 4) > 3)
    image = clean + 1.0
    image[0] = 0.1
    assert metrics.hole_psnr(problem, image) == pytest.approx(20)


def test_a_result_is_rounded_to_eight_bits_and_clipped_before_it_is_scored():
    problem = Problem("p", np.zeros((4, 4, 3)), clean=np.full((4, 4, 3), 100 / 255))
    almost = np.full((4, 4, 3), 101.4 / 255)
    assert metrics.rounded_psnr(problem, almost) == pytest.approx(20 * np.log10(255))
    white = Problem("p", np.zeros((4, 4, 3)), clean=np.full((4, 4, 3), 254 / 255))
    assert metrics.rounded_psnr(white, 9 + almost) == pytest.approx(20 * np.log10(255))


def test_without_a_truth_there_is_no_distance_to_it():
    problem = Problem("p", np.zeros((8, 8, 3)))
    for name in ("PSNR", "PSNR, 8 bits", "luminance PSNR", "PSNR in the holes", "SSIM", "LPIPS"):
        assert metrics.METRICS[name](problem, problem.observation) is None


def test_no_perceptual_distance_without_its_weights_and_no_download(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setitem(sys.modules, "lpips", None)  # an import would fail
    image = np.zeros((64, 64, 3))
    assert metrics.lpips(Problem("p", image, image), image) is None


def test_sharpness_is_relative_to_the_observation():
    ramp = np.linspace(0, 1, 11)[None, :, None].repeat(5, axis=0)
    assert metrics.sharpness(Problem("p", ramp), ramp / 2) == pytest.approx(0.5)


def test_noise_is_estimated_in_levels():
    image = 0.5 + np.random.default_rng(0).normal(0, 10 / 255, (64, 64, 3))
    assert metrics.noise(Problem("p", image), image) == pytest.approx(10, rel=0.1)


def test_light_ignores_detail_and_sees_colour():
    dim = np.full((32, 32, 3), 0.3)
    grain = dim + np.random.default_rng(0).normal(0, 0.1, dim.shape)
    problem = Problem("p", grain)
    assert metrics.light(problem, dim) > 30 > 22 > metrics.light(problem, dim + [0.1, 0, 0.1])


@pytest.mark.parametrize("period", [16, 32])
def test_scale_of_waves_along_both_axes_is_a_quarter_of_their_period(period):
    wave = np.cos(
        2 * np.pi * np.arange(128) / period
    )  # along one axis the other wave is constant: (1 + cos) / 2
    image = np.dstack([np.add.outer(wave, wave)] * 3)
    assert metrics.scale(Problem("p", image), image) == pytest.approx(period / 4, abs=0.05)
    assert metrics.scale(Problem("p", image), image[:64]) == pytest.approx(period / 4, abs=0.05)
    noise = np.random.default_rng(0).random((128, 128, 3))
    assert metrics.scale(Problem("p", noise), noise) < 1
