from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from helpers import photograph

from benchmarks.methods import Effort, classical, peers, prior
from benchmarks.problems import noisy, punctured, shrunk
from deep_image_prior import Settings, tasks
from deep_image_prior.metrics import psnr

CLEAN = photograph(96)
NOISY = noisy("p", CLEAN)


def solve(contender, problem, **effort):
    outcome = contender.method(problem, Effort(**effort))
    for image in outcome.images.values():
        assert image.shape == (
            *(problem.clean if problem.clean is not None else problem.observation).shape[:2],
            3,
        )
        assert 0 <= image.min() <= image.max() <= 1
    return outcome


def score(problem, outcome, name=""):
    return psnr(problem.clean, outcome.images[name], peak=1)


def gain(problem, outcome, name=""):
    return score(problem, outcome, name) - psnr(problem.clean, problem.observation, peak=1)


@pytest.mark.parametrize("name", classical.denoisers)
def test_denoisers_beat_their_input(name):
    contender = classical.denoisers[name]
    if contender.needs:
        pytest.importorskip(contender.needs)
    assert gain(NOISY, solve(contender, NOISY)) > 4


def test_a_denoiser_that_is_not_told_sigma_estimates_it():
    blind = replace(NOISY, sigma=None)
    assert gain(blind, solve(classical.denoisers["non-local means"], blind)) > 4


@pytest.mark.parametrize("name", classical.inpainters)
def test_inpainters_fill_what_is_missing_and_keep_the_rest(name):
    problem = punctured("p", CLEAN, 0.5)
    outcome = solve(classical.inpainters[name], problem)
    assert gain(problem, outcome) > 8
    np.testing.assert_allclose(outcome.images[""][problem.known], CLEAN[problem.known], atol=1e-6)


@pytest.mark.parametrize("name", classical.guided_filters)
def test_guided_filters_remove_noise_and_keep_the_light(name):
    warm = replace(noisy("p", CLEAN * [0.8, 0.6, 0.4]), guide=CLEAN)
    outcome = solve(classical.guided_filters[name], warm)
    assert gain(warm, outcome) > 6
    np.testing.assert_allclose(
        outcome.images[""].mean(axis=(0, 1)), warm.clean.mean(axis=(0, 1)), atol=0.02
    )


def test_bicubic_of_both_inputs():
    problem = shrunk("p", CLEAN, 4)
    outcome = solve(classical.bicubic, problem)
    # Lanczos keeps more of the high frequencies than bicubic does
    assert score(problem, outcome) > score(problem, outcome, "of a bicubic x0")


def test_a_prior_of_total_variation_is_better_than_none():
    problem = shrunk("p", CLEAN, 4)
    none, smooth = (solve(each, problem, share=0.25) for each in (prior.no_prior, prior.tv_prior))
    assert none.steps == 500
    assert score(problem, smooth) > score(problem, none) + 1


def test_ours_answers_with_last_average_and_a_curve():
    contender = prior.tasked(prior.denoise, tasks.denoise.PRESETS)["fast"]
    outcome = solve(contender, NOISY, share=0.25, score=lambda image: psnr(CLEAN, image, peak=1))
    assert set(outcome.images) == {"last", "average"}
    assert gain(NOISY, outcome, "average") > 3
    assert outcome.steps == 40 == outcome.curve[-1].step
    assert outcome.curve[-1].average == pytest.approx(score(NOISY, outcome, "average"), abs=0.01)
    assert [point.step for point in outcome.curve[:3]] == [1, 2, 3]
    assert contender.settings["steps"] == tasks.denoise.PRESETS["fast"].settings.steps
    other = solve(contender, NOISY, share=0.02, seed=1)
    same, again = (solve(contender, NOISY, share=0.02).images["last"] for _ in range(2))
    np.testing.assert_array_equal(same, again)
    assert np.abs(same - other.images["last"]).max() > 0.01


def test_steps_to_keep_are_kept():
    settings = Settings(steps=6)
    posed = prior.denoise(NOISY, tasks.denoise.PRESETS["fast"], torch.device("cpu"))
    outcome = prior.descend(posed, settings, Effort(), keep=(2, 5, 9))
    assert set(outcome.images) == {"step 2", "step 5", "last", "average"}


def test_halves_of_zero_shot_noise2noise_by_hand():
    image = torch.tensor([[1.0, 2], [3, 4]])[None, None]
    first, second = peers._halves(image)
    assert (first.item(), second.item()) == (2.5, 2.5)
    image[..., 0, 1] = 8
    first, second = peers._halves(image)
    assert (first.item(), second.item()) == (5.5, 2.5)


def test_zero_shot_noise2noise_beats_its_input():
    assert gain(NOISY, solve(peers.zero_shot, NOISY, share=0.15)) > 4


@pytest.mark.skipif(not find_spec("deepinv"), reason="the extra peers is not installed")
def test_conv_decoder_beats_its_input():
    assert gain(NOISY, solve(peers.conv_decoder, NOISY, share=0.06)) > 0
