from functools import partial

import torch

from deep_image_prior import memory
from deep_image_prior.networks import Hourglass


def test_estimate_counts_what_backward_needs():
    def network():
        return torch.nn.Sequential(torch.nn.Conv2d(1, 10, 1, bias=False), torch.nn.Sigmoid())

    # saved: z (100 values), the weights (10) and the sigmoid (1000); kept beside them: z, x and 7
    # copies of the weights
    expected = 4 * (memory.WORKING * (100 + 10 + 1000) + 4 * 100 + 4 * 1000 + 7 * 10)
    assert memory.needed(network, (1, 1, 10, 10)) == int(expected)


def test_estimate_grows_with_pixels_without_taking_memory():
    paper = partial(Hourglass, 32, 3)
    small, large = (memory.needed(paper, (1, 32, side, side)) for side in (256, 4096))
    assert 200 * small < large < 256 * small
    assert large > 2**36


def test_free_memory_is_positive():
    assert memory.free(torch.device("cpu")) > 0
