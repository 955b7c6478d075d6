import numpy as np

from deep_image_prior.panels import GAP, LINE, Tile, panel


def test_tiles_stand_in_rows_under_their_captions():
    tiles = [Tile(("a", ""), np.full((40, 60, 3), value, np.uint8)) for value in (10, 20, 30)]
    image = panel(tiles, columns=2)
    assert image.shape == (2 * (2 * LINE + 40 + GAP), 2 * (60 + GAP) + GAP, 3)
    for k, value in enumerate((10, 20, 30)):
        row, column = divmod(k, 2)
        top, left = row * (2 * LINE + 40 + GAP) + 2 * LINE, GAP + column * (60 + GAP)
        assert (image[top : top + 40, left : left + 60] == value).all()


def test_captions_have_room():
    black = np.zeros((16, 16, 3), np.uint8)
    one, two = (panel([Tile((caption,), black)] * 2, 2) for caption in ("long " * 9, "long " * 18))
    assert two.shape[1] > 1.8 * one.shape[1]
    assert (one[:LINE, -GAP:] == 255).all(), "not cut by the edge"
