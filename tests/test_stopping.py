import math

import pytest
import torch
from helpers import problem

from deep_image_prior import Settings, Step, fit
from deep_image_prior.stopping import (
    PATIENCE,
    Agreed,
    Believable,
    Departed,
    discrepancy,
    nearest,
    variance,
)


def step(energy: float, gray: float = 0.5, index: int = 7) -> Step:
    image = torch.full((1, 1, 4, 4), gray)
    return Step(index, 1000, torch.tensor(energy), image, image)


def test_discrepancy_stops_at_the_noise_and_says_so():
    rule = discrepancy(0.1)
    assert rule(step(0.0101)) is None
    assert rule(step(0.0099)) == "discrepancy: residual 25.37 (of 255) reached the noise at step 7"


def test_clipped_noise_is_weaker_near_white():
    assert discrepancy(0.1)(step(0.0099, gray=0.99)) is None
    assert discrepancy(0.1, clipped=False)(step(0.0099, gray=0.99)) is not None


def brightening(rule, until=1000):
    """Gray 0.001 at step 1, 0.002 at step 2 and so on, till the rule stops; the last index and the
    reason.
    """
    for index in range(1, until + 1):
        if reason := rule(step(1.0, gray=index / 1000, index=index)):
            return index, reason
    return until, None


def test_the_nearest_average_is_chosen_after_a_while():
    rule = nearest(torch.full((1, 1, 4, 4), 0.3))
    last, reason = brightening(rule)
    assert (rule.chosen.index, reason) == (300, "nearest to the reference at step 300")
    assert last == 300 + PATIENCE + 300 // 3


def test_before_it_is_sure_the_nearest_so_far_is_chosen():
    rule = nearest(torch.full((1, 1, 4, 4), 0.3))
    assert brightening(rule, until=200) == (200, None)
    assert rule.chosen.index == 200


def test_variance_is_least_where_the_images_are_still():
    rule, generator = variance(), torch.Generator().manual_seed(0)
    for index in range(1, 1000):
        moves = abs(index - 400) / 400
        image = 0.5 + moves * torch.randn(1, 1, 16, 16, generator=generator)
        if rule(Step(index, 1000, torch.tensor(1.0), image, torch.full_like(image, 0.5))):
            break
    assert 400 <= rule.chosen.index < 460
    assert index < 999


def test_agreement_is_measured_between_the_images_that_rules_choose():
    def rules(at):
        return Agreed(
            nearest(torch.full((1, 1, 4, 4), 0.31)),
            late=lambda step: "here" if step.index == at else None,
        )

    doubts = []
    for at in (300, 330, 400):
        rule = rules(at)
        _, reason = brightening(rule, until=900)
        assert reason == "nearest to the reference at step 310"
        assert rule.choices["late"].index == at
        doubts.append(rule.uncertainty_db)
    assert doubts == sorted(doubts)
    # the decider is as near as can be, so that any distance is much
    assert doubts[0] > 1
    assert Agreed(nearest(torch.zeros(1))).uncertainty_db is None


def test_doubt_in_decibels_by_hand():
    rule = Agreed(nearest(torch.full((1, 1, 4, 4), 0.6)), other=discrepancy(0.5, clipped=False))
    rule(step(1.0, gray=0.4, index=1))
    rule(step(0.2, gray=0.5, index=2))  # the nearest, by 0.1; both choose it
    assert rule.uncertainty_db == 0
    rule = Agreed(nearest(torch.full((1, 1, 4, 4), 0.6)), other=discrepancy(0.5, clipped=False))
    rule(step(0.2, gray=0.4, index=1))  # here the other stops
    rule(step(0.1, gray=0.5, index=2))
    assert rule.uncertainty_db == pytest.approx(10 * math.log10(2), abs=1e-3)


def test_departure_from_the_first_image_in_decibels_by_hand():
    rule = Departed()
    assert rule(step(0.04, gray=0.5, index=1)) is None
    assert rule.uncertainty_db == 0
    assert rule(step(0.04, gray=0.7, index=2)) is None
    assert rule.uncertainty_db == pytest.approx(10 * math.log10(2), abs=1e-4)


def test_an_energy_that_promises_too_much_is_not_believed():
    def promises(energies):
        rule = Believable(lambda x: torch.full_like(x, 0.5))
        return [
            rule(step(energy, index=index)) for index, energy in enumerate(energies, start=1)
        ], rule

    modest, rule = promises([1.0] + [0.9] * 100)
    assert modest == [None] * 101
    assert rule.uncertainty_db == pytest.approx(-5 * math.log10(1 - 0.2), abs=0.05)
    bold, rule = promises([1.0] + [0.9] * 20 + [0.6] * 100)
    assert bold[0] is None
    assert any(bold)
    assert rule.uncertainty_db > 0.9
    assert rule.chosen is None
    # one that rises has lost what it rose by; a few steps say nothing
    worse, rule = promises([1.0] * 20 + [1.5] * 300)
    assert not any(worse)
    assert rule.uncertainty_db == pytest.approx(10 * math.log10(2), abs=0.1)
    assert promises([1.0] * 5)[1].uncertainty_db is None
    assert promises([1.0] * 50)[1].uncertainty_db == 0
    # without noise, what no file shows is no doubt
    clean = Believable(torch.zeros_like)
    for index in range(1, 50):
        clean(step(1e-7 if index > 1 else 1e-8, index=index))
    assert clean.uncertainty_db < 0.2
    # an energy that is not above the noise's has nothing to promise but the noise of its own mean
    nothing, rule = promises([0.5, 0.0])
    assert nothing[1] is not None
    assert rule.chosen.index == 1


def test_fit_returns_the_chosen_image_and_where_it_was():
    target = torch.full((1, 3, 16, 16), 0.5)
    plain = problem(lambda x: (x - 1).square().mean())
    free = fit(plain, Settings(steps=300, averaging=0))
    ruled = fit(plain, Settings(steps=300, averaging=0), lambda: nearest(target))
    assert ruled.steps[0] < free.steps[0]
    assert ruled.chosen[0] < ruled.steps[0]
    assert (ruled.image - target).square().mean() < (free.image - target).square().mean()
    assert (free.chosen, free.uncertainty_db, ruled.uncertainty_db) == ([300], None, None)
