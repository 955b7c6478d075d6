import pytest
import torch
from helpers import photograph, tensor

from deep_image_prior.degradations import CorrelatedNoise
from deep_image_prior.degradations.correlated import BINS
from deep_image_prior.denoisers import Covariance, White, dct_denoise, denoise_scales

CLEAN = tensor(photograph(128))


def long_waves() -> CorrelatedNoise:
    """White noise under a Gaussian of three pixels."""
    along = torch.fft.fftfreq(BINS)
    power = torch.exp(-((6 * torch.pi) ** 2) * (along[:, None].square() + along.square()))
    spectrum = (0.1**2 * power / power.mean()).expand(3, BINS, BINS)
    return CorrelatedNoise(spectrum, torch.tensor([0.0, 1.0]), torch.ones(2))


def test_long_waves_are_those_of_the_coarser_image_and_short_ones_stay():
    """A denoiser that adds 1 at half the resolution adds 1."""
    for height, width in ((128, 128), (127, 90)):
        image = CLEAN[..., :height, :width]

        def brighter(x, noise, height=height):
            return x if len(x[0, 0]) == height else x + 1

        merged = denoise_scales(image, White(), brighter)
        torch.testing.assert_close(merged, image + 1, atol=1e-5, rtol=0)


@pytest.mark.parametrize("noise", [White(0.1), "correlated"])
def test_a_part_of_the_picture_is_made_the_same_to_the_bit(noise):
    noise = long_waves() if noise == "correlated" else noise
    picture = CLEAN.repeat(1, 1, 4, 4)[..., :400, :400]
    picture = picture + 0.1 * torch.randn(picture.shape, generator=torch.manual_seed(0))
    whole = denoise_scales(picture, noise, denoise)
    for top, left in ((120, 240), (240, 120)):
        part = denoise_scales(picture[..., top:, left:], noise, denoise, (top, left))
        # 7 + 7 pixels of the coarsest, and of the filters
        assert torch.equal(part[..., 80:, 80:], whole[..., top + 80 :, left + 80 :])
        apart = denoise_scales(picture[..., top:, left:], noise, denoise)
        assert not torch.equal(apart[..., 80:, 80:], whole[..., top + 80 :, left + 80 :])


def denoise(x: torch.Tensor, noise: Covariance) -> torch.Tensor:
    return dct_denoise(x, noise)


def test_long_waves_of_noise_need_several_scales():
    noise = long_waves()
    noisy = CLEAN + noise.draw(CLEAN, 1, torch.Generator().manual_seed(0))
    once = dct_denoise(noisy, noise)
    several = denoise_scales(noisy, noise, denoise)
    errors = [(image - CLEAN).square().mean().item() for image in (noisy, once, several)]
    assert errors[2] < 0.9 * errors[1] < errors[0]


def test_images_that_are_too_small_for_another_scale_have_one():
    noisy = CLEAN[..., :40, :128]
    seen = []
    denoise_scales(noisy, long_waves(), lambda x, n: seen.append(x.shape[-2:]) or x)
    assert seen == [(40, 128)]
