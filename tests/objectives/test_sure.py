import math

import pytest
import torch
from helpers import photograph, step

from deep_image_prior.degradations import Noise
from deep_image_prior.energies import squared_error
from deep_image_prior.networks import Refiner
from deep_image_prior.objectives import Observed, Sure
from deep_image_prior.objectives.sure import MonteCarloSure, SureGuard, best_shares
from deep_image_prior.operators import identity
from deep_image_prior.tasks.denoise import white

IMAGE = torch.rand(1, 3, 12, 10, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("guided", [False, True])
def test_the_energy_of_estimates_follows_the_true_error(guided):
    """Stein: over mixes of too much and too little smoothing, E less the noise's variance is the
    error to the truth.
    """
    clean = torch.from_numpy(photograph(96)).float().permute(2, 0, 1)[None]
    noise = Noise(25 / 255, clipped=False)
    observation = clean + noise.sigma * torch.randn(
        clean.shape, generator=torch.Generator().manual_seed(1)
    )
    guide = 1 - clean.square() if guided else None
    sure = MonteCarloSure(observation, noise, guide=guide)
    z = sure.code(torch.Generator()).unflatten(1, (-1, 3))  # (2, images, C, H, W)
    if guide is not None:
        torch.testing.assert_close(z[:, -1], guide.expand(2, -1, -1, -1))
        z = z[:, :-1]
    for image in range(z.shape[1]):
        true = (z[0, image] - clean[0]).square().mean().item()
        assert sure.energy(z[:, image]).item() - noise.sigma**2 == pytest.approx(
            true, abs=0.12 * noise.sigma**2
        )
    best = min(sure.energy(z[:, image]).item() for image in range(1, z.shape[1] - 1))
    assert sure.energy(z[:, 0]).item() <= best * 1.001, "the mix is the best of them"


def test_probes_are_not_what_a_user_may_have_drawn():
    probe = MonteCarloSure(IMAGE, Noise(0.1, clipped=False)).probes
    for seed in range(100):
        drawn = torch.randn(IMAGE.shape, generator=torch.Generator().manual_seed(seed))
        assert abs(torch.corrcoef(torch.stack([drawn.flatten(), probe.flatten()]))[0, 1]) < 0.3


def test_best_has_two_probes_of_a_photograph():
    """With one alone f learns the noise by heart in so many steps."""
    x0 = torch.zeros(1, 3, 512, 768)
    observed = Observed(x0, squared_error(x0, identity), Noise(0.1, clipped=False))
    assert white()["best"].problem(observed).panels == 2


def test_small_pictures_have_several_probes_side_by_side():
    """A panel each: the code of x0 above that of x0 and a little of the noise."""
    x0 = torch.rand(1, 1, 24, 20, generator=torch.Generator().manual_seed(0))
    observed = Observed(x0, squared_error(x0, identity), Noise(0.1, clipped=False))
    for probed, count in ((0, 1), (3 * 24 * 20, 3), (2**17, 8)):
        problem = Sure(estimates=1, probed=probed).problem(Refiner, observed)
        assert problem.panels == count
        z = problem.code(torch.Generator())
        assert z.shape == problem.shape == (2, 3, 24, count * 20)
        panels = z.split(20, dim=-1)
        assert all(torch.equal(panel[0], panels[0][0]) for panel in panels)
        assert len({panel[1].sum().item() for panel in panels}) == count, "a draw each"
    assert torch.equal(problem.whole(lambda z: z).code, panels[0][:1])
    first = problem.energy.at(lambda image: image[..., :20])(panels[0][:, :1])
    alone = MonteCarloSure(x0, Noise(0.1, clipped=False), 1).energy(panels[0][:, :1])
    assert first.item() == pytest.approx(alone.item(), rel=1e-5)


def test_shares_are_not_below_0_and_leave_out_what_does_not_help():
    generator = torch.Generator().manual_seed(0)
    apart = torch.randn(3, 1000, generator=generator).double()
    apart[2] = apart[0] + 1  # worse than the first in every way
    shares = best_shares(apart @ apart.T, torch.zeros(3).double())
    assert shares[2] == 0
    assert shares.min() >= 0
    assert shares.sum().item() == pytest.approx(1)
    assert shares[:2].min() > 0.4
    # what follows the noise is charged for it, until nothing of it is taken
    charged = best_shares(apart @ apart.T, torch.tensor([0.0, 5000.0, 0.0]).double())
    assert charged.tolist() == pytest.approx([1, 0, 0])
    same = best_shares(torch.ones(2, 2).double(), torch.zeros(2).double())
    assert same.sum().item() == pytest.approx(1)


def test_an_energy_that_promises_too_much_is_not_believed():
    def promises(energies):
        first = torch.tensor(energies[0])
        rule = SureGuard(lambda x: torch.full_like(x, 0.5), lambda window: first)
        return [
            rule.update(step(energy, index=index)) for index, energy in enumerate(energies, start=1)
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
    assert rule.chosen.index == 1
    assert promises([1.0] * 20 + [1.1] * 300)[1].chosen is None, "steps are worse than their mean"
    assert promises([1.0] * 5)[1].uncertainty_db is None
    assert promises([1.0] * 50)[1].uncertainty_db == 0
    # without noise, what no file shows is no doubt
    clean = SureGuard(torch.zeros_like, lambda window: torch.tensor(1e-8))
    for index in range(1, 50):
        clean.update(step(1e-7 if index > 1 else 1e-8, index=index))
    assert clean.uncertainty_db < 0.2
    # an energy that is not above the noise's has nothing to promise but the noise of its own mean
    nothing, rule = promises([0.5, 0.0])
    assert nothing[1] is not None
    assert rule.chosen.index == 1


@pytest.mark.parametrize(
    ("guide", "far", "left"), [(None, 0.9, 1.4 / 255), (1 - IMAGE, 0.25, 0.2 / 255)]
)
def test_the_error_of_a_trial_is_steins_and_the_difference_to_an_estimate(guide, far, left):
    noise = Noise(0.1, clipped=False)
    sure = MonteCarloSure(IMAGE, noise, guide=guide)
    first = sure.code(torch.Generator())[:, 3:6]
    error = sure.error(first)
    assert error.shape == IMAGE.shape
    stein = sure.energy(first).item() - noise.sigma**2
    assert error.mean().item() == pytest.approx(0.5 * max(stein, 0) + left * 0.1, abs=1e-5)
    apart = sure.error(first + 0.3)
    stein = sure.energy(first + 0.3).item() - noise.sigma**2
    assert stein > 0
    expected = 0.5 * stein + far * 0.09 + left * 0.1
    assert apart.mean().item() == pytest.approx(expected, abs=1e-5)
    told = MonteCarloSure(IMAGE, Noise(0.8, clipped=False), guide=guide)  # far too much
    first = told.code(torch.Generator())[:, 3:6]
    assert told.energy(first).item() < 0.8**2
    assert told.error(first).mean().item() == pytest.approx(left * 0.8, rel=1e-4)
