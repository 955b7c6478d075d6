import numpy as np
import pytest
import torch

from deep_image_prior import images

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("values", "black", "white", "clips"),
    [
        (np.array([3, 200], np.uint8), 0, 255, True),
        (np.array([3, 200], np.uint16), 0, 255, True),
        (np.array([3, 4095], np.uint16), 0, 4095, True),
        (np.array([3, 4096], np.uint16), 0, 2**14 - 1, True),
        (np.array([3, 65535], np.uint16), 0, 65535, True),
        (np.array([0.2, 0.9], np.float32), 0, 1, True),
        (np.array([-4.0, 1e4]), -4, 1e4, False),
        (np.array([-9, 1000], np.int16), -9, 1000, False),
        (np.array([False, True]), 0, 1, True),
    ],
)
def test_scale(values, black, white, clips):
    scale = images.scale_of(values)
    assert (scale.black, scale.white, scale.clips) == (black, white, clips)
    tensor = images.to_tensor(values[None], None, scale, torch.device("cpu"))
    assert tensor.shape == (1, 1, 1, 2)
    assert tensor.dtype == torch.float32
    back = images.from_tensor(tensor, None, scale)
    assert back.dtype == values.dtype
    np.testing.assert_allclose(back[0].astype(float), values.astype(float), rtol=1e-6)


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
    assert images.from_tensor(drawn, None, images.scale_of(np.array([0.0, 1.0]))).tolist() == [
        [0, 1, 0.5]
    ]
    open_ended = images.from_tensor(drawn, None, images.scale_of(np.array([-2.0, 8.0])))
    np.testing.assert_allclose(open_ended, [[-3, 9, 3]], rtol=1e-6)
