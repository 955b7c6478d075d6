import pytest
import torch
from helpers import photograph

from deep_image_prior import parallel
from deep_image_prior.colour import from_opponent, to_opponent
from deep_image_prior.denoisers import TILE_GRID, White, dct_denoise, nonlocal_bayes, nonlocal_ridge
from deep_image_prior.denoisers.groups import Groups
from deep_image_prior.denoisers.nonlocal_bayes import CAUTION, OF_BESIDE, groups_of
from deep_image_prior.denoisers.whitening import whitening
from deep_image_prior.padding import pad_reflect

CLEAN = torch.from_numpy(photograph(64)).float().permute(2, 0, 1)[None]
SIGMA = 0.1
NOISY = CLEAN + SIGMA * torch.randn(CLEAN.shape, generator=torch.Generator().manual_seed(0))


def error(image: torch.Tensor, truth: torch.Tensor = CLEAN) -> float:
    return (image - truth).square().mean().item()


@pytest.mark.parametrize("larger", [False, True])
def test_it_is_far_nearer_than_the_observation(larger):
    pilot = dct_denoise(NOISY, White(SIGMA))
    assert error(nonlocal_bayes(NOISY, pilot, White(SIGMA), larger)) < error(NOISY) / 6


@pytest.mark.parametrize("shape", [(1, 1, 2, 2), (1, 3, 2, 50), (1, 2, 17, 5), (1, 4, 33, 31)])
def test_any_size_and_any_channels(shape):
    noisy = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    image = nonlocal_bayes(noisy, noisy, White(0.1))
    assert image.shape == shape
    assert torch.isfinite(image).all()


def test_constants_stay():
    flat = torch.full((1, 3, 30, 20), 0.3)
    flat[..., 10:] = 0.7
    torch.testing.assert_close(nonlocal_bayes(flat, flat, White(0.01)), flat, atol=2e-3, rtol=0)


def one_group_after_the_other(noisy, pilot, size, count, beside=None):
    """Non-local Bayes as it is defined, in double precision."""
    channels = noisy.shape[1]
    variances = torch.full((channels,), (CAUTION * SIGMA) ** 2)
    if beside is not None:
        noisy, pilot = (
            torch.cat([to_opponent(each), to_opponent(beside)], dim=1) for each in (noisy, pilot)
        )
        weak = torch.full((beside.shape[1],), (OF_BESIDE * CAUTION * SIGMA) ** 2)
        variances = torch.cat([variances, weak])
    power = size**2 * channels * SIGMA**2
    margin = 10 + size - 1
    guide, image = (
        pad_reflect(to_opponent(each.double()), (margin, margin))[0] for each in (pilot, noisy)
    )
    total, times = torch.zeros_like(image), torch.zeros_like(image)
    rows, columns = image.shape[1:]

    def patch(values, top, left):
        return values[:, top : top + size, left : left + size]

    for top in range(10, rows - 10 - size + 1, size):
        for left in range(10, columns - 10 - size + 1, size):
            near = [(top + i, left + j) for i in range(-10, 11) for j in range(-10, 11)]
            candidates = torch.stack([patch(guide, *at).flatten() for at in near])
            distance = (candidates - patch(guide, top, left).flatten()).square().sum(dim=1)
            # over the rim
            over = [
                not margin <= at <= length - margin - size
                for place in near
                for at, length in zip(place, (rows, columns), strict=True)
            ]
            distance += 0.2 * power * torch.tensor(over).unflatten(0, (-1, 2)).any(dim=1)
            distance[len(near) // 2] = -1  # its own
            group = distance.sort().indices[:count]
            pilots, observed = (
                torch.stack([patch(each, *near[k]).flatten() for k in group])
                for each in (guide, image)
            )
            spread = torch.cov(pilots.T)
            both = spread + torch.diag(variances.repeat_interleave(size**2)).double()
            mean = pilots.mean(dim=0)
            drawn = mean + (observed - mean) @ torch.linalg.solve(both, spread)
            for k, values in zip(group, drawn, strict=True):
                patch(total, *near[k]).add_(values.reshape(-1, size, size))
                patch(times, *near[k]).add_(1)
    clean = (total / times.clamp_min(1))[:channels, margin:-margin, margin:-margin]
    return from_opponent(clean.float()[None])


@pytest.mark.parametrize(
    ("channels", "larger", "size", "count"),
    [(1, False, 5, 40), (3, False, 3, 40), (1, True, 8, 80), (3, True, 5, 80)],
)
def test_it_is_what_one_group_after_the_other_gives(channels, larger, size, count):
    # more than one tile to a side
    noisy, clean = NOISY[:, :channels, :31, :61], CLEAN[:, :channels, :31, :61]
    pilot = 0.9 * clean + 0.1 * noisy
    expected = one_group_after_the_other(noisy, pilot, size, count)
    image = nonlocal_bayes(noisy, pilot, White(SIGMA), larger)
    # but for a few groups where rounding decides between patches that are as near
    assert error(image, expected) < 1e-8


@pytest.mark.parametrize(("channels", "more", "size"), [(3, 3, 3), (3, 1, 3), (1, 3, 5)])
def test_with_a_picture_beside_it_is_what_one_group_after_the_other_gives(channels, more, size):
    noisy, clean = NOISY[:, :channels, :31, :61], CLEAN[:, :channels, :31, :61]
    pilot, beside = 0.9 * clean + 0.1 * noisy, 1 - 0.8 * CLEAN[:, :more, :31, :61] ** 2
    expected = one_group_after_the_other(noisy, pilot, size, 80, beside)
    image = nonlocal_bayes(noisy, pilot, White(SIGMA), beside=beside)
    assert error(image, expected) < 1e-8


def test_a_picture_beside_helps_with_what_both_show_and_nothing_else_is_taken_from_it():
    pilot = dct_denoise(NOISY, White(SIGMA))
    alone = nonlocal_bayes(NOISY, pilot, White(SIGMA))
    flash = (1.5 * CLEAN**1.2).clamp(0, 1)
    flash[..., 20:44, 20:44] *= 0.3  # a shadow
    helped = nonlocal_bayes(NOISY, pilot, White(SIGMA), beside=flash)
    assert error(helped) < 0.85 * error(alone)
    edge = (..., slice(16, 48), slice(16, 48))
    assert error(helped[edge], CLEAN[edge]) < error(alone[edge], CLEAN[edge])


@pytest.mark.parametrize(("channels", "larger"), [(1, 0), (3, 0), (1, 1), (3, 1), (3, 2)])
def test_several_tiles_at_a_time_give_what_one_at_a_time_gives(monkeypatch, channels, larger):
    # tiles of four sizes
    noisy, pilot = (each[:, :channels, :, :57].repeat(1, 1, 2, 2) for each in (NOISY, CLEAN))
    expected = nonlocal_bayes(noisy, pilot, White(SIGMA), larger)
    monkeypatch.setattr(parallel, "CACHE", 2**26)
    image = nonlocal_bayes(noisy, pilot, White(SIGMA), larger)
    assert error(image, expected) < 1e-8


def test_processors_take_one_tile_at_a_time_and_graphics_cards_many():
    for channels, larger in ((1, 0), (1, 2), (3, 0), (3, 2)):
        groups = groups_of(channels, larger, beside=False)
        assert groups.at_a_time(channels, torch.device("cpu")) == 1
        assert groups.at_a_time(channels, torch.device("cuda")) > 20


def test_nothing_waits_for_another_device():
    """Where there are no numbers nothing can be asked of them, or moved elsewhere."""
    noisy = torch.empty(1, 3, 190, 130, device="meta")
    assert nonlocal_bayes(noisy, noisy).shape == noisy.shape


@pytest.mark.parametrize("step", [3, 4, 5, 8, 10])
def test_tiles_lie_alike_in_all_that_begins_on_their_grid(step):
    groups = Groups(step, step, 20, 10)
    along = groups.step * groups._references
    assert 20 <= along <= 40
    assert TILE_GRID % along == 0


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sigma", [1e-2, 1e-4, 1e-6, 1e-8, 0])
@pytest.mark.parametrize("denoise", [nonlocal_bayes, nonlocal_ridge])
def test_what_repeats_without_noise_stays(denoise, sigma, channels):
    """All patches of a group lie on a line, and their covariance is lost to rounding."""
    ramp = (torch.arange(64.0) / 64).expand(1, channels, 64, 64)
    stripes = (torch.arange(64.0) % 4 / 4).expand(1, channels, 64, 64)
    for picture in (ramp, stripes):
        image = denoise(picture, picture, White(sigma))
        torch.testing.assert_close(image, picture, atol=1e-3 + sigma, rtol=0)


def test_whitening_leaves_what_it_is_given():
    matrix = torch.eye(3)[None]
    whitening(matrix, 1)
    assert torch.equal(matrix[0], torch.eye(3))


def test_whitening_of_noise_that_is_all_long_waves():
    at = torch.arange(60.0)
    waves = torch.exp(-(at - at[:, None]).square() / 8) + 1e-5 * torch.eye(60)
    white = whitening(waves[None], 16)[0]
    assert torch.equal(white, white.tril())
    rounding = 8 * torch.finfo(waves.dtype).eps * waves.trace() * torch.eye(60)
    exact = torch.linalg.inv(torch.linalg.cholesky((waves + rounding).double()))
    assert (white - exact).norm() < 1e-2 * exact.norm()
