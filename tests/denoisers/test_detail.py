import pytest
import torch
from helpers import photograph, tensor

from deep_image_prior.degradations import Noise
from deep_image_prior.denoisers import boosted, coarse, detail
from deep_image_prior.denoisers.detail import local_range


def step(height, side=48):
    """Half dark, half light by `height`, with the slope of a lens between."""
    ramp = torch.sigmoid((torch.arange(side) - side / 2) / 0.7)
    return (0.5 + height * (ramp - 0.5)).expand(1, 3, side, side).contiguous()


def ripples(contrast, side=48):
    rows = torch.arange(side)
    return (0.5 + contrast * torch.cos(rows * torch.pi / 2)).expand(1, 3, side, side).contiguous()


def left(contrast, variance=None):
    """The share of ripples of that contrast that the coarse image keeps."""
    x = ripples(contrast)
    return (coarse(x, variance) - 0.5)[..., 8:-8].std() / (x - 0.5).std()


def test_faint_texture_is_detail_and_strong_texture_is_not():
    assert left(0.04) < 0.01
    assert 0.4 < left(0.1) < 0.65
    assert left(0.4) > 0.98


@pytest.mark.parametrize(("times", "kept"), [(0.1, 0.01), (1, 0.4), (2, 0.93), (10, 0.99)])
def test_texture_that_may_be_what_is_left_of_noise_is_not_detail(times, kept):
    power = 0.04**2 / 2  # the mean square of the ripples, which is a fifth of the noise's

    def variance(x):
        assert x.shape[1] == 3
        return torch.full_like(x, 5 * times * power)

    # around a pixel there are four or five of nine crests
    assert left(0.04, variance) == pytest.approx(kept, abs=0.03)


@pytest.mark.parametrize("height", [0.2, 0.4, 0.8])
def test_a_strong_edge_is_kept_and_has_no_halo(height):
    x = step(height)
    boosted = x + 2 * (x - coarse(x))
    beyond = (boosted - x.max()).clamp_min(0) + (x.min() - boosted).clamp_min(0)
    assert beyond.max() < 0.012 + 0.02 * height


def test_texture_beside_a_strong_edge_counts_less_than_elsewhere():
    x = ripples(0.03).transpose(2, 3) * 1.0
    edged = x + 0.8 * (step(1.0) - 0.5)
    with_edge, without = (each - coarse(each) for each in (edged.clamp(0, 1), x))
    beside = (..., slice(20, 28))
    assert with_edge[beside].std() < 0.6 * without[beside].std()
    far = (..., slice(2, 10))
    torch.testing.assert_close(with_edge[far], without[far], atol=0.012, rtol=0)


def test_the_colour_of_an_area_is_not_detail():
    x = torch.tensor([0.9, 0.3, 0.1])[None, :, None, None].repeat(1, 1, 40, 40)
    torch.testing.assert_close(coarse(x), x, atol=1e-5, rtol=0)
    x = x + ripples(0.02, 40) - 0.5
    detail = (x - coarse(x))[..., 8:-8, 8:-8].unfold(2, 8, 8).unfold(3, 8, 8)
    assert detail.mean(dim=(4, 5)).abs().max() < 2e-3


def test_the_range_is_that_of_the_channel_with_most():
    x = torch.zeros(1, 2, 30, 30)
    x[:, 0, 15, 15], x[:, 1, 15, 15] = 0.3, -0.5
    assert local_range(x)[0, 0, 15, 15] == pytest.approx(0.5, abs=1e-6)
    assert local_range(x)[0, 0, 15, 15 + detail.REACH] < 0.5
    assert local_range(x)[0, 0, 15, 15 + 2 * detail.REACH + 1] == 0


def test_tiles_change_nothing(monkeypatch):
    x = tensor(photograph(130))[..., :40]
    noise = Noise(0.05, clipped=False)
    whole = coarse(x, noise.variance)
    monkeypatch.setattr(detail, "SIDE", 120)
    torch.testing.assert_close(coarse(x, noise.variance), whole, atol=1e-6, rtol=0)


def grain(seed, side=48):
    return 0.05 * torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("contrast", "taken_out"),
    [(0.01, 2), (0.041, 1), (0.2, 0)],
    ids=["faint", "middling", "strong"],
)
def test_noise_is_taken_out_for_that_which_the_boost_adds(contrast, taken_out):
    """Twice as much, but where texture hides it: half of that where its mean square is half of the
    noise's.
    """
    x_c, noise = torch.full((1, 3, 48, 48), 0.5), grain(0)
    texture = contrast * torch.cos(torch.arange(48) * torch.pi / 2).expand(1, 3, 48, 48)
    x = x_c + noise / 6 + texture
    made = boosted(x + 5 * noise / 6, x, x_c, 1.0)
    both = torch.stack([noise.flatten(), texture.flatten()], dim=1)
    of_noise, of_texture = torch.linalg.lstsq(both, (made - 0.5).flatten()).solution
    assert of_noise == pytest.approx(1 + 1 / 6 - taken_out / 6, abs=0.03)
    assert of_texture == pytest.approx(2, abs=0.05)


def test_of_much_noise_in_the_detail_no_more_is_taken_out_than_there_is():
    x_c, noise = torch.full((1, 3, 48, 48), 0.5), grain(0)
    x = x_c + noise / 2
    made = boosted(x + noise / 2, x, x_c, 5.0)
    torch.testing.assert_close(made, (x + 5 * (x - x_c)).clamp(0, 1))


def test_detail_that_goes_against_the_noise_or_has_none_is_only_boosted():
    x_c, noise = torch.full((1, 3, 48, 48), 0.5), grain(0)
    x = x_c - noise / 4
    for image in (x + noise, x):
        torch.testing.assert_close(boosted(image.clone(), x, x_c, 2.0), image + 2 * (x - x_c))


def test_a_boost_in_tiles_is_that_of_the_whole(monkeypatch):
    x, noise = tensor(photograph(96)), grain(1, 96)
    x_c = coarse(x)
    whole = boosted(x + noise, x, x_c, 2.0)
    monkeypatch.setattr(detail, "SIDE", 40)
    torch.testing.assert_close(boosted(x + noise, x, x_c, 2.0), whole)


def test_what_is_kept_of_the_noise_counts():
    """A sixth of the noise is in the detail: twice that is taken out of what is kept of it."""
    x_c, noise = torch.full((1, 3, 48, 48), 0.5), grain(0)
    x = x_c + noise / 6
    half = boosted(x + 0.5 * noise, x, x_c, 1.0, kept=0.5)
    torch.testing.assert_close(half, x_c + (2 / 6 + 0.5 - 2 / 6) * noise, atol=0.01, rtol=0)
    none = boosted(x.clone(), x, x_c, 1.0, kept=0.0)
    torch.testing.assert_close(none, x_c + 2 / 6 * noise)
