import torch

from deep_image_prior import Step
from deep_image_prior.stopping import discrepancy


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
