import torch
from helpers import photograph

from deep_image_prior.denoisers import tv_least_squares
from deep_image_prior.energies import squared_error, total_variation
from deep_image_prior.operators import Downsample

CLEAN = torch.from_numpy(photograph(32)).float().permute(2, 0, 1)[None]


def test_the_residual_goes_and_the_variation_is_bounded_by_its_weight():
    operator = Downsample(2)
    energy = squared_error(operator(CLEAN), operator)
    guess = torch.full_like(CLEAN, 0.5)
    light, heavy = (tv_least_squares(guess, energy, weight, steps=150) for weight in (3e-4, 0.3))
    assert energy(light) < 1e-4 < 1e-3 < energy(guess)
    assert energy(light) < energy(heavy)
    assert total_variation(heavy) < 0.8 * total_variation(light)
    assert not light.requires_grad
