import sys

import pytest
import torch
from helpers import photograph

from deep_image_prior.denoisers import consensus_fill, patch_fill, pyramid_fill

module = sys.modules["deep_image_prior.denoisers.patch_fill"]
CLEAN = torch.from_numpy(photograph(96)).float().permute(2, 0, 1)[None]


def hole(height, width, side, top=None, left=None):
    known = torch.ones(1, 1, height, width)
    top, left = (height - side) // 2 if top is None else top, left or (width - side) // 2
    known[..., top : top + side, left : left + side] = 0
    return known


def texture(height=96, width=104):
    """Repeats itself every 8 pixels, down and across."""
    tile = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    return tile.repeat(1, 1, height // 8, width // 8)


@pytest.mark.parametrize("size", [5, 7, 9])
def test_a_texture_that_repeats_itself_is_copied_into_a_hole(size):
    x, known = texture(), hole(96, 104, 32)
    filled = patch_fill(x * known, known, size)
    torch.testing.assert_close(filled, x, atol=1e-4, rtol=0)


def test_the_search_by_candidates_finds_it_too(monkeypatch):
    monkeypatch.setattr(module, "EXACT", 2**19)
    x, known = texture(), hole(96, 104, 32)
    assert (patch_fill(x * known, known) - x).abs().max() < 1e-4


def test_it_fills_the_same_once_more_and_known_pixels_stay(monkeypatch):
    monkeypatch.setattr(module, "EXACT", 2**10)
    known = hole(96, 96, 30, 10, 50)
    first, again = (patch_fill(CLEAN, known) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(first * known, CLEAN * known)
    hidden = patch_fill(CLEAN * known + 7 * (1 - known), known)
    assert torch.equal(first, hidden), "what is missing is not looked at"


def error(filled, known):
    return (filled - CLEAN)[known.expand_as(CLEAN) == 0].square().mean()


def test_a_fill_that_is_given_is_followed():
    known = hole(96, 96, 30, 10, 50)
    assert error(patch_fill(CLEAN, known, start=CLEAN), known) < 0.8 * error(
        patch_fill(CLEAN, known), known
    )


def test_the_best_of_fills_is_first_and_of_known_patches():
    x, known = texture(), hole(96, 104, 16)
    fills = consensus_fill(x * known, known, (5, 7))
    assert fills.shape == (3, 3, 96, 104)
    for fill, size in zip(fills[1:], (5, 7), strict=True):
        assert torch.equal(fill[None], patch_fill(x * known, known, size))
    assert (fills[0] - x).abs().max() < 1e-4


@pytest.mark.parametrize("shape", [(1, 1, 2, 2), (1, 3, 5, 40), (1, 2, 30, 9)])
def test_without_a_known_patch_a_fill_is_smooth(shape):
    image, known = torch.rand(shape), torch.zeros(1, 1, *shape[-2:])
    known[..., 0] = 1
    expected = pyramid_fill(image * known, known)
    assert torch.equal(patch_fill(image, known), expected)
    assert torch.equal(consensus_fill(image, known, (5, 7))[:1], expected)


def test_nothing_missing_is_nothing_to_do():
    assert torch.equal(patch_fill(CLEAN, torch.ones(1, 1, 96, 96)), CLEAN)


def test_what_is_flat_and_far_does_not_fill_what_is_blurred_at_first():
    grains = 0.45 + 0.1 * torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    grains[..., :30] = grains[..., 30:].mean()
    filled = patch_fill(grains, hole(96, 96, 20, 38, 60))
    assert filled[..., 42:54, 64:76].std() > 0.004
