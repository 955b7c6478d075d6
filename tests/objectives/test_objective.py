import pytest
import torch
from helpers import step

from deep_image_prior import BadInput, codes, tasks
from deep_image_prior.degradations import Holes, Noise
from deep_image_prior.energies import squared_error
from deep_image_prior.networks import Refiner
from deep_image_prior.objectives import (
    Holdout,
    Observed,
    PerDegradation,
    Recorruption,
    ReferenceStopped,
    Residual,
    Sure,
    TvResidual,
)
from deep_image_prior.operators import identity

IMAGE = torch.rand(1, 3, 12, 10, generator=torch.Generator().manual_seed(0))
RESIDUAL = Residual(codes.noise)


@pytest.mark.parametrize("objective", [Sure(), Holdout(), Recorruption(), PerDegradation({})])
def test_sigma_is_refused_where_the_energy_is_no_residual(objective):
    with pytest.raises(BadInput, match="sigma has no use here, where E is no residual"):
        objective.discrepancy(0.1, clipped=True)


@pytest.mark.parametrize(
    "objective", [RESIDUAL, TvResidual(), ReferenceStopped(RESIDUAL, tasks.denoise.PRESETS["fast"])]
)
def test_sigma_stops_a_residual(objective):
    assert objective.discrepancy(0.1, clipped=False)()(step(0.0101)) is None
    assert "discrepancy" in objective.discrepancy(0.1, clipped=False)()(step(0.0099))


def test_the_objective_is_that_of_the_damage():
    both = PerDegradation({Noise: Sure(probes=2), Holes: Holdout()})
    energy = squared_error(IMAGE, identity)
    for damage, batch in ((Noise(0.1), 3), (Holes(torch.ones(1, 1, 12, 10)), 5)):
        problem = both.problem(Refiner, Observed(IMAGE, energy, damage))
        assert problem.shape[0] == batch
