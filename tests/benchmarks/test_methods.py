from dataclasses import replace
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers import photograph, tiny

from benchmarks.degradations import blurred
from benchmarks.methods import Effort, classical, peers, prior, stops
from benchmarks.methods.stops import answered, unstopped
from benchmarks.problems import filed, noisy, punctured, shrunk
from deep_image_prior import Settings, Step, Stop, codes, denoise, tasks
from deep_image_prior.metrics import psnr
from deep_image_prior.objectives import Preset, Residual, Sure

pytestmark = pytest.mark.long

CLEAN = photograph(96)
NOISY = noisy("p", CLEAN)
# with one draw of the noise, so that steps see the whole of a small picture
WHOLE = replace(tasks.denoise.white()["fast"], objective=Sure(probed=0))


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


def test_the_spectrum_of_white_noise_is_flat_and_that_of_blurred_noise_its_blur():
    white = np.random.default_rng(0).normal(0, [0.1, 0.2, 0.3], (320, 256, 3))
    density = classical.spectrum(white) / (320 * 256)
    np.testing.assert_allclose(density.mean(axis=(0, 1)), [0.01, 0.04, 0.09], rtol=0.03)
    np.testing.assert_allclose(density.min(axis=(0, 1)), [0.01, 0.04, 0.09], rtol=0.4)
    rows = np.repeat(white[:, :1], 256, axis=1)
    striped = classical.spectrum(rows)
    assert striped.shape == (320, 256, 3)
    assert striped[:, 64].max() < 1e-6 * striped[:, 0].max()  # no change along a row


def test_interpolated_values_pass_through_those_given_and_go_round():
    taps = classical._periodic(2, 8)
    np.testing.assert_allclose(taps @ [0, 4], [0, 1, 2, 3, 4, 3, 2, 1])


def test_told_a_white_spectrum_cbm3d_is_cbm3d():
    pytest.importorskip("bm3d")
    problem = blurred("p", photograph(64), 25 / 255, blur=0)
    told, white = (
        solve(each, problem).images[""]
        for each in (classical.spectral["CBM3D told the spectrum"], classical.denoisers["CBM3D"])
    )
    assert psnr(told, white, peak=1) > 35  # and the truth is 25 dB or so from either
    assert np.abs(told - white).mean() < 0.01


def test_told_the_spectrum_of_correlated_noise_cbm3d_is_better():
    pytest.importorskip("bm3d")
    problem = blurred("p", photograph(64), 20 / 255, blur=1)
    told, white = (
        gain(problem, solve(each, problem))
        for each in (classical.spectral["CBM3D told the spectrum"], classical.denoisers["CBM3D"])
    )
    assert told > white + 1.5


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
    none, smooth = (solve(each, problem, share=0.1) for each in (prior.no_prior, prior.tv_prior))
    assert none.steps == 200
    assert score(problem, smooth) > score(problem, none) + 1


def test_ours_answers_with_last_average_and_a_curve(quick_noise):
    contender = prior.tasked(prior.denoise, {"fast": WHOLE})["fast"]
    outcome = solve(contender, NOISY, share=0.2, score=lambda image: psnr(CLEAN, image, peak=1))
    assert set(outcome.images) == {"last", "average"}
    assert gain(NOISY, outcome, "average") > 3
    assert outcome.steps == 60 == outcome.curve[-1].step
    assert outcome.curve[-1].average == pytest.approx(score(NOISY, outcome, "average"), abs=0.01)
    assert [point.step for point in outcome.curve[:3]] == [1, 2, 3]
    assert contender.settings["steps"] == tasks.denoise.white()["fast"].settings.steps
    other = solve(contender, NOISY, share=0.02, seed=1)
    same, again = (solve(contender, NOISY, share=0.02).images["last"] for _ in range(2))
    np.testing.assert_array_equal(same, again)
    assert np.abs(same - other.images["last"]).max() > 0.01


def test_the_plain_prior_has_its_best_step_and_its_end():
    preset = Preset(tiny, Residual(codes.noise), Settings(steps=60, averaging=0.5))
    contender = unstopped(prior.plain, preset, pace=1)

    def first_is_best(image):
        scores.append(-len(scores))
        return scores[-1]

    scores = []
    outcome = solve(contender, NOISY, score=first_is_best)
    assert len(scores) == outcome.steps == 60
    alone = solve(contender, NOISY, share=1 / 60, score=first_is_best)
    np.testing.assert_allclose(outcome.images["best"], alone.images["average"], atol=1e-6)
    assert np.abs(outcome.images["average"] - outcome.images["best"]).mean() > 0.01
    assert (
        np.abs(solve(contender, NOISY, seed=1).images["best"] - alone.images["best"]).max() > 0.01
    )
    assert contender.settings["steps"] == 60


def test_the_blind_denoiser_answers_as_its_function_does(quick_noise):
    preset = tasks.denoise.white()["fast"]
    problem = filed("p", CLEAN, NOISY.observation)
    contender = answered("fast", preset.settings, pace=1, share=1)
    outcome = solve(contender, problem, share=0.1, score=lambda image: psnr(CLEAN, image, peak=1))
    file = np.rint(255 * problem.observation).astype(np.uint8)
    result = denoise(file, channel_axis=-1, steps=30)
    np.testing.assert_array_equal(outcome.images[""] * 255, result.image)
    assert score(problem, outcome, "best") > score(problem, outcome) - 0.05
    assert outcome.steps == 30
    assert outcome.stopped.endswith(f"confidence {result.confidence}") or not result.confidence


def test_a_blind_denoiser_that_stopped_is_run_on_for_its_best_step(monkeypatch):
    asked = []

    def stopping(image, watch, steps=5, stop="auto", **options):
        asked.append((stop, options["preset"], options["seed"]))
        for index in range(1, (2 if stop == "auto" else steps) + 1):
            shade = torch.full((1, 3, 96, 96), index / 10)
            watch(Step(index, steps, torch.zeros(()), shade, shade))
        return SimpleNamespace(
            image=image,
            steps=[index],
            stopped="a rule",
            runs=[SimpleNamespace(stop=Stop("agreement", 2, "a rule"))],
            confidence="high",
            complete=True,
            interrupted=False,
        )

    monkeypatch.setattr(stops, "denoise", stopping)
    contender = answered("fast", Settings(steps=5), pace=1, share=1)
    outcome = solve(contender, NOISY, seed=3, score=lambda image: image.mean())
    assert asked == [("auto", "fast", 3), ("never", "fast", 3)]
    assert outcome.steps == 2
    assert outcome.stopped == "a rule; confidence high"
    assert outcome.images["best"].max() == pytest.approx(0.5)


def test_steps_to_keep_are_kept():
    settings = Settings(steps=6)
    posed = prior.denoise(NOISY, WHOLE, torch.device("cpu"))
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
    assert gain(NOISY, solve(peers.zero_shot, NOISY, share=0.05)) > 4


@pytest.mark.skipif(not find_spec("deepinv"), reason="the extra peers is not installed")
def test_conv_decoder_beats_its_input():
    assert gain(NOISY, solve(peers.conv_decoder, NOISY, share=0.06)) > 0
