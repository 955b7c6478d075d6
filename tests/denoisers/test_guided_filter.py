import torch
from helpers import photograph, tensor

from deep_image_prior.denoisers import guided_filter
from deep_image_prior.denoisers.guided_filter import RADIUS, windowed

GUIDE = tensor(photograph(40))
GENERATOR = torch.Generator().manual_seed(0)


def weak(variance):
    return torch.full((1, 1, 40, 40), variance)


def test_a_linear_function_of_the_guide_is_kept():
    image = torch.einsum("dc,bchw->bdhw", torch.rand(2, 3, generator=GENERATOR), GUIDE) + 0.1
    torch.testing.assert_close(guided_filter(image, GUIDE, weak(1e-6)), image, atol=2e-3, rtol=0)


def test_what_the_guide_does_not_show_is_a_mean():
    image = torch.rand(1, 1, 40, 40, generator=GENERATOR)
    flat = torch.full_like(GUIDE, 0.5)
    expected = windowed(windowed(image))
    torch.testing.assert_close(guided_filter(image, flat, weak(1e-4)), expected)
    torch.testing.assert_close(guided_filter(image, GUIDE, weak(1e6)), expected, atol=1e-3, rtol=0)


def test_a_window_is_fitted_as_by_least_squares():
    """Of the slopes and offsets of every window, those of the pixel's windows in the mean."""
    image = torch.rand(1, 1, 40, 40, generator=GENERATOR, dtype=torch.float64)
    guide = GUIDE[:, :2].double()
    side, total = 2 * RADIUS + 1, 0.0
    for top in range(15 - RADIUS, 15 + RADIUS + 1):
        for left in range(20 - RADIUS, 20 + RADIUS + 1):
            rows, columns = (slice(n - RADIUS, n + RADIUS + 1) for n in (top, left))
            g = guide[0, :, rows, columns].flatten(1)
            y = image[0, 0, rows, columns].flatten()
            centred = g - g.mean(dim=1, keepdim=True)
            ridge = 0.01 * side**2 * torch.eye(2).double()
            slopes = torch.linalg.solve(centred @ centred.T + ridge, centred @ (y - y.mean()))
            total += y.mean() + (guide[0, :, 15, 20] - g.mean(dim=1)) @ slopes
    drawn = guided_filter(image, guide, weak(0.01).double())
    torch.testing.assert_close(drawn[0, 0, 15, 20], total / side**2)
