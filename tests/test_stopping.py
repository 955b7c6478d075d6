import torch
from helpers import step

from deep_image_prior import Step
from deep_image_prior.stopping import Discrepancy, Variance


def test_discrepancy_stops_at_the_noise_and_says_so():
    rule = Discrepancy(0.1)
    assert rule.update(step(0.0101)) is None
    stop = rule.update(step(0.0099))
    assert (stop.rule, stop.step) == ("discrepancy", 7)
    assert str(stop) == "discrepancy: residual 25.37 (of 255) reached the noise at step 7"


def test_clipped_noise_is_weaker_near_white():
    assert Discrepancy(0.1).update(step(0.0099, gray=0.99)) is None
    assert Discrepancy(0.1, clipped=False).update(step(0.0099, gray=0.99)) is not None


def test_variance_is_least_where_the_images_are_still():
    rule, generator = Variance(), torch.Generator().manual_seed(0)
    for index in range(1, 1000):
        moves = abs(index - 400) / 400
        image = 0.5 + moves * torch.randn(1, 1, 16, 16, generator=generator)
        if rule.update(Step(index, 1000, torch.tensor(1.0), image, torch.full_like(image, 0.5))):
            break
    assert 400 <= rule.chosen.index < 460
    assert index < 999
