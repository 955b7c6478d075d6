import math
from dataclasses import replace

import pytest
import torch
from helpers import FEW, photograph, step, tensor, tiny

from deep_image_prior import fit
from deep_image_prior.degradations import CorrelatedNoise
from deep_image_prior.degradations.correlated import BINS
from deep_image_prior.energies import squared_error
from deep_image_prior.objectives import Guided, Observed
from deep_image_prior.objectives.guided import (
    REGAINED,
    SHARE,
    AgreementGuard,
    likely_error,
    mixed,
)
from deep_image_prior.operators import identity
from deep_image_prior.stopping import PATIENCE

IMAGE = tensor(photograph(32))
NOISE = CorrelatedNoise(torch.full((3, BINS, BINS), 0.01), torch.tensor([0.0, 1.0]), torch.ones(2))


def estimates(noise, x0, count, place, guide):
    assert noise is NOISE
    assert place == (0, 0)
    assert guide is None
    return torch.cat([x0 / (k + 2) for k in range(count)])


def test_the_code_is_the_estimates_and_the_result_is_between_f_and_the_last():
    observed = Observed(IMAGE, squared_error(IMAGE, identity), NOISE)
    problem = Guided(estimates, count=2).problem(tiny, observed)
    z = problem.code(torch.Generator())
    torch.testing.assert_close(z, torch.cat([IMAGE / 2, IMAGE / 3], dim=1))
    assert z.shape == problem.shape
    torch.testing.assert_close(problem.finish(IMAGE / 3), IMAGE / 3)
    far = mixed(torch.ones_like(IMAGE), IMAGE / 3, IMAGE, NOISE.variance)
    torch.testing.assert_close(problem.finish(torch.ones_like(IMAGE)), far)
    done = fit(problem, replace(FEW, steps=3), problem.rule)
    assert done.image.shape == IMAGE.shape
    assert done.uncertainty_db > 0


def test_a_guide_is_the_last_image_of_the_code():
    guide = IMAGE[:, :2].flip(-1)
    observed = Observed(IMAGE, squared_error(IMAGE, identity), NOISE, guide)

    def of_pair(noise, x0, count, place, given):
        assert given is guide
        return x0[:1].repeat(count, 1, 1, 1)

    problem = Guided(of_pair, count=2).problem(tiny, observed)
    z = problem.code(torch.Generator())
    assert z.shape == problem.shape
    torch.testing.assert_close(z, torch.cat([IMAGE, IMAGE, guide], dim=1))


def weight(f, e, x0):
    """What `mixed` gives f, at noise of variance 0.01."""
    at = (f - e) != 0
    mix = mixed(f, e, x0, lambda x: torch.full_like(x, 0.01))
    return ((mix - e)[at] / (f - e)[at]).mean().item()


def test_the_mix_has_less_of_f_where_it_is_far_or_has_put_back_what_the_estimate_took_out():
    e = torch.full((1, 1, 8, 8), 0.5)
    noise, other = torch.zeros_like(e), torch.zeros_like(e)
    noise[..., ::2], other[..., 1::2, 1::2] = 0.1, 0.2  # of nothing in common
    x0 = e + noise
    near, far = e + 1e-4 * other, e + other
    assert weight(near, e, x0) == pytest.approx(SHARE, abs=1e-3)
    assert weight(far, e, x0) == pytest.approx(SHARE / 2, abs=1e-4)  # as far as the noise
    for regained in (0.1, 0.2):
        f = e + regained * noise
        far = (regained * noise).square().mean().item() / 0.01
        expected = SHARE * (1 - regained / REGAINED) / (1 + far)
        assert weight(f, e, x0) == pytest.approx(expected, rel=1e-3)
    assert torch.equal(mixed(x0, e, x0, lambda x: torch.full_like(x, 0.01)), e)
    assert weight(e - 0.01 * noise, e, x0) == pytest.approx(SHARE, abs=1e-2)


def test_independent_errors_of_equal_size_are_halved_and_noise_that_came_back_is_left_out():
    generator = torch.Generator().manual_seed(0)
    truth, noise, mine, other = torch.randn((4, 1, 1, 200, 200), generator=generator)
    x0, e, f = truth + noise, truth + 0.1 * mine, truth + 0.1 * other

    def error(image):
        return (image - truth).square().mean().item()

    assert error(mixed(f, e, x0, torch.ones_like)) < 0.55 * error(e)
    learned = f + 0.3 * noise
    assert error(mixed(learned, e, x0, torch.ones_like)) == pytest.approx(error(e), rel=0.02)


def test_nothing_taken_out_and_no_noise_are_no_division_by_zero():
    mix = mixed(IMAGE, IMAGE, IMAGE, torch.zeros_like)
    assert torch.equal(mix, IMAGE)


def test_the_nearest_f_is_chosen_and_its_distance_is_the_uncertainty():
    guard = AgreementGuard(torch.zeros(1, 1, 4, 4), lambda x: torch.full_like(x, 0.01))
    assert guard.uncertainty_db is None
    for index, gray in ((1, 0.5), (2, 0.2), (3, 0.4)):
        assert guard.update(step(1.0, gray=gray, index=index)) is None
    assert guard.chosen.index == 2
    expected = 10 * math.log10(1 + 0.2**2 / 4 / 0.01)
    assert guard.uncertainty_db == pytest.approx(expected, rel=1e-4)
    stop = guard.update(step(1.0, gray=0.4, index=3 + 2 * PATIENCE))
    assert str(stop) == "nearest to the estimate at step 2"


def test_the_likely_error_is_of_the_difference_to_the_first_estimate_and_of_the_noise():
    x, first = torch.zeros(1, 1, 4, 4), torch.full((1, 1, 4, 4), 0.1)
    error = likely_error(x, first, lambda x: torch.full_like(x, 0.02))
    torch.testing.assert_close(error, torch.full_like(x, 2.4 * 0.01 + 2.5 / 255 * 0.02**0.5))
    problem = Guided(estimates, count=2).problem(
        tiny, Observed(IMAGE, squared_error(IMAGE, identity), NOISE)
    )
    (trial,) = problem.trials()
    assert trial.part is None, "the picture itself"
    expected = likely_error(IMAGE, IMAGE / 2, NOISE.variance)
    torch.testing.assert_close(trial.error(IMAGE), expected)

    def guided(noise, x0, count, place, guide):
        return estimates(noise, x0, count, place, None)

    observed = Observed(IMAGE, squared_error(IMAGE, identity), NOISE, guide=1 - IMAGE)
    (trial,) = Guided(guided, count=2).problem(tiny, observed).trials()
    torch.testing.assert_close(trial.error(IMAGE), 0.6 * expected)
