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

    moved = downsampling.project(x, x0)
    assert apart(moved) < 0.15 * apart(x)
    assert 0 <= moved.min() <= moved.max() <= 1
    once = Downsampling(factor, doubtful=True).project(x, x0)
    assert apart(moved) < 0.4 * apart(once) < 0.4 * 0.8 * apart(x)


def test_what_agrees_with_the_observation_stays():
    inner = 0.1 + 0.8 * CLEAN
    moved = Downsampling(4).project(inner, Downsample(4)(inner))
    torch.testing.assert_close(moved, inner)


def test_what_a_file_cut_off_is_no_error():
    edge = torch.zeros(1, 1, 32, 32)
    edge[..., 14:] = 1  # a low-pass overshoots on both sides
    overshot = Downsample(4)(edge)
    assert overshot.min() < -0.01
    assert overshot.max() > 1.01
    torch.testing.assert_close(Downsampling(4).project(edge, overshot.clamp(0, 1)), edge)
    gray = 0.2 + 0.6 * edge  # nothing is cut off
    pulled = Downsampling(4).project(gray, Downsample(4)(gray).clamp(0.2, 0.8))
    assert (pulled - gray).abs().max() > 0.01
