import pytest
import torch
from helpers import photograph

from deep_image_prior import parallel
from deep_image_prior.colour import from_opponent, to_opponent
from deep_image_prior.denoisers import White, dct, dct_denoise
from deep_image_prior.denoisers.dct import Windows, hard_threshold
from deep_image_prior.padding import pad_reflect
from deep_image_prior.patches import dct_basis

CLEAN = torch.from_numpy(photograph(64)).float().permute(2, 0, 1)[None]
SIGMA = 0.1
NOISY = CLEAN + SIGMA * torch.randn(CLEAN.shape, generator=torch.Generator().manual_seed(0))


def error(image: torch.Tensor, truth: torch.Tensor = CLEAN) -> float:
    return (image - truth).square().mean().item()


def test_it_is_far_nearer_than_the_observation():
    assert error(dct_denoise(NOISY, White(SIGMA))) < error(NOISY) / 6


def test_the_rim_has_hardly_more_noise_than_the_inside():
    """Where nothing is there: in the reflection of noise even waves have twice its power."""
    noise = torch.randn(1, 3, 400, 400, generator=torch.Generator().manual_seed(0))
    image = dct_denoise(noise)
    rim = torch.ones(400, 400, dtype=torch.bool)
    rim[3:-3, 3:-3] = False
    assert error(image[..., rim], 0) < 2.5 * error(image[..., ~rim], 0)


def test_units_do_not_matter():
    scaled = dct_denoise(NOISY / SIGMA)
    torch.testing.assert_close(SIGMA * scaled, dct_denoise(NOISY, White(SIGMA)), atol=1e-3, rtol=0)


@pytest.mark.parametrize("shape", [(1, 1, 2, 2), (1, 3, 2, 50), (1, 2, 17, 5), (1, 4, 33, 31)])
def test_any_size_and_any_channels(shape):
    noisy = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    image = dct_denoise(noisy, White(0.1))
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


def threshold(observed):
    return hard_threshold(observed, SIGMA**2)


@pytest.mark.parametrize(
    ("size", "step", "top", "left", "rim"),
    [(8, 1, 0, 0, 0.1), (16, 8, 3, 7, 0.1), (6, 4, 2, 1, 0.3), (8, 1, 0, 0, 1)],
)
def test_it_is_what_one_window_after_the_other_gives(size, step, top, left, rim):
    planes = NOISY[0, :2, :21, :35]
    above, before, after = size + step - 2 - top, size + step - 2 - left, 2 * size
    grown = pad_reflect(planes[None], (above, after), (before, after))[0]
    total, weights = torch.zeros_like(grown), torch.zeros_like(grown)
    for row in range(0, 21 + above, step):
        for column in range(0, 35 + before, step):
            window = (slice(None), slice(row, row + size), slice(column, column + size))
            cosines = grown[window].flatten(1) @ dct_basis(size).T
            kept = cosines.square() > 2.7**2 * SIGMA**2
            kept[:, 0] = True
            inside = 0 <= row - above <= 21 - size and 0 <= column - before <= 35 - size
            weight = (1 if inside else rim) / (kept.sum(dim=1) + 1e-3)[:, None, None]
            clean = (kept * cosines) @ dct_basis(size)
            total[window] += weight * clean.reshape(2, size, size)
            weights[window] += weight
    expected = (total / weights)[:, above : above + 21, before : before + 35]
    drawn = Windows((21, 35), size, step, top, left, rim).shrink(threshold, planes)
    torch.testing.assert_close(drawn, expected, atol=1e-5, rtol=0)


def test_the_side_of_a_tile_does_not_matter(monkeypatch):
    expected = dct_denoise(NOISY[..., :37, :50], White(SIGMA))
    monkeypatch.setattr(dct, "DENSE", 5)
    image = dct_denoise(NOISY[..., :37, :50], White(SIGMA))
    torch.testing.assert_close(image, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("cache", [1, 2**21, 2**26])
def test_the_tiles_at_a_time_do_not_matter(monkeypatch, cache):
    noisy = NOISY.repeat(1, 1, 2, 2)[..., :125, :100]
    expected = dct_denoise(noisy, White(SIGMA))
    monkeypatch.setattr(parallel, "CACHE", cache)
    image = dct_denoise(noisy, White(SIGMA))
    torch.testing.assert_close(image, expected, atol=1e-5, rtol=0)


def test_nothing_waits_for_another_device():
    """Where there are no numbers nothing can be asked of them, or moved elsewhere."""
    noisy = torch.empty(1, 3, 90, 70, device="meta")
    assert dct_denoise(noisy).shape == noisy.shape
