import pytest
import torch

from deep_image_prior import BadInput
from deep_image_prior.energies import (
    absolute_error,
    squared_error,
    stein,
    total_variation,
    weighted_sum,
)
from deep_image_prior.operators import Mask, identity


def test_squared_error_is_the_mean_square():
    energy = squared_error(torch.tensor([[[[0.0, 1.0], [0.5, 0.5]]]]), identity)
    assert energy(torch.tensor([[[[0.5, 1.0], [0.5, 0.0]]]])).item() == pytest.approx(0.5 / 4)


def test_masked_error_counts_known_pixels_only():
    mask = torch.tensor([[[[1.0, 0.0], [1.0, 0.0]]]])
    operator = Mask(mask)
    energy = squared_error(operator(torch.tensor([[[[0.0, 9.0], [0.5, 9.0]]]])), operator, count=2)
    image = torch.tensor([[[[0.5, 0.1], [0.5, 0.2]]]], requires_grad=True)
    assert energy(image).item() == pytest.approx(0.25 / 2)
    energy(image).backward()
    assert image.grad[0, 0, :, 1].tolist() == [0, 0]


def test_total_variation_by_hand():
    image = torch.tensor([[[[0.0, 3.0, 3.0], [4.0, 4.0, 4.0], [4.0, 4.0, 4.0]]]])
    # forward differences (down, right): (4, 3), (1, 0), (0, 0), (0, 0)
    assert total_variation(image).item() == pytest.approx(5 + 1, abs=1e-5)


def test_total_variation_has_a_gradient_on_flat_images():
    image = torch.full((1, 1, 4, 4), 0.5, requires_grad=True)
    total_variation(image).backward()
    assert torch.isfinite(image.grad).all()


def test_weighted_sum():
    energy = weighted_sum((2, lambda x: x.sum()), (0.5, lambda x: x.square().sum()))
    assert energy(torch.tensor([1.0, 2.0])).item() == pytest.approx(2 * 3 + 0.5 * 5)


def test_stein_by_hand():
    observation, probe = torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([[[[2.0, -1.0]]]])
    x, moved = torch.tensor([[[[0.5, 0.0]]]]), torch.tensor([[[[0.6, 0.2]]]])
    # |x - x0|^2 / 2 + 2 (2 * 0.1 - 1 * 0.2) / (2 * 0.5), then with half as large a change in the
    # second pixel
    energy = stein(observation, identity, probe, step=0.5)
    assert energy(torch.cat([x, moved])).item() == pytest.approx(0.125)
    moved[..., 1] = 0.1
    assert energy(torch.cat([x, moved])).item() == pytest.approx(0.125 + 0.2)


def test_absolute_error_by_hand():
    energy = absolute_error(torch.tensor([[[[0.0, 1.0], [0.5, 0.5]]]]), identity)
    assert energy(torch.tensor([[[[0.5, 1.0], [0.5, 0.0]]]])).item() == pytest.approx(1.0 / 4)


def test_shapes_that_would_be_stretched_are_refused():
    energy = squared_error(torch.zeros(1, 3, 2, 2), identity)
    with pytest.raises(BadInput, match=r"A\(x\) has shape \(1, 1, 2, 2\) and x0 \(1, 3, 2, 2\)"):
        energy(torch.zeros(1, 1, 2, 2))
