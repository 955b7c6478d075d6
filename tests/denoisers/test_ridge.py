import pytest
import torch
from helpers import photograph

from deep_image_prior import parallel
from deep_image_prior.degradations import CorrelatedNoise
from deep_image_prior.denoisers import White, dct_denoise, nonlocal_bayes, nonlocal_ridge
from deep_image_prior.denoisers.groups import Groups

SIGMA = 0.1
CLEAN = torch.from_numpy(photograph(64)).float().permute(2, 0, 1)[None]
NOISY = CLEAN + SIGMA * torch.randn(CLEAN.shape, generator=torch.Generator().manual_seed(0))


def error(image, truth=CLEAN):
    return (image - truth).square().mean().item()


def test_it_is_far_nearer_than_the_observation():
    pilot = dct_denoise(NOISY, White(SIGMA))
    image = nonlocal_ridge(NOISY, pilot, White(SIGMA))
    assert error(image) < error(NOISY) / 6
    assert error(image) == pytest.approx(0.0012607, rel=1e-3), "every constant counts"


def test_it_errs_elsewhere_than_nonlocal_bayes():
    pilot = dct_denoise(NOISY, White(SIGMA))
    image, other = (f(NOISY, pilot, White(SIGMA)) for f in (nonlocal_ridge, nonlocal_bayes))
    assert error((image + other) / 2) < 0.975 * min(error(image), error(other))


@pytest.mark.parametrize("channels", [1, 3])
def test_patches_are_the_mixes_that_are_nearest_to_the_pilot(monkeypatch, channels):
    """By the products of the definition, a matrix of every two patches."""
    drawn = []
    monkeypatch.setattr(Groups, "filtered", lambda self, images, f: drawn.append(f) or images[0])
    nonlocal_ridge(NOISY[:, :channels], CLEAN[:, :channels], White(SIGMA))
    n = channels * {1: 25, 3: 16}[channels]
    p, y = torch.rand(2, 5, 60, n, generator=torch.Generator().manual_seed(0))
    values, weights = drawn[0]([p, y], torch.zeros(5, 60, 2))
    gram = p @ p.mT
    theta = gram @ torch.linalg.inv(gram + n * (1.1 * SIGMA) ** 2 * torch.eye(60))
    torch.testing.assert_close(values, theta @ y, atol=1e-4, rtol=0)
    assert weights.tolist() == [1] * 5


def test_noise_that_is_stronger_in_colour_and_in_the_bright_is_taken_out_there():
    power = torch.ones(3, 64, 64) * torch.tensor([1, 9, 9])[:, None, None] * SIGMA**2 / 9
    noise = CorrelatedNoise(power, torch.tensor([0.0, 1.0]), torch.tensor([0.2, 1.8]))
    noisy = CLEAN + noise.draw(CLEAN, 1, torch.Generator().manual_seed(1))
    pilot = dct_denoise(noisy, noise)
    told = error(nonlocal_ridge(noisy, pilot, noise))
    assert told < 0.95 * error(nonlocal_ridge(noisy, pilot, White(SIGMA)))


@pytest.mark.parametrize("shape", [(1, 1, 2, 2), (1, 3, 2, 50), (1, 2, 17, 5), (1, 4, 33, 31)])
def test_any_size_and_any_channels(shape):
    noisy = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    image = nonlocal_ridge(noisy, noisy, White(SIGMA))
    assert image.shape == shape
    assert torch.isfinite(image).all()


@pytest.mark.parametrize("sigma", [0.01, 0.0])
def test_constants_stay(sigma):
    flat = torch.full((1, 3, 30, 20), 0.4)
    image = nonlocal_ridge(flat, flat, White(sigma))
    torch.testing.assert_close(image, flat, atol=2e-3, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_several_tiles_at_a_time_give_what_one_at_a_time_gives(monkeypatch, channels):
    # tiles of four sizes
    noisy, pilot = (each[:, :channels, :, :57].repeat(1, 1, 2, 2) for each in (NOISY, CLEAN))
    expected = nonlocal_ridge(noisy, pilot, White(SIGMA))
    monkeypatch.setattr(parallel, "CACHE", 2**26)
    assert error(nonlocal_ridge(noisy, pilot, White(SIGMA)), expected) < 1e-8


def test_any_part_that_begins_on_the_grid_of_tiles_is_made_of_the_same_tiles():
    """But for what is beyond its margin."""
    noisy = NOISY.repeat(1, 1, 3, 5)[..., :180, :320]
    whole = nonlocal_ridge(noisy, noisy, White(SIGMA))
    part = nonlocal_ridge(noisy[..., 120:], noisy[..., 120:], White(SIGMA))
    torch.testing.assert_close(part[..., 60:], whole[..., 180:], atol=1e-5, rtol=0)


def test_nothing_waits_for_another_device():
    """Where there are no numbers nothing can be asked of them, or moved elsewhere."""
    noisy = torch.empty(1, 3, 190, 130, device="meta")
    assert nonlocal_ridge(noisy, noisy).shape == noisy.shape
