import threading
from contextlib import contextmanager

import pytest
import torch

from deep_image_prior.parallel import each

CPU = torch.device("cpu")


@contextmanager
def threads(count):
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("count", [1, 3])
def test_items_in_order_without_gradients(count):
    weight = torch.ones(2, requires_grad=True)
    with threads(count):
        made = each(lambda k: (k, (k * weight).requires_grad), range(7), CPU)
        assert torch.get_num_threads() == count
    assert made == [(k, False) for k in range(7)]
    assert torch.is_grad_enabled()


def test_as_many_at_a_time_as_there_are_threads_with_one_each():
    both = threading.Barrier(2, timeout=20)

    def made(item):
        both.wait()
        return torch.get_num_threads()

    with threads(2):
        assert each(made, range(4), CPU) == [1] * 4


def test_no_more_at_a_time_than_is_said_and_still_one_thread_each():
    busy = threading.Lock()

    def made(item):
        assert busy.acquire(blocking=False), "two at a time"
        threading.Event().wait(0.01)
        busy.release()
        return torch.get_num_threads()

    with threads(3):
        assert each(made, range(6), CPU, most=1) == [1] * 6


def test_an_error_is_raised_and_the_rest_dropped_once_what_has_begun_is_done():
    begun, ended = [], []

    def made(item):
        begun.append(item)
        if item == 0:
            raise ZeroDivisionError
        threading.Event().wait(0.2)
        ended.append(item)

    with threads(2):
        with pytest.raises(ZeroDivisionError):
            each(made, range(50), CPU)
        assert torch.get_num_threads() == 2
    assert len(begun) < 10
    assert sorted(ended) == sorted(begun)[1:]
