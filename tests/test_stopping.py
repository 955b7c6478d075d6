import pytest
import torch

from deep_image_prior import Step
from deep_image_prior.stopping import clipped_variance, discrepancy


def step(energy: float, gray: float = 0.5) -> Step:
    image = torch.full((1, 1, 4, 4), gray)
    return Step(7, 100, torch.tensor(energy), image, image)


def test_discrepancy_stops_at_the_noise_and_says_so():
    rule = discrepancy(0.1)
    assert rule(step(0.0101)) is None
    assert rule(step(0.0099)) == "discrepancy: residual 25.37 (of 255) reached the noise at step 7"


def test_clipped_noise_is_weaker_near_white():
    assert discrepancy(0.1)(step(0.0099, gray=0.99)) is None
    assert discrepancy(0.1, clipped=False)(step(0.0099, gray=0.99)) is not None


@pytest.mark.parametrize("x", [0.0, 0.05, 0.5, 0.93, 1.0])
def test_clipped_variance_is_what_sampling_gives(x):
    noise = 0.1 * torch.randn(400_000, generator=torch.Generator().manual_seed(0))
    sampled = ((x + noise).clamp(0, 1) - x).square().mean()
    torch.testing.assert_close(clipped_variance(torch.tensor(x), 0.1), sampled, rtol=0.02, atol=0)
