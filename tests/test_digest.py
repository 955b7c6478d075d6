from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
import torch

from deep_image_prior import codes
from deep_image_prior.digest import digest


@dataclass
class Named:
    values: object


class Plain:
    def __init__(self, value):
        self.value = value

    def get(self):
        return self.value


PAIRS = [
    (np.arange(3), np.arange(1, 4)),
    (np.zeros(2, np.float32), np.zeros(2)),
    (torch.zeros(2, 3), torch.zeros(3, 2)),
    (Named(np.arange(3)), Named(np.arange(1, 4))),
    (Plain(1), Plain(2)),
    (partial(codes.noise, channels=2), partial(codes.noise, channels=3)),
    (codes.noise, codes.meshgrid),
    ({"a": Plain(1)}, {"a": Plain(2)}),
    ([1, Plain(1)], (1, Plain(2))),
    (Named, Plain),
    ("fast", "best"),
    ("1", 1),
    (["a', 'b"], ["a", "b"]),
    ({1: 2}, [(1, 2)]),
    (Plain(1).get, Plain(2).get),
    (torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)),
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_other_values_have_another_digest(one, other):
    assert digest(one) == digest(one)
    assert digest(one) != digest(other)
    assert "0x" not in digest(one), "it holds in another process"


def test_values_that_are_alike_have_the_same():
    assert digest(Plain(np.ones(3))) == digest(Plain(np.ones(3)))
    assert digest(np.arange(6).reshape(2, 3).T) == digest(np.arange(6).reshape(2, 3).T.copy())


def test_a_path_is_what_is_in_its_file(tmp_path):
    path = tmp_path / "k.npy"
    assert digest(path) == str(path), "there is none yet"
    path.write_bytes(b"one")
    one = digest(path)
    path.write_bytes(b"two")
    assert digest(path) != one


def test_functions_without_a_name_are_told_apart():
    def by(factor):
        return lambda x: factor * x

    assert digest(by(2)) == digest(by(2))
    assert digest(by(2)) != digest(by(3))
    assert digest(lambda x: x) != digest(lambda x: -x)
