import pytest
import torch
from helpers import photograph, tensor

from deep_image_prior.degradations import Blurring, Noise, kernels

X = tensor(photograph(40)).double()
KERNEL = kernels.named("motion:5@20").double()
SIGMA = 2 / 255


def observed():
    blurring = Blurring(KERNEL, Noise(SIGMA))
    return blurring, blurring.draw(X, torch.Generator().manual_seed(0))


def test_draws_are_the_blurred_image_with_its_noise():
    blurring, x0 = observed()
    noise = x0 - blurring.operator(X)
    assert noise.std().item() == pytest.approx(SIGMA, rel=0.05)
    assert blurring.deviation(x0) == pytest.approx(SIGMA, rel=0.05)
    assert Blurring(KERNEL, Noise(0)).deviation(x0) == pytest.approx(0.3 / 255)
    assert blurring.extended(x0).shape == X.shape
    assert torch.equal(blurring.operator.inside(blurring.extended(x0)), x0)


@pytest.mark.parametrize("weight", [1e-3, 0.1, 10])
def test_the_nearest_image_has_no_gradient_left(weight):
    blurring, x0 = observed()
    v = blurring.extended(x0)

    def energy(x):
        fit = (blurring.operator(x) - x0).square().sum()
        return fit + weight * (x - v).square().sum()

    gradient = torch.func.grad(energy)
    start, end = (gradient(x).norm() for x in (v, blurring.nearest(v, x0, weight)))
    assert end < 0.01 * start


def test_the_nearest_image_to_the_truth_is_the_truth():
    blurring, _ = observed()
    exact = blurring.operator(X)
    torch.testing.assert_close(blurring.nearest(X, exact, 0.01), X)
