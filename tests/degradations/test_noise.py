import numpy as np
import pytest
import torch
from helpers import photograph
from skimage import data

from deep_image_prior.degradations.noise import (
    Noise,
    clipped_mean,
    clipped_square,
    estimate_noise,
)

CLEAN = torch.from_numpy(photograph(128)).float().permute(2, 0, 1)[None]


def observed(noise: Noise, image: torch.Tensor = CLEAN, seed: int = 0) -> torch.Tensor:
    n = torch.randn(image.shape, generator=torch.Generator().manual_seed(seed))
    x0 = image + (noise.sigma**2 + noise.gain * image).sqrt() * n
    return x0.clamp(0, 1) if noise.clipped else x0


@pytest.mark.parametrize("x", [0.0, 0.05, 0.5, 0.93, 1.0])
def test_moments_of_clipped_noise_are_what_sampling_gives(x):
    noise = Noise(0.1)
    sampled = observed(noise, torch.full((400_000,), x))
    mean, second = (moment(torch.tensor(x), 0.1) for moment in (clipped_mean, clipped_square))
    torch.testing.assert_close(mean, sampled.mean(), rtol=0, atol=1e-3)
    torch.testing.assert_close(second, (sampled - x).square().mean(), rtol=0.02, atol=0)
    torch.testing.assert_close(noise.variance(torch.tensor(x)), sampled.var(), rtol=0.02, atol=0)


@pytest.mark.parametrize(
    "noise", [Noise(0.1), Noise(0.01, 0.02), Noise(0.0, 0.05), Noise(0.2, clipped=False)]
)
def test_the_stabilised_mean_leads_back(noise):
    for x in (0.1, 0.5, 0.85):
        stable = noise.stabilise(observed(noise, torch.full((200_000,), x)))
        assert noise.inverse(stable.mean()).item() == pytest.approx(x, abs=0.004)
        if x == 0.5:
            assert stable.std().item() == pytest.approx(1, abs=0.06)


def test_without_a_clip_nothing_is_bounded():
    noise = Noise(0.1, clipped=False)
    x = torch.tensor([-0.3, 0.4, 1.7])
    torch.testing.assert_close(noise.inverse(noise.stabilise(x)), x)
    assert torch.equal(noise.mean(x), x)


@pytest.mark.parametrize("sigma", [10, 25, 50])
def test_gaussian_noise_is_estimate_noise(sigma):
    found = estimate_noise(observed(Noise(sigma / 255)))
    assert found.gain == 0
    assert 255 * found.sigma == pytest.approx(sigma, rel=0.1)


def test_photon_noise_is_estimate_noise():
    counts = np.random.default_rng(0).poisson(50 * CLEAN.numpy())
    found = estimate_noise(torch.from_numpy(np.clip(counts / 50, 0, 1)).float())
    assert found.gain == pytest.approx(1 / 50, rel=0.15)
    assert 255 * found.sigma < 10


def test_a_clean_photograph_has_little_noise_and_a_constant_image_none():
    assert 255 * estimate_noise(CLEAN).sigma < 5
    assert 255 * estimate_noise(torch.full((1, 1, 40, 30), 0.4)).sigma < 0.1


def test_a_drawing_has_no_noise_and_can_be_stabilised():
    ramp = torch.linspace(0, 0.8, 64).expand(1, 1, 64, 64)
    noise = estimate_noise(ramp)
    assert 255 * noise.sigma < 0.1
    assert torch.isfinite(noise.stabilise(ramp)).all()
    torch.testing.assert_close(noise.inverse(noise.stabilise(ramp)), ramp, atol=1e-3, rtol=0)


@pytest.mark.parametrize("shape", [(1, 1, 2, 2), (1, 3, 9, 3), (1, 2, 8, 8)])
def test_tiny_images_are_measured_too(shape):
    found = estimate_noise(torch.rand(shape, generator=torch.Generator().manual_seed(0)))
    assert 0 <= found.sigma < 2


def test_noise_measured_on_texture_is_known_to_be():
    grass = torch.from_numpy(data.grass()[:128, :128] / 255).float()[None, None]
    assert estimate_noise(observed(Noise(2 / 255), grass)).textured
    assert not estimate_noise(observed(Noise(50 / 255), grass)).textured
    assert not estimate_noise(observed(Noise(10 / 255), CLEAN)).textured


def test_noise_that_is_far_stronger_where_it_is_bright_is_known_to_be():
    image = torch.from_numpy(data.camera()[350:414, 100:164] / 255).float()[None, None]
    draw = torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
    speckle = (image * (1 + 0.25 * draw)).clamp(0, 1)
    found = estimate_noise(speckle)
    assert found.uneven
    assert found.doubtful
    assert not found.certain
    assert "far more noise" in found.sentences(255, "of 255")[-1]
    page = torch.from_numpy(data.page()[:64, 100:164] / 255).float()[None, None]
    for sigma in (10, 15, 50):
        assert not estimate_noise(observed(Noise(sigma / 255), image)).uneven
        assert not estimate_noise(observed(Noise(sigma / 255), page)).uneven, "edges of letters"
    assert not estimate_noise(observed(Noise(0.02, gain=0.01), image)).uneven


def test_draws_have_the_variance_of_the_noise():
    noise = Noise(0.05, 0.02)
    x = torch.tensor([0.0, 0.2, 0.5, 1.0]).expand(1, 3, 50, 4)
    drawn = noise.draw(x, 400, torch.Generator().manual_seed(0))
    assert drawn.shape == (400, 3, 50, 4)
    variances = drawn.square().mean(dim=(0, 1, 2))
    torch.testing.assert_close(variances, noise.variance(x)[0, 0, 0], rtol=0.03, atol=0)
    assert abs(drawn[0] - drawn[1]).max() > 0.05


def test_the_transform_is_that_of_its_formula():
    x = torch.tensor([-0.5, 0.0, 0.4])
    # 2 (x0 / g + 3/8 + sigma^2 / g^2)^.5, 0 where there is no root
    expected = torch.tensor([0.0, 2 * 0.625**0.5, 2 * 4.625**0.5])
    torch.testing.assert_close(Noise(0.05, 0.1).stabilise(x), expected)


def test_the_inverse_of_clipped_noise_stays_in_the_range():
    noise = Noise(0.1)
    ends = noise.inverse(torch.tensor([-5.0, 50.0]))
    torch.testing.assert_close(ends, torch.tensor([0.0, 1.0]))
