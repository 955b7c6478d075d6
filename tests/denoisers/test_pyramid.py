import torch
from helpers import photograph, tensor

from deep_image_prior.degradations import CorrelatedNoise
from deep_image_prior.degradations.correlated import GRID
from deep_image_prior.denoisers import dct_denoise, denoise_scales
from deep_image_prior.denoisers.pyramid import halve, merge

CLEAN = tensor(photograph(128))


def long_waves() -> CorrelatedNoise:
    """White noise under a Gaussian of three pixels."""
    along = torch.fft.fftfreq(GRID)
    power = torch.exp(-((6 * torch.pi) ** 2) * (along[:, None].square() + along.square()))
    spectrum = (0.1**2 * power / power.mean()).expand(3, GRID, GRID)
    return CorrelatedNoise(spectrum, torch.tensor([0.0, 1.0]), torch.ones(2))


def test_half_the_resolution_has_the_same_mean_and_merges_back():
    for height, width in ((128, 128), (127, 90)):
        image = CLEAN[..., :height, :width]
        coarse = halve(image)
        assert coarse.shape[-2:] == (height // 2, width // 2)
        torch.testing.assert_close(coarse.mean(), image.mean(), atol=1e-4, rtol=0)
        torch.testing.assert_close(merge(image, coarse), image, atol=1e-4, rtol=0)


def test_long_waves_of_noise_need_several_scales():
    noise = long_waves()
    noisy = CLEAN + noise.draw(CLEAN, 1, torch.Generator().manual_seed(0))
    once = dct_denoise(noisy, noise)
    (several,) = denoise_scales(noisy, noise, lambda x, n: [dct_denoise(x, n)])
    errors = [(image - CLEAN).square().mean().item() for image in (noisy, once, several)]
    assert errors[2] < 0.9 * errors[1] < errors[0]


def test_images_that_are_too_small_for_another_scale_have_one():
    noisy = CLEAN[..., :40, :128]
    seen = []
    denoise_scales(noisy, long_waves(), lambda x, n: seen.append(x.shape[-2:]) or [x])
    assert seen == [(40, 128)]
