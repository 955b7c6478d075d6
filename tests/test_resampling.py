import pytest
import torch

from deep_image_prior.resampling import correlate, gaussian, lanczos


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
