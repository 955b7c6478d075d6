import pytest
import torch
from helpers import photograph

from deep_image_prior import estimates
from deep_image_prior.codes import fill

CLEAN = torch.from_numpy(photograph(64)).float().permute(2, 0, 1)[None]
SIGMA = 0.1
NOISY = CLEAN + SIGMA * torch.randn(CLEAN.shape, generator=torch.Generator().manual_seed(0))


def error(image: torch.Tensor, truth: torch.Tensor = CLEAN) -> float:
    return (image - truth).square().mean().item()


def test_estimates_are_far_nearer_than_the_observation():
    pilot = estimates.transform(NOISY, SIGMA)
    assert error(pilot) < error(NOISY) / 6
    for larger in (False, True):
        assert error(estimates.nonlocal_bayes(NOISY, pilot, SIGMA, larger)) < error(NOISY) / 6
    assert error(estimates.transform(NOISY, SIGMA, size=16)) < error(NOISY) / 5


def test_units_do_not_matter():
    scaled = estimates.transform(NOISY / SIGMA)
    torch.testing.assert_close(SIGMA * scaled, estimates.transform(NOISY, SIGMA), atol=1e-3, rtol=0)


@pytest.mark.parametrize("shape", [(1, 1, 2, 2), (1, 3, 2, 50), (1, 2, 17, 5), (1, 4, 33, 31)])
def test_any_size_and_any_channels(shape):
    noisy = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    for size in (8, 16):
        pilot = estimates.transform(noisy, 0.1, size)
        assert pilot.shape == shape
    alike = estimates.nonlocal_bayes(noisy, pilot, 0.1)
    assert alike.shape == shape
    assert torch.isfinite(alike).all()


def test_constants_stay():
    flat = torch.full((1, 3, 30, 20), 0.3)
    flat[..., 10:] = 0.7
    for image in (estimates.transform(flat, 0.01), estimates.nonlocal_bayes(flat, flat, 0.01)):
        torch.testing.assert_close(image, flat, atol=2e-3, rtol=0)


@pytest.mark.parametrize(("size", "step"), [(8, 4), (16, 8), (8, 1)])
def test_holes_are_completed_and_the_rest_is_kept(size, step):
    known = (torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    start = fill(CLEAN * known, known)
    image = estimates.completed(start, known, size, step, rounds=20)
    assert torch.equal(image * known, CLEAN * known)
    assert error(image) < 0.8 * error(start)
