import pytest
import torch
from helpers import photograph

from deep_image_prior.denoisers import White, collaborative, dct_denoise
from deep_image_prior.denoisers.collaborative import haar, overlaps, powers_along
from deep_image_prior.patches import cosines, dct_basis

SIGMA = 0.1
CLEAN = torch.from_numpy(photograph(64)).float().permute(2, 0, 1)[None] / SIGMA
NOISY = CLEAN + torch.randn(CLEAN.shape, generator=torch.Generator().manual_seed(0))


def error(image, truth=CLEAN):
    return (image - truth).square().mean().item()


def test_it_is_far_nearer_than_the_observation():
    pilot = dct_denoise(NOISY, White())
    image = collaborative(NOISY, pilot)
    assert error(image) < error(NOISY) / 7
    assert error(image) == pytest.approx(0.12264, rel=1e-3), "every constant counts"


def test_what_repeats_is_drawn_from_all_of_it():
    """A weave that a single patch does not show under the noise."""
    rows, columns = torch.meshgrid(torch.arange(60), torch.arange(60), indexing="ij")
    weave = 1.2 * torch.cos(1.9 * rows) * torch.cos(1.1 * columns)
    noisy = weave + torch.randn(1, 1, 60, 60, generator=torch.Generator().manual_seed(1))
    single = dct_denoise(noisy, White())
    image = collaborative(noisy, single)
    assert error(image, weave) < 0.5 * error(single, weave)
    assert error(image, weave) == pytest.approx(0.05356, rel=1e-3), "every constant counts"


def test_where_nothing_is_there_hardly_more_noise_is_left_than_in_the_pilot():
    """Alike patches of a flat image overlap; what noise they have in common counts."""
    noise = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    pilot = dct_denoise(noise, White())
    assert error(collaborative(noise, pilot), 0) < 1.2 * error(pilot, 0)


@pytest.mark.parametrize("shape", [(1, 1, 2, 2), (1, 3, 2, 50), (1, 2, 17, 5), (1, 4, 33, 31)])
def test_any_size_and_any_channels(shape):
    noisy = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    image = collaborative(noisy, noisy)
    assert image.shape == shape
    assert torch.isfinite(image).all()


@pytest.mark.parametrize("channels", [2, 4])
def test_any_order_in_memory(channels):
    noisy = torch.rand(1, channels, 36, 34, generator=torch.Generator().manual_seed(0))
    last = noisy.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(collaborative(last, last), collaborative(noisy, noisy))


def test_constants_stay():
    flat = torch.full((1, 3, 30, 20), 30.0)
    torch.testing.assert_close(collaborative(flat, flat), flat, atol=1e-3, rtol=0)


@pytest.mark.parametrize("count", [1, 2, 16])
def test_the_waves_of_haar_are_orthonormal(count):
    waves = haar(count)
    torch.testing.assert_close(waves @ waves.T, torch.eye(count))
    torch.testing.assert_close(waves[0], torch.full((count,), count**-0.5))


def test_the_noise_of_waves_counts_what_patches_have_in_common():
    """As many draws of white noise have it; the first two patches are one, the last two apart."""
    size, places = 4, torch.tensor([[0, 0], [0, 0], [2, 1], [9, 3]])
    along = haar(4)
    noise = torch.randn(20000, 1, 14, 8, generator=torch.Generator().manual_seed(0))
    patches = [noise[:, 0, r : r + size, c : c + size].flatten(1) for r, c in places.tolist()]
    waves = along @ torch.stack(patches, dim=1) @ dct_basis(size).T
    found = powers_along(overlaps(cosines(size)), places[None])[0]
    torch.testing.assert_close(found, waves.square().mean(dim=0), atol=0.06, rtol=0)
    assert found[2].max() < 0.01, "the difference of a patch to itself"
