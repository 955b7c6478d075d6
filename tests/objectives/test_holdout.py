import math

import pytest
import torch
from helpers import step

from deep_image_prior.degradations import Holes
from deep_image_prior.objectives.holdout import PARTS, DistanceFromStart, HeldOut

IMAGE = torch.rand(1, 3, 12, 10, generator=torch.Generator().manual_seed(0))
MASK = torch.ones(1, 1, 12, 10)
MASK[..., 3:6, 2:7] = 0


@pytest.mark.parametrize("scattered", [True, False])
def test_what_is_held_out_is_known_and_the_code_of_a_part_is_not_shown_it(scattered):
    held = HeldOut(IMAGE, Holes(MASK, scattered))
    assert ((held.parts == 0) | (held.parts == 1)).all()
    assert (held.parts <= MASK).all()
    assert (held.parts.sum(dim=(1, 2, 3)) > 0).all()
    changed = torch.where(held.parts[:1] > 0, 1 - IMAGE, IMAGE)
    other = HeldOut(changed, held.holes)
    z, y = (each.code(torch.Generator()).unflatten(1, (-1, 3))[:, 1:] for each in (held, other))
    assert torch.equal(z[1], y[1]), "the fills of part 0 are made without it"
    assert not torch.equal(z[0], y[0])


def test_the_energy_of_a_part_is_the_error_on_it():
    held = HeldOut(IMAGE, Holes(MASK, scattered=True))
    drawn = IMAGE.expand(1 + PARTS, -1, -1, -1)
    assert held.energy(drawn) == 0
    assert held.energy(drawn + 0.5 * held.parts.new_ones(1)).item() == pytest.approx(0.25)
    assert held.energy(drawn + (MASK == 0)) == 0


def test_parts_are_not_what_a_user_may_have_drawn():
    for seed in range(100):
        drawn = torch.rand((1, 1, 12, 10), generator=torch.Generator().manual_seed(seed))
        assert HeldOut(IMAGE, Holes((drawn > 0.3).float(), scattered=True)).parts.sum() > 0


def test_known_values_stay_if_they_are_exact():
    drawn = torch.full_like(IMAGE, 0.5)
    assert torch.equal(HeldOut(IMAGE, Holes(MASK)).finish(drawn), drawn)
    kept = HeldOut(IMAGE, Holes(MASK, exact=True)).finish(drawn)
    assert torch.equal(kept, torch.where(MASK > 0, IMAGE, drawn))


def test_departure_from_the_first_image_in_decibels_by_hand():
    rule = DistanceFromStart(lambda x: x)
    assert rule(step(0.04, gray=0.5, index=1)) is None
    assert rule.uncertainty_db == 0
    assert rule(step(0.04, gray=0.7, index=2)) is None
    assert rule.uncertainty_db == pytest.approx(10 * math.log10(2), abs=1e-4)
