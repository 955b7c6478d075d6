import pytest
import torch

from deep_image_prior import codes, tasks
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
def test_only_a_residual_can_be_compared_with_noise(objective):
    assert not objective.compares
    assert RESIDUAL.compares
    assert ReferenceStopped(RESIDUAL, tasks.denoise.white()["fast"]).compares
