import math
from dataclasses import replace

import pytest
import torch
from helpers import FEW, photograph, step, tensor, tiny

from deep_image_prior import fit
from deep_image_prior.degradations import CorrelatedNoise
from deep_image_prior.degradations.correlated import GRID
from deep_image_prior.energies import squared_error
from deep_image_prior.objectives import Guided, Observed
from deep_image_prior.objectives.guided import SHARE, AgreementGuard
from deep_image_prior.operators import identity
from deep_image_prior.stopping import PATIENCE

IMAGE = tensor(photograph(32))
NOISE = CorrelatedNoise(torch.full((3, GRID, GRID), 0.01), torch.tensor([0.0, 1.0]), torch.ones(2))


def estimates(noise, x0, count):
    assert noise is NOISE
    return torch.cat([x0 / (k + 2) for k in range(count)])


def test_the_code_is_the_estimates_and_the_result_a_mix_with_the_last():
    observed = Observed(IMAGE, squared_error(IMAGE, identity), NOISE)
    problem = Guided(estimates, count=2).problem(tiny, observed)
    z = problem.code(torch.Generator())
    torch.testing.assert_close(z, torch.cat([IMAGE / 2, IMAGE / 3], dim=1))
    assert z.shape == problem.shape
    ones = torch.ones_like(IMAGE)
    torch.testing.assert_close(problem.finish(ones), SHARE * ones + (1 - SHARE) * IMAGE / 3)
    done = fit(problem, replace(FEW, steps=3), problem.rule)
    assert done.image.shape == IMAGE.shape
    assert done.uncertainty_db > 0


def mixed(gray: float, index: int):
    """A step whose average is the mix of f(z) = gray and an estimate of 0."""
    return step(1.0, gray=SHARE * gray, index=index)


def test_the_nearest_mix_is_chosen_and_its_distance_is_the_uncertainty():
    guard = AgreementGuard(torch.zeros(1, 1, 4, 4), lambda x: torch.full_like(x, 0.01))
    assert guard.uncertainty_db is None
    for index, gray in ((1, 0.5), (2, 0.2), (3, 0.4)):
        assert guard(mixed(gray, index)) is None
    assert guard.chosen.index == 2
    expected = 10 * math.log10(1 + 0.2**2 / 4 / 0.01)
    assert guard.uncertainty_db == pytest.approx(expected, rel=1e-4)
    assert "nearest to the estimate" in guard(mixed(0.4, 3 + 2 * PATIENCE))
