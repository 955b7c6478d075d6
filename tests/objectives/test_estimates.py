import pytest
import torch
from helpers import photograph

from deep_image_prior import tasks
from deep_image_prior.degradations import CorrelatedNoise
from deep_image_prior.objectives.estimates import of_correlated


def test_under_correlated_noise_every_pass_is_the_one_that_was_measured():
    power = 0.01 * torch.exp(-((2 * torch.pi * torch.fft.fftfreq(64)) ** 2))
    noise = CorrelatedNoise(power.expand(3, 64, 64), torch.tensor([0.0, 1.0]), torch.ones(2))
    clean = torch.from_numpy(photograph(80)).float().permute(2, 0, 1)[None]
    x0 = clean + noise.draw(clean, 1, torch.Generator().manual_seed(0))
    made = of_correlated(noise, x0, 4)
    errors = [255 * (each - clean[0]).square().mean().sqrt().item() for each in made]
    assert errors == pytest.approx([6.538, 6.396, 6.496, 6.475], rel=1e-3)


@pytest.mark.parametrize(("large", "passes"), [(False, 4), (True, 3)])
def test_fast_has_all_passes_where_they_take_little_of_its_time(large, passes):
    presets = tasks.denoise.large_correlated() if large else tasks.denoise.correlated()
    assert presets["fast"].objective.count == passes
    assert presets["best"].objective.count == 4
