from itertools import combinations

import pytest
import torch

from deep_image_prior import BadInput
from deep_image_prior.degradations import Compression, Lossy, Palette
from deep_image_prior.degradations.palette import undithered
from deep_image_prior.denoisers import Sampled
from deep_image_prior.energies import squared_error
from deep_image_prior.networks import Refiner
from deep_image_prior.objectives import Observed, Recorruption
from deep_image_prior.objectives.estimates import share_of_smooth
from deep_image_prior.objectives.recorruption import SHIFTS, RecorruptedPair
from deep_image_prior.operators import identity
from deep_image_prior.windows import Window, Windows

IMAGE = torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(0))

EIGHT = tuple((r, g, b) for r in (0.0, 1.0) for g in (0.0, 1.0) for b in (0.0, 1.0))


def test_the_energy_is_the_error_to_the_estimate_that_was_compressed_again_on_another_grid():
    pair, made = RecorruptedPair(IMAGE, Compression(20)), Compression(20)
    assert pair.panels == 2, "a picture alone is laid out twice"
    both, (first, second) = torch.cat(pair.estimates, dim=-1), pair.estimates
    assert torch.equal(first, second)
    assert pair.energy(both) == 0
    assert pair.energy(both + 0.5).item() == pytest.approx(0.25)
    z = pair.code(torch.Generator())
    assert z.shape[-2:] == pair.sides == (24, 64)
    for panel, shift in zip(z.chunk(2, dim=-1), SHIFTS, strict=False):
        again = made.at(*shift).compress(first)
        assert torch.equal(panel[:, -3:], again)
        assert torch.equal(pair.part(again, shift).code, panel), "x0 and what is fitted are alike"
        on_its_own = made.compress(first)
        lost, less = ((each - first).square().mean() for each in (again, on_its_own))
        assert lost > 1.1 * less
    shown = pair.part(IMAGE).code
    assert torch.equal(shown[:, :3], first)
    assert torch.equal(shown[:, -3:], IMAGE)
    assert torch.equal(pair.part(IMAGE.clone()).code, shown)


def test_panels_that_there_are_already_are_not_laid_out_again():
    four = IMAGE.repeat(1, 1, 1, 4)
    pair = RecorruptedPair(four, Compression(20), panels=4)
    assert pair.sides == (24, 128)
    assert len({tuple(each.flatten().tolist()) for each in pair.estimates}) == 1
    panels = pair.code(torch.Generator()).chunk(4, dim=-1)
    assert not any(torch.equal(a, b) for a, b in combinations(panels, 2)), "grids of their own"


def test_the_distance_from_the_estimate_that_the_code_begins_with():
    pair = RecorruptedPair(IMAGE, Compression(20))
    window = Windows((Window(slice(4, 20), slice(8, 24)),))
    first = window(pair.code(torch.Generator())[:, :3])
    assert pair.distance_from_mix(window, first) == 0
    assert pair.distance_from_mix(window, first + 0.1).item() == pytest.approx(0.01)


def test_without_a_trace_it_wants_to_be_told():
    observed = Observed(IMAGE, squared_error(IMAGE, identity), damage=None)
    with pytest.raises(BadInput, match="no trace of compression"):
        Recorruption().problem(Refiner, observed)


def test_f_has_less_of_a_share_where_it_changes_the_picture_more_than_what_it_learned_from():
    pair, learned = RecorruptedPair(IMAGE, Lossy(20)), []

    def changing(own: float, shown: float):
        learned.clear()

        def f(z):
            learned.append(z)
            return z[:, :3] + (own if len(learned) == 1 else shown)

        return f

    assert pair.share(changing(0.2, 0.1)) == 1
    assert pair.share(changing(0.1, 0.1)) == pytest.approx(1)
    assert pair.share(changing(0.1, 0.2)) == pytest.approx(0.25**3, rel=1e-5)
    assert learned[0].equal(pair.code(torch.Generator()))
    assert learned[1].equal(pair.part(IMAGE).code)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_rest_is_of_the_first_estimate(share):
    pair = RecorruptedPair(IMAGE, Lossy(20))
    part = pair.part(IMAGE, share=share)
    expected = torch.lerp(part.code[:, :3], torch.full_like(IMAGE, 0.5), share)
    torch.testing.assert_close(part.finish(torch.full_like(IMAGE, 0.5)), expected)


def test_of_what_has_no_grid_nothing_is_certain():
    pair = RecorruptedPair(IMAGE, Lossy(20))
    drawn = torch.rand(IMAGE.shape, generator=torch.Generator().manual_seed(1))
    assert pair.part(IMAGE).finish(drawn).equal(drawn)
    on_grid = RecorruptedPair(IMAGE, Compression(20)).part(IMAGE).finish(drawn)
    assert (on_grid - IMAGE).abs().mean() < 0.95 * (drawn - IMAGE).abs().mean()


def test_a_trial_is_what_is_fitted_and_its_errors_are_less_than_those_of_x():
    pair = RecorruptedPair(IMAGE, Compression(20))
    trials = pair.trials
    assert len(trials) == 2
    z = pair.code(torch.Generator())
    assert torch.equal(torch.cat([trial.part.code for trial in trials], dim=-1), z)
    for trial, truth, shift in zip(trials, pair.estimates, SHIFTS, strict=False):
        again = Compression(20).at(*shift).compress(truth)
        torch.testing.assert_close(
            trial.part.finish(truth), pair.part(again, shift).finish(truth), rtol=0, atol=1e-6
        )
        torch.testing.assert_close(trial.error(truth + 0.1), torch.full_like(truth, 0.17**2))


def test_estimates_of_an_ordered_dither_are_in_its_cells_wherever_it_begins():
    offsets = tuple(
        tuple(0.1 * ((row + 3 * k) % 8 - 3.5) / 4 for k in range(8)) for row in range(8)
    )
    made = Palette(tuple((k / 5,) for k in range(6)), dithered=True, offsets=offsets)
    clean = IMAGE[:, :1]
    x0 = made.compress(clean)
    pair = RecorruptedPair(x0, made)
    *_, again = pair.code(torch.Generator()).chunk(4, dim=1)
    for number, panel in enumerate(again.chunk(2, dim=-1)):
        expected = made.at(*SHIFTS[number]).compress(pair.estimates[number])
        assert torch.equal(panel, expected)
    drawn = undithered(x0)
    whole = pair.part(x0).finish(drawn)
    assert (whole - clean).square().mean() < (drawn - clean).square().mean()
    part = pair.part(x0[..., 11:, 5:], (11, 5)).finish(drawn[..., 11:, 5:])
    torch.testing.assert_close(part, whole[..., 11:, 5:])


def test_an_ordered_dither_too_weak_for_its_colours_counts_what_is_rounded_off():
    weak = Palette(EIGHT, dithered=True, offsets=((-0.05, 0.05),) * 2)
    pair = RecorruptedPair(weak.compress(IMAGE), weak)
    expected = 0.17**2 + (0.85 * weak.rounded) ** 2
    error = pair.trials[0].error(pair.estimates[0] + 0.1)
    torch.testing.assert_close(error, torch.full_like(error, expected))


def test_without_a_grid_the_errors_of_x_are_more_than_on_one():
    pair = RecorruptedPair(IMAGE, Lossy(20))
    trial, truth = pair.trials[0], pair.estimates[0]
    torch.testing.assert_close(trial.error(truth + 0.1), torch.full_like(truth, 0.22**2))


def test_a_dither_is_made_once_more_and_differs_from_panel_to_panel():
    made = Palette(EIGHT, dithered=True)
    pair = RecorruptedPair(made.compress(IMAGE), made)
    first, _ = pair.estimates
    z = pair.code(torch.Generator())
    panels = z.chunk(2, dim=-1)
    for number, panel in enumerate(panels):
        again = made.moved(number).compress(first)
        assert torch.equal(panel[:, -3:], again)
        assert torch.equal(pair.part(again).code, panel), "x0 and what is fitted are alike"
    assert not torch.equal(*(panel[:, -3:] for panel in panels))
    mix, sharp, smooth, _ = z.chunk(4, dim=1)
    share = pair._share_of_smooth
    assert 0 <= share <= 1
    torch.testing.assert_close(mix, torch.lerp(sharp, smooth, share))
    assert pair.trials[0].error(first + 0.1).mean().item() == pytest.approx(0.17**2, rel=1e-4)


def test_the_groups_that_a_blur_tells_count_where_there_is_no_detail():
    flat = torch.linspace(0.2, 0.8, 96).expand(1, 1, 96, 96)
    lines = 0.5 + 0.3 * torch.sin(torch.arange(96) * 2).expand(1, 1, 96, 96)
    made = Palette(((0.0,), (1.0,)), dithered=True)
    shares = []
    for image in (flat, lines):
        x0 = made.compress(image)
        shares.append(share_of_smooth(made, Sampled(made.artefacts(x0)), x0))
    assert shares[0] > shares[1] + 0.2


def test_without_a_dither_an_estimate_lacks_what_was_rounded_off():
    made = Palette(EIGHT, dithered=False)
    trial = RecorruptedPair(made.compress(IMAGE), made).trials[0]
    for apart in (0, 0.1):
        error = trial.error(IMAGE + apart)
        assert error.shape == IMAGE.shape
        assert error.mean().item() == pytest.approx((0.85 * made.rounded) ** 2)
