import numpy as np
import pytest
import torch

import deep_image_prior as dip
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
def test_only_a_residual_can_be_compared_with_noise(objective):
    assert not objective.compares
    assert RESIDUAL.compares
    assert ReferenceStopped(RESIDUAL, tasks.denoise.white()["fast"]).compares


@pytest.mark.parametrize(
    ("preset", "wanted"),
    [
        (tasks.denoise.impulses()["fast"], "Holes"),
        (tasks.denoise.correlated()["fast"], "CorrelatedNoise"),
        (tasks.deblur.presets()["fast"], "Blurring"),
        (tasks.upscale.presets(4)["fast"], "Downsampling"),
        (tasks.solve.presets(told=True)["fast"], "Measurement"),
    ],
)
def test_a_preset_of_another_task_is_refused(preset, wanted):
    image = np.random.default_rng(0).random((40, 40), np.float32)
    with pytest.raises(BadInput, match=f"^the objective .* is for {wanted}, and .* is Noise; use"):
        dip.denoise(image, noise="white", preset=preset, steps=1)
