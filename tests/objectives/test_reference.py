import math
from dataclasses import replace

import pytest
import torch
from helpers import At, brightening, problem, step

from deep_image_prior import Settings, fit, tasks
from deep_image_prior.degradations import Compression, Holes, Noise
from deep_image_prior.objectives import reference
from deep_image_prior.objectives.reference import Consensus, nearest_to
from deep_image_prior.step import Stop
from deep_image_prior.stopping import PATIENCE, Discrepancy
from deep_image_prior.tasks import Damage

IMAGE = torch.rand(1, 3, 12, 10, generator=torch.Generator().manual_seed(0))


def test_the_nearest_average_is_chosen_after_a_while():
    rule = nearest_to(torch.full((1, 1, 4, 4), 0.3))
    last, reason = brightening(rule)
    assert (rule.chosen.index, reason) == (300, "nearest to the reference at step 300")
    assert last == 300 + PATIENCE + 300 // 3


def test_before_it_is_sure_the_nearest_so_far_is_chosen():
    rule = nearest_to(torch.full((1, 1, 4, 4), 0.3))
    assert brightening(rule, until=200) == (200, None)
    assert rule.chosen.index == 200


def test_agreement_is_measured_between_the_images_that_rules_choose():
    def rules(at):
        return Consensus(
            nearest_to(torch.full((1, 1, 4, 4), 0.31)),
            late=At(at),
        )

    distances = []
    for at in (300, 330, 400):
        rule = rules(at)
        _, reason = brightening(rule, until=900)
        assert reason == "nearest to the reference at step 310"
        assert rule.choices["late"].index == at
        distances.append(rule.uncertainty_db)
    assert distances == sorted(distances)
    # the decider is as near as can be, so that any distance is much
    assert distances[0] > 1
    assert Consensus(nearest_to(torch.zeros(1))).uncertainty_db is None


def test_the_distance_in_decibels_by_hand():
    other = torch.full((1, 1, 4, 4), 0.6)
    rule = Consensus(nearest_to(other), other=Discrepancy(0.5, clipped=False))
    rule.update(step(1.0, gray=0.4, index=1))
    rule.update(step(0.2, gray=0.5, index=2))  # the nearest, by 0.1; both choose it
    assert rule.uncertainty_db == 0
    rule = Consensus(nearest_to(other), other=Discrepancy(0.5, clipped=False))
    rule.update(step(0.2, gray=0.4, index=1))  # here the other stops
    rule.update(step(0.1, gray=0.5, index=2))
    assert rule.uncertainty_db == pytest.approx(10 * math.log10(2), abs=1e-3)


def test_fit_returns_the_chosen_image_and_where_it_was():
    target = torch.full((1, 3, 16, 16), 0.5)
    plain = problem(lambda x: (x - 1).square().mean())
    free = fit(plain, Settings(steps=300, averaging=0))
    ruled = fit(plain, Settings(steps=300, averaging=0), lambda: nearest_to(target))
    assert ruled.steps[0] < free.steps[0]
    assert ruled.chosen[0] < ruled.steps[0]
    assert (ruled.image - target).square().mean() < (free.image - target).square().mean()
    assert (free.chosen, free.uncertainty_db, ruled.uncertainty_db) == ([300], None, None)


def test_an_interrupt_of_the_reference_ends_the_fit_that_waits_for_it(monkeypatch):
    def interrupted(problem, settings, stop=None, watch=None):
        done = fit(problem, replace(settings, steps=1), watch=watch)
        stopped = replace(done.runs[0], stop=Stop("interrupted", 1, "interrupted"))
        return replace(done, runs=(stopped,))

    monkeypatch.setattr("deep_image_prior.objectives.reference.fit", interrupted)
    problem = tasks.Denoise().build(IMAGE, tasks.denoise.white()["paper"], Damage(noise=Noise(0.1)))
    with pytest.raises(KeyboardInterrupt):
        problem.rule()


@pytest.mark.parametrize(
    ("damage", "names"),
    [
        (Noise(0.1), {"variance", "discrepancy"}),
        (Noise(0.1, gain=0.01), {"variance"}),
        (Holes(scattered=True), {"variance"}),
        (Compression(20), {"variance"}),
    ],
)
def test_discrepancy_has_a_say_where_the_noise_has_one_sigma(damage, names):
    assert set(reference._rules(damage)) == names


def test_without_a_trace_of_the_damage_there_is_no_reference():
    preset = tasks.dejpeg.presets()["paper"]
    assert tasks.Dejpeg().build(IMAGE, preset, Damage()).rule is None
    damage = Damage(compression=Compression(20))
    assert tasks.Dejpeg().build(IMAGE, preset, damage).rule is not None
