import numpy as np
import pytest
import torch

from deep_image_prior import images

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("values", "black", "white", "one"),
    [
        (np.array([3, 200], np.uint8), 0, 255, 255),
        (np.array([3, 200], np.uint16), 0, 255, 255),
        (np.array([3, 4095], np.uint16), 0, 4095, 4095),
        (np.array([3, 4096], np.uint16), 0, 2**14 - 1, 2**14 - 1),
        (np.array([3, 65535], np.uint16), 0, 65535, 65535),
        (np.array([0.25, 0.75], np.float32), 0.25, 0.75, 1),
        (np.array([0, 1e-4]), 0, 1e-4, 1),
        (np.array([-4.0, 1e4]), -4, 1e4, None),
        (np.array([-9, 1000], np.int16), -9, 1000, None),
        (np.array([False, True]), 0, 1, 1),
    ],
)
def test_scale(values, black, white, one):
    scale = images.scale_of(values)
    assert (scale.black, scale.white, scale.one) == (black, white, one)
    assert scale.span == (white - black) / (one or 1)
    tensor = images.to_tensor(values[None], None, scale, torch.device("cpu"))
    assert tensor.shape == (1, 1, 1, 2)
    assert tensor.dtype == torch.float32
    back = images.from_tensor(tensor, None, scale)
    assert back.dtype == values.dtype
    np.testing.assert_allclose(back[0].astype(float), values.astype(float), rtol=1e-6)


@pytest.mark.parametrize("unit", [1e-5, 1, 300.0])
def test_values_that_many_pixels_share_at_an_end_were_clipped_there(unit):
    values = unit * RANDOM.normal(0.5, 0.2, (64, 64))
    assert not images.scale_of(values).clips
    assert images.scale_of(values.clip(0.1 * unit)).clips
    assert images.scale_of(values.clip(None, 0.9 * unit)).clips
    at_white = np.where(np.arange(64 * 64).reshape(64, 64) < 4, 2 * unit, values)
    assert not images.scale_of(at_white).clips, "four of 4096 may be chance"
    assert not images.scale_of(unit * np.arange(6.0).reshape(2, 3)).clips


def test_channel_axis_moves_there_and_back():
    pixels = RANDOM.integers(0, 255, (5, 7, 3), np.uint8)
    for axis in (0, -1):
        moved = np.moveaxis(pixels, -1, axis)
        scale = images.scale_of(moved)
        tensor = images.to_tensor(moved, axis, scale, torch.device("cpu"))
        assert tensor.shape == (1, 3, 5, 7)
        np.testing.assert_array_equal(images.from_tensor(tensor, axis, scale), moved)


def test_integers_are_clipped_not_wrapped():
    scale = images.scale_of(np.array([[0, 255]], np.uint8))
    assert images.from_tensor(torch.tensor([[[[-0.1, 1.1, 0.5]]]]), None, scale).tolist() == [
        [0, 255, 128]
    ]


def test_floats_end_at_black_and_white_where_there_are_any():
    drawn = torch.tensor([[[[-0.1, 1.1, 0.5]]]])
    clipped = np.array([0.0, 0.0, 1.0])
    assert images.from_tensor(drawn, None, images.scale_of(clipped)).tolist() == [[0, 1, 0.5]]
    open_ended = images.from_tensor(drawn, None, images.scale_of(np.array([-2.0, 8.0])))
    np.testing.assert_allclose(open_ended, [[-3, 9, 3]], rtol=1e-6)
