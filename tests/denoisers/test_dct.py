import pytest
import torch
from helpers import photograph

from deep_image_prior.colour import from_opponent, to_opponent
from deep_image_prior.denoisers import White, dct_denoise

CLEAN = torch.from_numpy(photograph(64)).float().permute(2, 0, 1)[None]
SIGMA = 0.1
NOISY = CLEAN + SIGMA * torch.randn(CLEAN.shape, generator=torch.Generator().manual_seed(0))


def error(image: torch.Tensor, truth: torch.Tensor = CLEAN) -> float:
    return (image - truth).square().mean().item()


def test_it_is_far_nearer_than_the_observation():
    assert error(dct_denoise(NOISY, White(SIGMA))) < error(NOISY) / 6
    assert error(dct_denoise(NOISY, White(SIGMA), size=16)) < error(NOISY) / 5


def test_units_do_not_matter():
    scaled = dct_denoise(NOISY / SIGMA)
    torch.testing.assert_close(SIGMA * scaled, dct_denoise(NOISY, White(SIGMA)), atol=1e-3, rtol=0)


@pytest.mark.parametrize("shape", [(1, 1, 2, 2), (1, 3, 2, 50), (1, 2, 17, 5), (1, 4, 33, 31)])
@pytest.mark.parametrize("size", [8, 16])
def test_any_size_and_any_channels(shape, size):
    noisy = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    image = dct_denoise(noisy, White(0.1), size)
    assert image.shape == shape
    assert torch.isfinite(image).all()


def test_constants_stay():
    flat = torch.full((1, 3, 30, 20), 0.3)
    flat[..., 10:] = 0.7
    torch.testing.assert_close(dct_denoise(flat, White(0.01)), flat, atol=2e-3, rtol=0)


def test_opponent_colours_are_a_rotation_with_gray_first():
    torch.testing.assert_close(from_opponent(to_opponent(NOISY)), NOISY)
    torch.testing.assert_close(to_opponent(NOISY).square().sum(), NOISY.square().sum())
    gray = to_opponent(torch.full((1, 3, 1, 1), 0.5)).flatten()
    torch.testing.assert_close(gray, torch.tensor([0.5 * 3**0.5, 0, 0]), atol=1e-6, rtol=0)
    assert torch.equal(to_opponent(NOISY[:, :2]), NOISY[:, :2])
