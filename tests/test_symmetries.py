import numpy as np
import pytest
import torch

from deep_image_prior.symmetries import Symmetry, draw_symmetry


@pytest.mark.parametrize("turn", range(8))
def test_a_symmetry_has_an_inverse_and_is_unlike_the_others(turn):
    image = torch.arange(2 * 3 * 4.0).reshape(1, 2, 3, 4)
    g = Symmetry(turn, shift=((1, 2), (0, 1)))
    assert g(image).shape[-2:] == ((5, 6) if turn & 4 else (6, 5))
    assert torch.equal(g.inverse(g(image)), image)
    others = [Symmetry(other)(image) for other in range(8) if other != turn]
    assert not any(torch.equal(Symmetry(turn)(image), other) for other in others)


@pytest.mark.parametrize("size", [(4, 6), (3, 5), (4, 5)])
def test_shifts_bring_every_pixel_to_every_place_of_a_grid(size):
    def grid(image):
        height, width = image.shape[-2:]
        return image + torch.eye(4).repeat(height, width)[:height, :width]

    image, generator = torch.zeros(1, 1, *size), np.random.default_rng(0)
    symmetries = [draw_symmetry(generator, turns=8, shifts=4) for _ in range(4000)]
    seen = torch.stack([g.inverse(grid(g(image))) for g in symmetries]).mean(dim=0)
    torch.testing.assert_close(seen, torch.full_like(image, 0.25), atol=0.05, rtol=0)
