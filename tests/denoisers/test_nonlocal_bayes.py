import pytest
import torch
from helpers import photograph

from deep_image_prior.denoisers import White, dct_denoise, nonlocal_bayes

CLEAN = torch.from_numpy(photograph(64)).float().permute(2, 0, 1)[None]
SIGMA = 0.1
NOISY = CLEAN + SIGMA * torch.randn(CLEAN.shape, generator=torch.Generator().manual_seed(0))


def error(image: torch.Tensor, truth: torch.Tensor = CLEAN) -> float:
    return (image - truth).square().mean().item()


@pytest.mark.parametrize("larger", [False, True])
def test_it_is_far_nearer_than_the_observation(larger):
    pilot = dct_denoise(NOISY, White(SIGMA))
    assert error(nonlocal_bayes(NOISY, pilot, White(SIGMA), larger)) < error(NOISY) / 6


@pytest.mark.parametrize("shape", [(1, 1, 2, 2), (1, 3, 2, 50), (1, 2, 17, 5), (1, 4, 33, 31)])
def test_any_size_and_any_channels(shape):
    noisy = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    image = nonlocal_bayes(noisy, noisy, White(0.1))
    assert image.shape == shape
    assert torch.isfinite(image).all()


def test_constants_stay():
    flat = torch.full((1, 3, 30, 20), 0.3)
    flat[..., 10:] = 0.7
    torch.testing.assert_close(nonlocal_bayes(flat, flat, White(0.01)), flat, atol=2e-3, rtol=0)
