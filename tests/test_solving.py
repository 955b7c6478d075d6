from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import photograph, tensor, tiny

from deep_image_prior import BadInput, Settings, codes, solve
from deep_image_prior.degradations import Measurement, held_out
from deep_image_prior.energies import squared_error
from deep_image_prior.networks import Refiner
from deep_image_prior.objectives import Observed, PlugAndPlay, Preset, Residual, Validated
from deep_image_prior.objectives.plug_and_play import (
    ESTIMATES,
    RELATIVE,
    estimate,
    likely_error,
    likely_sigma,
)
from deep_image_prior.objectives.validation import SHARE, residual_on, validation_set
from deep_image_prior.operators import Mask, identity
from deep_image_prior.solving import pose
from deep_image_prior.tasks import Solve
from deep_image_prior.tasks.solve import presets

CLEAN = tensor(photograph(32))[:, :1]
QUICK = Preset(Refiner, PlugAndPlay(rounds=6), Settings(steps=3, learning_rate=0.001))
PLAIN = Preset(tiny, Residual(codes.noise), Settings(steps=3))


def half(image):
    """A: the real Fourier coefficients of half of the rows; complex."""
    return torch.fft.fft2(image, norm="ortho")[..., ::2, :]


def noise(like, sigma, seed=0):
    return sigma * torch.randn(like.shape, generator=torch.Generator().manual_seed(seed))


def error(image):
    return (torch.as_tensor(image) - CLEAN).square().mean().item()


def test_an_image_comes_back_from_a_part_of_its_pixels():
    mask = (torch.rand(CLEAN.shape, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    x0 = mask * CLEAN
    done = solve(x0, Mask(mask), (32, 32), preset=QUICK, sigma=0.01)
    assert done.image.shape == (32, 32)
    assert done.measures["residual"] < 0.1
    assert error(done.image) < 0.3 * error(x0)
    assert 0 <= done.image.min() <= done.image.max() <= 1


def test_how_many_runs_there_will_be_is_told():
    told = []
    solve(CLEAN, identity, (32, 32), preset=QUICK, sigma=0.1, runs=2, tell=told.append)
    assert [(phase.name, phase.total) for phase in told] == [("learning", 2)]


def test_bounds_are_those_of_the_image_whatever_its_units():
    run = partial(solve, operator=identity, shape=(32, 32), preset=QUICK)
    plain = run(CLEAN, sigma=0.1).image
    shifted = run(100 + 50 * CLEAN, sigma=5.0, bounds=(100, 150)).image
    np.testing.assert_allclose((shifted - 100) / 50, plain, atol=2e-3, rtol=0)
    free = run(100 + 50 * CLEAN, sigma=5.0, bounds=None).image
    assert error((free - 100) / 50) < 0.01
    with pytest.raises(BadInput, match="bounds are \\(1, 0\\), but"):
        run(CLEAN, bounds=(1, 0))


def test_finish_is_made_of_the_image_of_every_step():
    seen = []
    kept = CLEAN > 0.5
    done = solve(
        CLEAN,
        identity,
        (1, 32, 32),
        preset=QUICK,
        sigma=0.1,
        finish=lambda x: kept * x,
        watch=seen.append,
    )
    assert done.image.shape == (1, 32, 32)
    for image in (torch.from_numpy(done.image)[None], *(step.image for step in seen)):
        assert image[~kept].abs().max() == 0 < image.max()


def test_measurements_that_are_not_those_of_A_are_refused():
    with pytest.raises(BadInput, match=r"A makes complex \(1, 1, 16, 32\) .* x0 is real \(1, 1, 3"):
        solve(CLEAN, half, (32, 32), preset=QUICK)
    with pytest.raises(BadInput, match="cannot be differentiated"):
        solve(CLEAN, torch.Tensor.detach, (32, 32), preset=QUICK)
    with pytest.raises(BadInput, match="unknown preset 'quick'; choose one of fast, best, paper"):
        solve(CLEAN, identity, (32, 32), preset="quick")
    for shape in (32, "32", (32.7, 32), (0, 32), None, (1, 2, 32, 32)):
        with pytest.raises(BadInput, match="shape is"):
            solve(CLEAN, identity, shape)
    shape, bounds = np.array([32, 32]), np.array([0, 1])
    assert solve(CLEAN, identity, shape, bounds=bounds, preset=QUICK).image.shape == (32, 32)
    for bounds in (5, (0,), (0, float("inf")), ("a", "b")):
        with pytest.raises(BadInput, match="bounds are"):
            solve(CLEAN, identity, (32, 32), bounds=bounds)
    with pytest.raises(BadInput, match="x0 is a masked array"):
        solve(np.ma.masked_less(CLEAN.numpy(), 0.5), identity, (32, 32))
    with pytest.raises(BadInput, match="channel_axis has no use here"):
        solve(CLEAN, identity, (32, 32), channel_axis=-1)
    with pytest.raises(BadInput, match="A returned a tuple"):
        solve(CLEAN, lambda x: (x,), (32, 32))
    with pytest.raises(BadInput, match="is not finite"):
        solve(CLEAN, lambda x: x / 0, (32, 32))
    with pytest.raises(BadInput, match=r"not finite for an image on the way.*clamp it"):
        solve(CLEAN, lambda x: (x - 0.01).sqrt(), (32, 32), steps=1)
    with pytest.raises(BadInput, match="all measurements are 0"):
        solve(0 * CLEAN, identity, (32, 32), steps=1)


@pytest.mark.parametrize("order", [">f4", "<f8", ">f8"])
def test_measurements_in_any_order_are_the_same(order):
    run = partial(solve, operator=identity, shape=(32, 32), preset=PLAIN)
    plain = run(CLEAN.numpy())
    assert np.array_equal(run(CLEAN.numpy().astype(order)).image, plain.image)
    assert np.array_equal(run(CLEAN.numpy()[..., ::-1][..., ::-1]).image, plain.image)


def test_told_noise_stops_the_paper_by_discrepancy_and_untold_by_what_was_held_out():
    assert isinstance(presets(told=True)["paper"].objective, Residual)
    assert isinstance(presets(told=False)["paper"].objective, Validated)
    done = solve(CLEAN, identity, (32, 32), preset=PLAIN, sigma=10.0)
    assert done.stopped.startswith("discrepancy")
    assert done.steps == [1]
    assert solve(CLEAN, identity, (32, 32), preset=PLAIN).steps == [3]


def test_a_validated_fit_sees_only_its_part_and_chooses_by_the_other():
    wrong = torch.where(validation_set(CLEAN, SHARE) > 0, 1 - CLEAN, CLEAN)
    preset = replace(PLAIN, objective=Validated(PLAIN.objective))
    problem = pose(Solve(identity, (32, 32)), identity, wrong, preset)
    assert problem.energy(CLEAN) == 0 < squared_error(wrong, identity)(CLEAN)
    rule = problem.rule()
    for index, image in enumerate((CLEAN, 1 - CLEAN, CLEAN), start=1):
        step = type("Step", (), {"average": image, "index": index})
        rule.update(step)
    assert rule.chosen.index == 2
    assert rule.least == 0


def test_the_greatest_measurements_are_never_held_out():
    x0 = half(CLEAN)
    held = held_out(x0, 0.5, torch.Generator().manual_seed(0))
    assert 0.4 < held.mean() < 0.5
    assert x0.abs()[held > 0].max() < x0.abs().flatten().quantile(0.95)
    assert torch.equal(held, held_out(x0, 0.5, torch.Generator().manual_seed(0)))


def test_the_residual_on_a_part_is_a_mean_over_its_real_numbers():
    x0 = half(CLEAN)
    part = held_out(x0, 0.5, torch.Generator().manual_seed(0))
    measurement = Measurement(half, (1, 32, 32))
    expected = (half(0 * CLEAN) - x0)[part > 0].abs().square().mean() / 2
    torch.testing.assert_close(residual_on(part, x0, measurement)(0 * CLEAN), expected)


def test_estimates_beat_least_squares_and_gain_by_knowing_the_noise():
    x0 = CLEAN + noise(CLEAN, 0.1)
    known = Measurement(identity, (1, 32, 32), 0.1)
    right, blind = (
        estimate(x0, replace(known, sigma=sigma), 12, *ESTIMATES[-1]) for sigma in (0.1, 0.001)
    )
    assert error(right) < 0.7 * error(x0)
    assert error(blind) == pytest.approx(error(x0), rel=0.2)


def test_the_likely_noise_is_one_that_the_held_out_measurements_speak_for():
    x0 = CLEAN + noise(CLEAN, 0.1)
    size = x0.square().mean().sqrt().item()
    found = likely_sigma(x0, Measurement(identity, (1, 32, 32)), 4)
    assert found in [size * relative for relative in RELATIVE]
    assert 0.02 < found < 0.5


def test_the_code_is_the_estimates_in_the_order_of_their_trust():
    measurement = Measurement(identity, (1, 32, 32), 0.1)
    observed = Observed(CLEAN, squared_error(CLEAN, identity), measurement)
    problem = PlugAndPlay(rounds=2).problem(tiny, observed)
    z = problem.code(torch.Generator())
    assert z.shape == problem.shape == (1, 3, 32, 32)
    torch.testing.assert_close(z[:, :1], estimate(CLEAN, measurement, 2, *ESTIMATES[0]))


@pytest.mark.parametrize("name", ["tomography", "fourier", "phase", "demosaicing", "physics"])
def test_examples_of_operators_run(name, monkeypatch):
    if name == "physics":
        pytest.importorskip("deepinv")
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "examples")
    monkeypatch.setattr("compare.WEIGHTS", (10,))
    import compare

    example = __import__(name).example(side=32)
    scores = compare.compared(example, steps=5, preset=QUICK)
    assert set(scores) == {*example.rivals, "this package", "total variation"}
    assert min(scores.values()) > 10


def test_the_radon_matrix_is_scikit_images(monkeypatch):
    from skimage.transform import radon

    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "examples")
    import tomography

    example = tomography.example(side=32)
    degrees = np.arange(tomography.ANGLES) * 180 / tomography.ANGLES
    expected = radon(example.truth[0, 0].numpy(), degrees).T.ravel()
    made = example.operator @ example.truth.numpy().ravel()
    np.testing.assert_allclose(made, expected, atol=1e-3)


def test_a_reconstructor_of_deepinv():
    deepinv = pytest.importorskip("deepinv")
    from deep_image_prior.reconstructor import DeepImagePrior

    physics = deepinv.physics.Denoising(deepinv.physics.GaussianNoise(0.1))
    y = torch.cat([CLEAN, CLEAN.flip(-1)]) + noise(torch.zeros(2, 1, 32, 32), 0.1)
    image = DeepImagePrior(preset=QUICK)(y, physics)
    assert image.shape == y.shape
    assert 0 < (image[:1] - y[:1]).square().mean() < 0.1**2
    torch.testing.assert_close(image[1:], DeepImagePrior(preset=QUICK)(y[1:], physics))


def test_the_uncertainty_is_in_the_units_of_the_image():
    mask = (torch.rand(CLEAN.shape, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    run = partial(solve, operator=Mask(mask), shape=(32, 32), preset=QUICK)
    plain = run(mask * CLEAN, sigma=0.01)
    u = plain.uncertainty
    assert u.dtype == np.float32
    assert u.shape == (32, 32)
    apart = np.abs(plain.image - CLEAN[0, 0].numpy())
    assert (apart <= 2 * u).mean() > 0.9
    assert 1 / 3 < np.sqrt(np.square(u).mean() / np.square(apart).mean()) < 3
    shifted = run(mask * (100 + 50 * CLEAN), sigma=0.5, bounds=(100, 150)).uncertainty
    assert np.median(shifted) == pytest.approx(50 * np.median(u), rel=0.05)
    assert solve(CLEAN, identity, (32, 32), preset=PLAIN).uncertainty is None


def test_the_likely_error_is_of_the_farthest_estimate():
    x = torch.zeros(1, 1, 4, 4)
    error = likely_error(x, torch.cat([x + 0.1, x - 0.3, x], dim=1))
    torch.testing.assert_close(error, torch.full_like(x, (2.4 * 0.3) ** 2))
