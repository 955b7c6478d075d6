import pytest
import torch

from deep_image_prior.resampling import correlate, doubled, gaussian, halved, lanczos


def test_taps_sum_to_one_and_are_symmetric():
    for taps in (gaussian(0.5), gaussian(3), lanczos(2, 2), lanczos(3, 2), lanczos(8, 3)):
        assert taps.sum().item() == pytest.approx(1)
        torch.testing.assert_close(taps, taps.flip(0))


def test_lanczos_has_the_papers_width():
    assert [len(lanczos(factor, 2)) for factor in (2, 3, 4, 8)] == [8, 11, 16, 32]


def test_gaussian_by_hand():
    half, whole = torch.exp(torch.tensor([-0.5, -2.0])).tolist()
    torch.testing.assert_close(gaussian(1)[2:5] / gaussian(1)[3], torch.tensor([half, 1, half]))
    torch.testing.assert_close(gaussian(1)[1] / gaussian(1)[3], torch.tensor(whole))


def test_correlate_replicates_edges_and_keeps_channels_apart():
    image = torch.tensor([[[[1.0, 2.0, 4.0]], [[0.0, 0.0, 8.0]]]])
    box = torch.full((1, 3), 1 / 3)
    expected = torch.tensor([[[[4 / 3, 7 / 3, 10 / 3]], [[0, 8 / 3, 16 / 3]]]])
    torch.testing.assert_close(correlate(image, box), expected)


def test_half_the_resolution_and_twice_keep_long_waves_in_their_place():
    rows, columns = torch.meshgrid(torch.arange(81.0), torch.arange(120.0), indexing="ij")
    waves = torch.stack([torch.cos(rows / 9), torch.sin(columns / 11)])[None]
    half = halved(waves)
    assert half.shape == (1, 2, 41, 60)
    # a pixel of it lies in the middle of four
    expected = torch.cos((rows[:41, :60] * 2 + 0.5) / 9)
    torch.testing.assert_close(half[0, 0, 2:-2], expected[2:-2], atol=2e-3, rtol=0)
    back = doubled(half, waves.shape[-2:])
    torch.testing.assert_close(back[..., 8:-8, 8:-8], waves[..., 8:-8, 8:-8], atol=1e-2, rtol=0)


def test_the_transpose_of_half_the_resolution_is_a_fourth_of_twice():
    generator = torch.manual_seed(0)
    x = torch.zeros(1, 1, 64, 64)
    x[..., 16:48, 16:48] = torch.randn((32, 32), generator=generator)
    y = torch.zeros(1, 1, 32, 32)
    y[..., 8:24, 8:24] = torch.randn((16, 16), generator=generator)
    inside = (halved(x) * y).sum()
    torch.testing.assert_close(inside, (x * doubled(y, (64, 64))).sum() / 4, atol=1e-4, rtol=0)
