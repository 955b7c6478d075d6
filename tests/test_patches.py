import torch

from deep_image_prior.patches import dct_basis, patches


def test_cosines_are_orthonormal_and_the_first_is_constant():
    basis = dct_basis(8)
    torch.testing.assert_close(basis @ basis.T, torch.eye(64), atol=1e-5, rtol=0)
    torch.testing.assert_close(basis[0], torch.full((64,), 1 / 8))


def test_patches_by_hand():
    image = torch.arange(12.0).reshape(1, 1, 3, 4)
    assert patches(image, 2, step=2).tolist() == [[[0, 1, 4, 5], [2, 3, 6, 7]]]
