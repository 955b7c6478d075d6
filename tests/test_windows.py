import numpy as np
import torch

from deep_image_prior.windows import WHOLE, Window, draw_window, tiles

RNG = np.random.default_rng


def test_a_window_is_part_of_one_panel_and_every_pixel_is_in_some():
    generator = RNG(0)
    seen = torch.zeros(1, 1, 7, 3 * 9)
    for _ in range(2000):
        window = draw_window(generator, (7, 9), panels=3, side=5)
        window(seen).add_(1)
        assert window(seen).shape[-2:] == (5, 5)
        assert window.columns.start // 9 == (window.columns.stop - 1) // 9
    assert seen.min() > 0


def test_a_window_is_no_larger_than_its_panel():
    window = draw_window(RNG(0), (4, 30), panels=2, side=8)
    assert window(torch.zeros(1, 1, 4, 60)).shape[-2:] == (4, 8)


def test_the_whole_is_a_window():
    image = torch.rand(1, 3, 5, 4)
    assert WHOLE(image).equal(image)
    assert Window(slice(1, 3), slice(0, 2))(image).equal(image[..., 1:3, :2])


def test_the_cores_of_tiles_make_up_the_picture_and_know_what_is_around_them():
    image = torch.rand(1, 2, 23, 31)
    copy, times = torch.zeros_like(image), torch.zeros_like(image)
    for tile in tiles((23, 31), side=10, margin=4):
        tile.core(copy).copy_(tile.inside(tile.around(image)))
        tile.core(times).add_(1)
        rows, columns = tile.around.rows, tile.around.columns
        assert rows.start == max(tile.core.rows.start - 4, 0)
        assert rows.stop == min(tile.core.rows.stop + 4, 23)
        assert columns.start == max(tile.core.columns.start - 4, 0)
        assert columns.stop == min(tile.core.columns.stop + 4, 31)
    assert copy.equal(image)
    assert times.eq(1).all()
