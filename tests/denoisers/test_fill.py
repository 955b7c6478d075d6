import pytest
import torch
from helpers import photograph

from deep_image_prior.denoisers import dct_inpaint, pyramid_fill

CLEAN = torch.from_numpy(photograph(64)).float().permute(2, 0, 1)[None]


def error(image: torch.Tensor, truth: torch.Tensor = CLEAN) -> float:
    return (image - truth).square().mean().item()


@pytest.mark.parametrize(("size", "step"), [(8, 4), (16, 8), (8, 1)])
def test_holes_are_completed_and_the_rest_is_kept(size, step):
    known = (torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    start = pyramid_fill(CLEAN * known, known)
    image = dct_inpaint(start, known, size, step, rounds=20)
    assert torch.equal(image * known, CLEAN * known)
    assert error(image) < 0.8 * error(start)


def test_fill_keeps_known_pixels_and_draws_on_their_neighbours():
    image = torch.tensor([[0.0, 0.2, 0.4, 0.6], [0.0, 0.2, 0.4, 0.6]]).repeat(2, 1)[None, None]
    mask = torch.ones(1, 1, 4, 4)
    mask[..., 1:3, 1] = 0
    filled = pyramid_fill(image * mask, mask)
    assert torch.equal(filled * mask, image * mask)
    assert ((filled > 0) & (filled < 0.4))[..., 1:3, 1].all()


def test_fill_reaches_across_large_holes_of_odd_images():
    mask = torch.zeros(1, 1, 37, 41)
    mask[..., :3, :3] = 1
    filled = pyramid_fill(0.7 * mask, mask)
    torch.testing.assert_close(filled, torch.full_like(filled, 0.7))
