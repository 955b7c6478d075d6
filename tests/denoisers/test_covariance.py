import torch

from deep_image_prior.denoisers import Sampled, White
from deep_image_prior.patches import dct_basis

NORMAL = torch.randn(1, 3, 256, 256, generator=torch.Generator().manual_seed(0))


def test_a_sample_of_white_noise_is_white():
    noise, white = Sampled(0.1 * NORMAL), White(0.1)
    torch.testing.assert_close(
        noise.of_patches(3, 3), 0.01 * white.of_patches(3, 3), atol=4e-4, rtol=0
    )
    torch.testing.assert_close(noise.of_dct(3, 8), torch.full((3, 8, 8), 0.01), atol=2e-3, rtol=0)
    assert abs(noise.sigma - 0.1) < 1e-3
    assert abs(noise.halved().sigma - white.halved().sigma) < 2e-3
    assert noise.deviation(torch.rand(2, 5)).eq(1).all()


def test_cosines_and_patches_know_the_same_of_noise_that_is_not():
    gray = torch.nn.functional.avg_pool2d(NORMAL[:, :1], 3, stride=1).expand(-1, 3, -1, -1)
    noise = Sampled(gray)
    power = noise.of_dct(3, 4)
    assert power[0, 0, 0] > 10 * power[0, 3, 3], "long waves"
    assert power[0].mean() > 100 * power[1:].mean(), "without colour"
    covariance = noise.of_patches(3, 4).unflatten(0, (16, 3)).unflatten(2, (16, 3))[:, 0, :, 0]
    basis = dct_basis(4)
    torch.testing.assert_close(
        (basis @ covariance @ basis.T).diagonal(), power[0].flatten(), rtol=0.1, atol=1e-3
    )
