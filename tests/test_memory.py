import gc
from dataclasses import replace
from functools import partial

import pytest
import torch
from helpers import tiny

from deep_image_prior import BadInput, Settings, memory
from deep_image_prior.degradations import Noise
from deep_image_prior.energies import squared_error
from deep_image_prior.memory import Memory
from deep_image_prior.networks import Hourglass
from deep_image_prior.objectives import Observed, Sure
from deep_image_prior.operators import identity


def test_estimate_counts_what_backward_needs():
    def network():
        return torch.nn.Sequential(torch.nn.Conv2d(1, 10, 1, bias=False), torch.nn.Sigmoid())

    # saved: z (100 values), the weights (10) and the sigmoid (1000); kept beside them: z, x and 7
    # copies of the weights
    expected = 4 * (memory.WORKING * (100 + 10 + 1000) + 4 * 100 + 4 * 1000 + 7 * 10)
    assert memory.needed(network, (1, 1, 10, 10)) == int(expected)


def test_an_estimate_leaves_nothing_behind():
    def tensors():
        gc.collect()
        return sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects())

    before = tensors()
    memory.needed(partial(Hourglass, 4, 3), (1, 4, 40, 40))
    assert tensors() == before


def test_estimate_grows_with_pixels_without_taking_memory():
    paper = partial(Hourglass, 32, 3)
    small, large = (memory.needed(paper, (1, 32, side, side)) for side in (256, 4096))
    assert 200 * small < large < 256 * small
    assert large > 2**36


def test_free_memory_is_positive():
    assert memory.free(torch.device("cpu")) > 0


def test_a_step_is_counted_as_it_sees_the_picture():
    cpu, settings = torch.device("cpu"), Settings(steps=1)
    image = torch.rand(1, 3, 40, 4 * 40)
    observed = Observed(image, squared_error(image, identity), Noise(0.1), panels=4)
    problem = Sure(estimates=1).problem(tiny, observed)
    one = needed(problem, 40, 40)
    assert Memory(cpu, one).suffices(problem, settings), "a panel, not the sheet"
    assert not Memory(cpu, one - 1).suffices(problem, settings)
    shifted = replace(settings, window=20, windows=2, shifts=4)
    two = 2 * needed(problem, 23, 23)
    assert Memory(cpu, two).suffices(problem, shifted)
    assert not Memory(cpu, needed(problem, 23, 23)).suffices(problem, shifted)
    with pytest.raises(BadInput, match=r"20 x 20 pixels need about .* use the preset fast, or a s"):
        Memory(cpu, 1, "the preset fast, or ").check(problem, shifted)


def test_a_step_that_sees_all_of_the_picture_is_counted_once():
    image = torch.rand(1, 3, 40, 40)
    problem = Sure(estimates=1, probed=0).problem(
        tiny, Observed(image, squared_error(image, identity), Noise(0.1))
    )
    one, settings = needed(problem, 40, 40), Settings(steps=1, window=64, windows=4)
    assert Memory(torch.device("cpu"), one).suffices(problem, settings)
    unknown = replace(problem, shape=None)
    assert Memory(torch.device("cpu"), one).suffices(unknown, settings)
    assert not Memory(torch.device("cpu"), one - 1).suffices(unknown, settings)


def test_tiles_are_as_large_as_memory_allows_and_pictures_are_counted(monkeypatch):
    monkeypatch.setattr(memory, "threads", lambda device: 2)
    cpu, x = torch.device("cpu"), torch.empty(1, 3, 400, 500)
    pictures = memory.COPIES * 4 * x.numel()
    scratch = memory.scratch(cpu)
    large, small = (memory.APPLIED * 3 * (side + 20) ** 2 + scratch for side in (100, 50))

    def tiling(limit):
        return Memory(cpu, limit).tiling((100, 50), 10, x.shape)

    assert tiling(pictures + 2 * large) == (100, 2)
    assert tiling(pictures + 2 * large - 1) == (50, 2)
    assert tiling(pictures + 2 * small) == (50, 2)
    assert tiling(pictures + 2 * small - 1) == (50, 1), "one at a time"
    assert 2 * pictures > small
    assert Memory(cpu, 2 * pictures - 1).on_disk(x.shape)
    assert not Memory(cpu, 2 * pictures).on_disk(x.shape)
    assert tiling(small) == (50, 1), "the pictures are on a disk"
    with pytest.raises(BadInput, match=r"^500 x 400 pixels need about [0-9.]+ MiB on cpu"):
        tiling(small - 1)
    Memory(cpu, pictures).check_pictures(x.shape)
    with pytest.raises(BadInput, match=r"^500 x 400 pixels need about [0-9.]+ MiB on cpu"):
        Memory(cpu, pictures - 1).check_pictures(x.shape)
    Memory(cpu, pictures - 1).check_pictures(x.shape, in_tiles=True)


def needed(problem, height, width):
    return memory.needed(problem.network, (*problem.shape[:2], height, width))
