import pytest
import torch
from helpers import photograph, tensor

from deep_image_prior import BadInput, Settings, anywhere, fit
from deep_image_prior.degradations import Blurring, Noise, kernels
from deep_image_prior.energies import squared_error
from deep_image_prior.memory import Memory
from deep_image_prior.networks import Refiner
from deep_image_prior.objectives import Observed, Reblurring, reblurring
from deep_image_prior.objectives.estimates import of_blurring, sharpened
from deep_image_prior.objectives.reblurring import PANELS, ReblurredPair, consistent

SCENE = tensor(photograph(76))
BLURRING = Blurring(kernels.named("gaussian:1.2"), Noise(2 / 255))
X0 = BLURRING.draw(SCENE, torch.Generator().manual_seed(0))
CLEAN = BLURRING.operator.inside(SCENE)
QUICK = (20 / 255, 8 / 255, 4 / 255)


def pair(x0=X0, panels=1):
    return ReblurredPair(x0, BLURRING, QUICK, panels)


def error(x, truth):
    return (x - truth).square().mean().item()


def problem(x0, panels=1):
    observed = Observed(x0, squared_error(x0, BLURRING.operator), BLURRING, panels=panels)
    return Reblurring(QUICK).problem(Refiner, observed)


def test_every_estimate_is_better_than_the_observation_and_the_first_is_the_best():
    estimates = of_blurring(BLURRING, X0, QUICK)
    assert estimates.shape == (1, 4 * 3, *SCENE.shape[-2:])
    errors = [error(BLURRING.operator.inside(e), CLEAN) for e in estimates.split(3, dim=1)]
    assert errors[0] == min(errors)
    assert max(errors) < 0.8 * error(X0, CLEAN)


def test_half_of_the_last_change_is_added_to_the_next_round():
    last, moved, halfway, smooth = of_blurring(BLURRING, X0, QUICK).chunk(4, dim=1)
    _, first = sharpened(smooth, X0, BLURRING, QUICK[0])
    _, second = sharpened(first, X0, BLURRING, QUICK[1])  # nothing before to have changed from
    assert torch.equal(halfway, first)
    ahead = second + (second - first) / 2
    expected = sharpened(ahead, X0, BLURRING, QUICK[2])
    torch.testing.assert_close(moved, expected[0])
    torch.testing.assert_close(last, expected[1], rtol=0, atol=1e-3)


def test_the_energy_is_the_error_on_the_estimate_made_smaller():
    made = pair()
    z = made.code(torch.Generator())
    height, width = made.sides
    assert z.shape == problem(X0).shape == (1, 12, height, PANELS * width)
    assert made.energy(made.energy.images[0] + 0.5).item() == pytest.approx(0.25)
    one, other = made.energy.images[0].chunk(PANELS, dim=-1)
    assert not torch.equal(one, other)
    # the estimates are of what was blurred once more: near, and not the same
    assert 1e-6 < made(z[:, :3]).item() < error(made.shown[:, :3].mean(), made.shown[:, :3]) / 9


def test_panels_are_kept_apart():
    parts = X0[..., :48, :40], X0[..., 8:56, 24:64]
    made = pair(torch.cat(parts, dim=-1), panels=2)
    alone = pair(parts[0])
    width = alone.sides[1]
    assert made.sides == alone.sides
    assert torch.equal(
        made.code(torch.Generator())[..., :width], alone.code(torch.Generator())[..., :width]
    )


def test_what_is_learned_of_a_smaller_image_sharpens_the_observation():
    settings = Settings(steps=40, learning_rate=0.002, jitter=0, turns=8, shifts=4)
    made = problem(X0)
    assert made.whole
    estimate = BLURRING.operator.inside(made.whole(torch.nn.Identity()).code[:, :3])
    image = fit(made, settings).image
    assert image.shape == X0.shape
    assert error(image, CLEAN) < error(estimate, CLEAN)
    assert error(image, CLEAN) < 0.5 * error(X0, CLEAN)


def test_f_is_followed_as_far_as_the_observation_bears_it_out():
    noise = BLURRING.noise.sigma
    wrong = SCENE + 0.1
    assert torch.equal(consistent(SCENE, SCENE, X0, BLURRING), SCENE)
    mixed = consistent(wrong, SCENE, X0, BLURRING)
    assert error(BLURRING.operator(mixed), X0) <= 1.02 * noise**2
    assert error(mixed, SCENE) < 0.02 * error(wrong, SCENE)
    torch.testing.assert_close(consistent(SCENE, wrong, X0, BLURRING), SCENE)


def test_the_smallest_picture_is_restored_and_a_smaller_one_refused():
    side = 2 * 8 + len(BLURRING.kernel)
    done = fit(problem(X0[..., :side, :side]), Settings(steps=1))
    assert done.image.shape == (1, 3, side, side)
    with pytest.raises(BadInput, match="too small to learn from what this kernel does to it"):
        problem(X0[..., :side, : side - 1])


def test_a_large_picture_is_restored_in_tiles(monkeypatch):
    monkeypatch.setattr(anywhere, "LARGEST", 64 * 64)
    monkeypatch.setattr(anywhere, "FIXED", (64,))
    monkeypatch.setattr(reblurring, "MARGIN", 24)
    scene = tensor(photograph(108))
    x0 = BLURRING.draw(scene, torch.Generator().manual_seed(0))
    settings = Settings(steps=2, learning_rate=1e-4, jitter=0, window=16)
    plan = anywhere.Plan(
        pose=problem,
        settings=settings,
        rule=lambda made: None,
        panel=48,
        tiled=False,
        channels=3,
    )
    done = anywhere.fit_anywhere(plan, x0, Memory(x0.device))
    whole = of_blurring(BLURRING, x0, QUICK)[:, :3]
    estimate = BLURRING.operator.inside(whole)
    assert error(done.image, estimate) < 0.05 * error(x0, estimate)


def test_a_trial_is_what_is_fitted_and_ends_as_the_picture_does():
    made = pair()
    trials = made.trials
    truths = made.energy.images[0].chunk(PANELS, dim=-1)
    assert len(trials) == PANELS
    z = torch.cat([trial.part.code for trial in trials], dim=-1)
    assert torch.equal(z, made.code(torch.Generator()))
    for trial, truth in zip(trials, truths, strict=True):
        seen = BLURRING.operator.inside(truth)
        done = trial.part.finish(trial.part.code[:, :3])
        assert done.shape == seen.shape
        assert error(done, seen) < error(BLURRING.operator(truth), seen)
        torch.testing.assert_close(trial.error(seen + 0.1), torch.full_like(seen, 0.01))
