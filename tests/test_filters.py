import pytest
import torch

from deep_image_prior.filters import (
    correlate,
    cosines,
    extended,
    gaussian,
    lanczos,
    mirrored,
    patches,
)


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


def test_cosines_are_orthonormal_and_the_first_is_constant():
    basis = cosines(8)
    torch.testing.assert_close(basis @ basis.T, torch.eye(64), atol=1e-5, rtol=0)
    torch.testing.assert_close(basis[0], torch.full((64,), 1 / 8))


def test_patches_by_hand():
    image = torch.arange(12.0).reshape(1, 1, 3, 4)
    assert patches(image, 2, step=2).tolist() == [[[0, 1, 4, 5], [2, 3, 6, 7]]]


def test_images_go_on_by_reflection_as_often_as_needed():
    assert mirrored(3, 3, 3).tolist() == [1, 2, 1, 0, 1, 2, 1, 0, 1]
    grown = extended(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), (1, 1))
    assert grown[0, 0].tolist() == [[4, 3, 4, 3], [2, 1, 2, 1], [4, 3, 4, 3], [2, 1, 2, 1]]
