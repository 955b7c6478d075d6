import pytest
import torch
from helpers import photograph

from deep_image_prior import parallel
from deep_image_prior.colour import brightness, to_opponent
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
    assert error(image) == pytest.approx(0.0012596, rel=1e-4), "every constant counts"


def test_it_errs_elsewhere_than_nonlocal_bayes():
    pilot = dct_denoise(NOISY, White(SIGMA))
    image, other = (f(NOISY, pilot, White(SIGMA)) for f in (nonlocal_ridge, nonlocal_bayes))
    assert error((image + other) / 2) < 0.975 * min(error(image), error(other))


def captured(monkeypatch, channels, noise):
    """The groups, and what becomes of their patches."""
    taken = []

    def filtered(self, images, drawn, power):
        mean = brightness(to_opponent(CLEAN[:, :channels])[0])
        of_patches = noise.of_patches(channels, self.size).trace() / self.size**2
        torch.testing.assert_close(power, of_patches * noise.deviation(mean).square())
        taken.append((self, drawn))
        return images[0]

    monkeypatch.setattr(Groups, "filtered", filtered)
    nonlocal_ridge(NOISY[:, :channels], CLEAN[:, :channels], noise)
    return taken[0]


@pytest.mark.parametrize(("channels", "size"), [(1, 5), (3, 4)])
def test_patches_are_the_best_combinations_of_their_group(monkeypatch, channels, size):
    """By the products of the definition, a matrix of every two patches."""
    groups, drawn = captured(monkeypatch, channels, White(SIGMA))
    assert groups == Groups(size, size, 256, 22)
    n = channels * size**2
    p, y = torch.rand(2, 5, 60, n, generator=torch.Generator().manual_seed(0))
    values, weights = drawn([p, y], torch.zeros(5, 60, 2))
    mean = p.unflatten(2, (-1, channels)).mean(dim=(1, 2)).repeat(1, size**2)[:, None]
    p, y = p - mean, y - mean
    gram = p @ p.mT
    theta = gram @ torch.linalg.inv(gram + n * (1.1 * SIGMA) ** 2 * torch.eye(60))
    torch.testing.assert_close(values, mean + theta @ y, atol=3e-4, rtol=0)
    assert weights.tolist() == [1] * 5


def test_half_of_what_values_have_in_common_counts(monkeypatch):
    power = torch.exp(-((4 * torch.fft.fftfreq(64)) ** 2)).outer(torch.ones(64))[None]
    noise = CorrelatedNoise(SIGMA**2 * power, torch.tensor([0.0, 1.0]), torch.ones(2))
    _, drawn = captured(monkeypatch, 1, noise)
    p, y = torch.rand(2, 5, 60, 25, generator=torch.Generator().manual_seed(0))
    values, _ = drawn([p, y], torch.zeros(5, 60, 2))
    mean = p.mean(dim=(1, 2), keepdim=True)
    p, y = p - mean, y - mean
    whole = noise.of_patches(1, 5)
    penalty = 25 * 1.1**2 * (whole + whole.diagonal().diag()) / 2
    exact = mean + p @ torch.linalg.inv(p.mT @ p + penalty) @ p.mT @ y
    torch.testing.assert_close(values, exact, atol=3e-4, rtol=0)


def test_weak_noise_in_the_bright_is_not_lost_to_rounding():
    bright = 0.8 + 0.2 * CLEAN[..., :30, :30]
    single, double = (nonlocal_ridge(x, x, White(0.5 / 255)) for x in (bright, bright.double()))
    assert (single - double).square().mean().sqrt() < 0.01 * 0.5 / 255


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
@pytest.mark.parametrize("value", [0.4, 0.0])
def test_constants_stay(value, sigma):
    flat = torch.full((1, 3, 30, 20), value)
    image = nonlocal_ridge(flat, flat, White(sigma))
    torch.testing.assert_close(image, flat, atol=2e-3, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_several_tiles_at_a_time_give_what_one_at_a_time_gives(monkeypatch, channels):
    noisy, pilot = (each[:, :channels, :, :57].repeat(1, 1, 2, 2) for each in (NOISY, CLEAN))
    expected = nonlocal_ridge(noisy, pilot, White(SIGMA))
    monkeypatch.setattr(parallel, "CACHE", 2**28)
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
