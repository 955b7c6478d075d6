"""The symmetries of the pixel grid, the dihedral group and translations: what a network makes of a
moved image should be the image it makes, moved.
"""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from .padding import pad_reflect


@dataclass(frozen=True)
class Symmetry:
    """A symmetry g. turn: 0 to 7, the bits are a flip each way and a transposition. shift: rows and
    columns that are mirrored outside, before and after: ((top, bottom), (left, right)).
    """

    turn: int
    shift: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))

    def __call__(self, image: Tensor) -> Tensor:
        """g x of x (B, C, H, W), H and W at least 2."""
        image = pad_reflect(image, *self.shift).flip(
            [-1 - bit for bit in (0, 1) if self.turn >> bit & 1]
        )
        return image.mT if self.turn & 4 else image

    def inverse(self, image: Tensor) -> Tensor:
        """g^-1 x."""
        image = image.mT if self.turn & 4 else image
        image = image.flip([-1 - bit for bit in (0, 1) if self.turn >> bit & 1])
        (top, bottom), (left, right) = self.shift
        return image[..., top : image.shape[-2] - bottom, left : image.shape[-1] - right]


def draw_symmetry(generator: np.random.Generator, turns: int, shifts: int) -> Symmetry:
    """One of the first `turns` turns, shifted by 0 to shifts - 1 pixels each way."""
    turn, *before = map(int, generator.integers([turns, shifts, shifts]))
    top, left = ((n, shifts - 1 - n) for n in before)
    return Symmetry(turn, (top, left))
