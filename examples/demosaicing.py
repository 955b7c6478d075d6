"""Demosaicing: A keeps one colour of every pixel, in Bayer's pattern."""

from functools import partial

import torch
import torch.nn.functional as F
from compare import Example, noise, show, tensor
from skimage import data
from skimage.transform import resize
from torch import Tensor

SIGMA = 0.02


def bayer(height: int, width: int) -> Tensor:
    """1 for the colour that a pixel keeps, (1, 3, H, W): red, green; green, blue."""
    pattern = torch.zeros(1, 3, height, width)
    pattern[:, 0, ::2, ::2] = pattern[:, 2, 1::2, 1::2] = 1
    pattern[:, 1] = 1 - pattern[:, 0] - pattern[:, 2]
    return pattern


def mosaic(pattern: Tensor, image: Tensor) -> Tensor:
    """(1, 1, H, W) of an image (1, 3, H, W)."""
    return (pattern * image).sum(dim=1, keepdim=True)


def bilinear(pattern: Tensor, x0: Tensor) -> Tensor:
    """Means of the nearest pixels that have kept the colour."""
    kernel = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]).expand(3, 1, 3, 3)
    spread = partial(F.conv2d, weight=kernel, padding=1, groups=3)
    return spread(pattern * x0) / spread(pattern)


def example(side: int = 256) -> Example:
    """A photograph, and Gaussian noise in every pixel."""
    picture = data.astronaut()[:300, 100:400] / 255
    truth = tensor(resize(picture, (side, side), anti_aliasing=True))
    pattern = bayer(side, side)
    operator = partial(mosaic, pattern)
    x0 = operator(truth)
    x0 = x0 + noise(x0, SIGMA)
    return Example("demosaicing", truth, x0, operator, SIGMA, {"bilinear": bilinear(pattern, x0)})


if __name__ == "__main__":
    show(example())
