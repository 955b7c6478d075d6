import pytest
import torch
from helpers import photograph, tensor

from deep_image_prior.degradations import Downsampling
from deep_image_prior.operators import Downsample

CLEAN = tensor(photograph(48))


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_a_projection_brings_an_enlargement_back_to_what_was_observed(factor):
    downsampling = Downsampling(factor)
    x0 = downsampling.shrink(CLEAN)
    assert x0.shape == (1, 3, 48 // factor, 48 // factor)
    assert torch.equal(x0, Downsample(factor)(CLEAN).clamp(0, 1))
    x = downsampling.enlarge(x0)
    assert x.shape == CLEAN.shape

    def apart(x):
        return (downsampling.shrink(x) - x0).abs().max().item()

    once, often = (downsampling.project(x, x0, rounds) for rounds in (1, 10))
    assert apart(often) < 0.5 * apart(once) < 0.5 * 0.8 * apart(x)
    assert 0 <= often.min() <= often.max() <= 1


def test_what_agrees_with_the_observation_stays():
    inner = 0.1 + 0.8 * CLEAN
    moved = Downsampling(4).project(inner, Downsample(4)(inner))
    torch.testing.assert_close(moved, inner)
