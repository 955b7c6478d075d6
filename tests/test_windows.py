import numpy as np
import pytest
import torch

from deep_image_prior.windows import (
    PANELS,
    WHOLE,
    Window,
    Windows,
    as_batch,
    blended,
    draw_windows,
    middle,
    sheet,
    side_by_side,
    tiles,
)

RNG = np.random.default_rng


def test_a_window_is_part_of_one_panel_and_every_pixel_is_in_some():
    generator = RNG(0)
    seen = torch.zeros(1, 1, 7, 3 * 9)
    for _ in range(2000):
        (window,) = draw_windows(generator, (7, 9), panels=3, side=5, count=1).parts
        window(seen).add_(1)
        assert window(seen).shape[-2:] == (5, 5)
        assert window.columns.start // 9 == (window.columns.stop - 1) // 9
    assert seen.min() > 0


def test_windows_are_of_as_many_panels_as_there_are():
    for seed in range(20):
        windows = draw_windows(RNG(seed), (7, 9), panels=3, side=5, count=4).parts
        panels = [window.columns.start // 9 for window in windows]
        assert sorted(set(panels)) == [0, 1, 2]
        assert len({(window.rows.start, window.columns.start) for window in windows}) > 1


def test_a_window_is_no_larger_than_its_panel():
    windows = draw_windows(RNG(0), (4, 30), panels=2, side=8, count=3)
    assert windows(torch.zeros(1, 1, 4, 60)).shape[-2:] == (4, 3 * 8)


def test_windows_side_by_side_and_as_a_batch():
    image = torch.rand(2, 3, 5, 8)
    windows = Windows((Window(slice(1, 3), slice(0, 2)), Window(slice(0, 2), slice(6, 8))))
    both = windows(image)
    assert both.equal(torch.cat([image[..., 1:3, :2], image[..., :2, 6:]], dim=-1))
    batch = as_batch(both, 2)
    assert batch.equal(torch.cat([image[..., 1:3, :2], image[..., :2, 6:]]))
    assert side_by_side(batch, 2).equal(both)


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


def test_tiles_are_about_equal_and_begin_on_the_grid():
    cores = [tile.core for tile in tiles((100, 250), side=90, margin=7, grid=10)]
    assert len(cores) == 2 * 3
    assert all(core.rows.start % 10 == core.columns.start % 10 == 0 for core in cores)
    widths = [core.columns.stop - core.columns.start for core in cores]
    assert max(widths) - min(widths) <= 2 * 10


def test_the_weights_of_tiles_add_up_to_one():
    every = tiles((50, 61), side=20, margin=8)
    total = torch.zeros(50, 61)
    for tile in every:
        assert tile.weights().min() > 0
        tile.around(total).add_(tile.weights())
    assert torch.allclose(total, torch.ones(50, 61))


def test_tiles_of_a_picture_blend_into_it():
    image = torch.rand(1, 3, 50, 61)
    every = tiles((50, 61), side=20, margin=8)
    assert torch.allclose(blended(every, [tile.around(image) for tile in every], (50, 61)), image)
    other = [tile.around(image) + k % 2 for k, tile in enumerate(every)]
    step = (blended(every, other, (50, 61)) - image).diff(dim=-1).abs().max()
    assert 0.05 < step < 0.1, "over 16 pixels, not at once"


def test_a_tile_of_an_enlarged_picture():
    tile = tiles((10, 12), side=6, margin=2)[1].enlarged(3)
    assert tile.core.columns == slice(18, 36)
    assert tile.around.columns == slice(12, 36)


def test_panels_of_a_sheet_begin_on_the_grid_and_lie_around_what_is_missing():
    image = torch.arange(1000.0).expand(1, 1, 700, 1000)
    firsts = sheet(image, 256)[0, 0, 0].unflatten(0, (PANELS, -1))[:, 0]
    assert (firsts % 16 == 0).all()
    holed = image.clone()
    holed[..., 300:310, 900:910] = torch.nan
    for panel in sheet(holed, 256).chunk(PANELS, dim=-1):
        assert panel.isnan().sum() == 100


@pytest.mark.parametrize(
    ("shape", "grid", "rows", "columns"),
    [
        ((1, 3, 9, 5), 1, (2, 6), (0, 4)),
        ((50, 90), 16, (16, 20), (32, 36)),
        ((3, 4), 1, (0, 3), (0, 4)),
    ],
)
def test_the_middle_begins_on_a_grid(shape, grid, rows, columns):
    part = middle(shape, 4, grid)
    seen = part(torch.arange(shape[-2] * shape[-1]).reshape(shape[-2:]))
    first, last = seen[0, 0].item(), seen[-1, -1].item()
    assert divmod(first, shape[-1]) == (rows[0], columns[0])
    assert divmod(last, shape[-1]) == (rows[1] - 1, columns[1] - 1)
