import math

import pytest
import torch
from helpers import step

from deep_image_prior.degradations import Holes, marked
from deep_image_prior.objectives.holdout import PARTS, DistanceFromMix, HeldOut, _drawn
from deep_image_prior.objectives.objective import EARLY
from deep_image_prior.windows import Window, Windows

IMAGE = torch.rand(1, 3, 12, 10, generator=torch.Generator().manual_seed(0))
MASK = torch.ones(1, 1, 12, 10)
MASK[..., 3:6, 2:7] = 0
HOLED = marked(IMAGE, MASK)


def panels(image):
    return torch.cat(image.chunk(PARTS, dim=-1))


@pytest.mark.parametrize("scattered", [True, False])
def test_what_is_held_out_is_known_and_the_code_of_a_part_is_not_shown_it(scattered):
    held = HeldOut(HOLED, Holes(scattered=scattered))
    parts = panels(held.parts)
    assert ((parts == 0) | (parts == 1)).all()
    assert (parts <= MASK).all()
    assert (parts.sum(dim=(1, 2, 3)) > 0).all()
    assert not parts[0].equal(parts[1])
    changed = torch.where(parts[:1] > 0, 1 - HOLED, HOLED)
    other = HeldOut(changed, held.holes)
    z, y = (panels(each.code(torch.Generator())[:, 3:]) for each in (held, other))
    assert torch.equal(z[0], y[0]), "the fills of part 0 are made without it"
    assert not torch.equal(z[1], y[1])
    assert not torch.equal(held.code_of(HOLED)[:, 3:], other.code_of(changed)[:, 3:])


def test_panels_have_their_own_fills():
    """Two pictures side by side: neither sees the other."""
    two = torch.cat([HOLED, HOLED.flip(-1)], dim=-1)
    changed = torch.cat([HOLED, 1 - HOLED], dim=-1)
    one, other = (HeldOut(x, Holes(scattered=True), panels=2) for x in (two, changed))
    z, y = (each.code(torch.Generator())[:, 3:] for each in (one, other))
    assert z.shape == (1, 18, 12, 20)
    assert torch.equal(z[..., :10], y[..., :10])
    assert not torch.equal(z[..., 10:], y[..., 10:])


def test_the_longer_a_fill_is_refined_the_farther_it_goes_on_with_a_pattern():
    side = torch.arange(48)
    waves = 0.5 + 0.4 * torch.sin(1.1 * side[:, None] + 0.7 * side)[None, None]
    drawn = torch.rand(waves.shape, generator=torch.Generator().manual_seed(0))
    known = (drawn < 0.25).float()
    fills = _drawn(waves * known, known)
    assert torch.equal(fills * known[0], (waves * known).expand_as(fills))
    errors = (fills - waves).square().mean(dim=(1, 2, 3)).tolist()
    coarsest, little, more, longest = errors[1], *errors[3:]
    assert coarsest > 1.5 * little > 3 * more > 20 * longest


def test_the_energy_is_the_error_on_the_parts():
    held = HeldOut(HOLED, Holes(scattered=True))
    truth = IMAGE.repeat(1, 1, 1, PARTS)
    hidden = MASK.repeat(1, 1, 1, PARTS) == 0
    assert held.energy(truth) == 0
    assert held.energy(truth + 0.5).item() == pytest.approx(0.25)
    assert held.energy(truth + hidden) == 0
    halves = [Windows((Window(slice(0, 12), slice(k, k + 10)),)) for k in (0, 10)]
    energies = [held.energy.at(half)(half(truth + 0.5)).item() for half in halves]
    assert sum(energies) / 2 == pytest.approx(0.25), "windows add up to the whole"


def test_parts_are_not_what_a_user_may_have_drawn():
    for seed in range(100):
        drawn = torch.rand((1, 1, 12, 10), generator=torch.Generator().manual_seed(seed))
        holed = marked(IMAGE, (drawn > 0.3).float())
        assert HeldOut(holed, Holes(scattered=True)).parts.sum() > 0


def test_known_values_stay_if_they_are_exact():
    drawn = torch.full_like(IMAGE, 0.5)
    for holes, kept in ((Holes(), drawn), (Holes(exact=True), torch.where(MASK > 0, IMAGE, drawn))):
        held = HeldOut(HOLED, holes)
        assert torch.equal(held.finish(HOLED, drawn), kept)
        assert torch.equal(held.part(HOLED, (0, 0)).finish(drawn), kept)


def test_departure_from_the_mix_in_decibels_by_hand():
    rule = DistanceFromMix(lambda window, image: (image - 0.5).square().mean())
    assert rule.uncertainty_db is None
    for index in range(1, EARLY):
        assert rule.update(step(0.04, gray=0.5, index=index)) is None
    assert rule.uncertainty_db is None, "a few steps say nothing"
    rule.update(step(0.04, gray=0.5, index=EARLY))
    assert rule.uncertainty_db == 0
    again = DistanceFromMix(lambda window, image: (image - 0.5).square().mean())
    for index in range(1, EARLY + 1):
        assert again.update(step(0.04, gray=0.7, index=index)) is None
    assert again.uncertainty_db == pytest.approx(10 * math.log10(2), abs=1e-4)
    half = DistanceFromMix(lambda window, image: (image - 0.5).square().mean(), 0.5)
    for index in range(1, EARLY + 1):
        half.update(step(0.04, gray=0.7, index=index))
    assert half.uncertainty_db == pytest.approx(5 * math.log10(2), abs=1e-4)


def test_the_distance_is_measured_where_the_energy_is():
    held = HeldOut(HOLED, Holes(scattered=True))
    window = Windows((Window(slice(0, 12), slice(0, 10)),))
    mix = held.code(torch.Generator())[:, :3]
    off = 0.3 * (window(held.parts) == 0)
    assert held.distance_from_mix(window, window(mix) + off).item() == pytest.approx(0)
    assert held.distance_from_mix(window, window(mix) + 0.3).item() > 0.01


def test_the_errors_of_a_trial_are_those_on_the_parts():
    held = HeldOut(HOLED, Holes(scattered=True))
    trial = held.trial
    assert trial.part.code.equal(held.code(torch.Generator()))
    error = trial.error(IMAGE.repeat(1, 1, 1, PARTS) + 0.5)
    held_out = held.parts.expand_as(error) > 0
    torch.testing.assert_close(error[held_out], torch.full_like(error[held_out], 0.25))
    assert error[~held_out].isnan().all()
    hidden = MASK.repeat(1, 1, 1, PARTS) == 0
    assert (trial.part.missing > 0).equal(hidden | (held.parts > 0))


def test_a_part_says_what_is_missing():
    held = HeldOut(HOLED, Holes(scattered=True))
    assert held.whole(HOLED).missing.equal(1 - MASK)
    assert held.part(IMAGE, (0, 0)) is None
