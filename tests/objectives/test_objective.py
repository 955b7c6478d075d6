import pytest
import torch
from helpers import step

from deep_image_prior import BadInput, codes, tasks
from deep_image_prior.objectives import (
    AcrossScales,
    Holdout,
    Recorruption,
    ReferenceStopped,
    Residual,
    Sure,
)

IMAGE = torch.rand(1, 3, 12, 10, generator=torch.Generator().manual_seed(0))
RESIDUAL = Residual(codes.noise)


@pytest.mark.parametrize("objective", [Sure(), Holdout(), Recorruption(), AcrossScales()])
def test_sigma_is_refused_where_the_energy_is_no_residual(objective):
    with pytest.raises(BadInput, match="sigma has no use here"):
        objective.discrepancy(0.1, clipped=True)


@pytest.mark.parametrize(
    "objective", [RESIDUAL, ReferenceStopped(RESIDUAL, tasks.denoise.PRESETS["fast"])]
)
def test_sigma_stops_a_residual(objective):
    assert objective.discrepancy(0.1, clipped=False)()(step(0.0101)) is None
    assert "discrepancy" in objective.discrepancy(0.1, clipped=False)()(step(0.0099))
