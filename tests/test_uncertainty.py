import math

import pytest
import torch

from deep_image_prior.uncertainty import ErrorModel, mean_spread, most_likely, spread

GENERATOR = torch.Generator().manual_seed(0)


def test_the_spread_is_the_mean_distance_to_the_images_of_the_code_squared():
    x = torch.full((1, 3, 8, 9), 0.5)
    code = torch.cat([x + 0.1, x - 0.3], dim=1)
    torch.testing.assert_close(spread(x, code), torch.full((1, 1, 8, 9), 0.04))
    colour = torch.cat([x, x], dim=1)
    colour[:, 0] += 0.6  # one of six planes
    torch.testing.assert_close(spread(x, colour), torch.full((1, 1, 8, 9), 0.01))


def test_a_difference_is_spread_over_the_pixels_around():
    x = torch.zeros(1, 1, 21, 21)
    code = x.clone()
    code[..., 10, 10] = 1
    taps = [math.exp(-0.5 * (t / 1.5) ** 2) for t in range(-5, 6)]
    peak = (1 / sum(taps)) ** 2
    assert spread(x, code)[0, 0, 10, 10].item() == pytest.approx(peak**2)
    assert spread(x, code)[0, 0, 10, 17] == 0


def test_known_values_do_not_count():
    x, missing = torch.zeros(1, 2, 12, 12), torch.zeros(1, 1, 12, 12)
    missing[..., ::4, ::4] = 1
    s = spread(x, x + 0.2 * missing, missing)
    torch.testing.assert_close(s, torch.full((1, 1, 12, 12), 0.04))
    apart = torch.cat([missing, torch.zeros_like(missing)], dim=1)  # of one channel only
    torch.testing.assert_close(spread(x, x + 0.2 * apart, apart), s)
    nothing = spread(x, x, torch.zeros_like(missing))
    assert nothing.eq(0).all()


def test_the_middle_of_a_larger_code_counts():
    code = torch.zeros(1, 1, 12, 14)
    code[..., 2:10, 2:12] = 0.1
    torch.testing.assert_close(
        spread(torch.zeros(1, 1, 8, 10), code), torch.full((1, 1, 8, 10), 0.01)
    )


@pytest.mark.parametrize("share", [0.0, 0.4, 0.9])
def test_the_most_likely_model_is_the_one_that_the_errors_were_drawn_by(share):
    s = torch.rand(1, 1, 100, 100, generator=GENERATOR).square()
    variance = ErrorModel(0.03, share).variance(s, s.mean().item())
    square = variance * torch.randn(1, 3, 100, 100, generator=GENERATOR).square()
    found = most_likely([s], [square])
    assert found.error == pytest.approx(0.03, rel=0.03)
    assert found.share == pytest.approx(share, abs=0.06)
    # estimates without bias do as well, and what is not known does not count
    noise = 0.02 * torch.randn(square.shape, generator=GENERATOR)
    holes = (square + noise).where(torch.rand(s.shape, generator=GENERATOR) < 0.8, torch.nan)
    again = most_likely([s[..., :50], s[..., 50:]], [holes[..., :50], holes[..., 50:]])
    assert again.error == pytest.approx(0.03, rel=0.05)
    assert again.share == pytest.approx(share, abs=0.15)


def test_the_error_is_shared_out():
    s = torch.rand(1, 1, 20, 20, generator=GENERATOR)
    missing = (torch.rand(1, 1, 20, 20, generator=GENERATOR) < 0.5).float()
    mean = mean_spread(s, missing)
    assert mean == pytest.approx(s[missing > 0].mean().item(), rel=1e-5)
    variance = ErrorModel(0.02, 0.7).variance(s, mean)
    assert variance[missing > 0].mean().item() == pytest.approx(0.02, rel=1e-5)
    assert variance.min() > 0.02 * 0.3 - 1e-9


def test_estimates_that_are_all_alike_or_errors_below_none_are_no_reason_to_divide_by_zero():
    zero = torch.zeros(1, 1, 8, 8)
    model = most_likely([zero], [zero - 1])
    assert model.error == pytest.approx((1 / 255) ** 2 / 12)
    variance = model.variance(zero, mean_spread(zero, zero))
    assert (variance > 0).all()
    assert variance.isfinite().all()
