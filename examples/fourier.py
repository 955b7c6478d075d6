"""Compressed sensing: A a part of the Fourier coefficients, along lines through the centre, as in
magnetic resonance. The measurements are complex.
"""

from functools import partial

import numpy as np
import torch
from compare import Example, noise, show, tensor
from skimage import data
from skimage.transform import resize
from torch import Tensor

LINES = 44  # in a picture of 256 x 256
SIGMA = 0.01


def radial(side: int, lines: int) -> Tensor:
    """True for the frequencies on so many lines, (side, side), as `torch.fft.fft2` orders them."""
    reach = np.linspace(-(side // 2), side // 2 - 1, 4 * side)
    angles = np.arange(lines)[:, None] * np.pi / lines
    rows, columns = (
        np.rint(reach * turn(angles)).astype(int).clip(-(side // 2), side // 2 - 1)
        for turn in (np.sin, np.cos)
    )
    mask = torch.zeros(side, side, dtype=torch.bool)
    mask[rows.ravel(), columns.ravel()] = True  # a negative index is a negative frequency
    return mask


def coefficients(mask: Tensor, image: Tensor) -> Tensor:
    return torch.fft.fft2(image, norm="ortho")[..., mask]


def example(side: int = 256) -> Example:
    """A photograph, and Gaussian noise in every coefficient."""
    truth = tensor(resize(data.camera() / 255, (side, side), anti_aliasing=True))
    mask = radial(side, max(1, LINES * side // 256))
    operator = partial(coefficients, mask)
    x0 = operator(truth)
    x0 = x0 + noise(x0, SIGMA)
    spectrum = torch.zeros(truth.shape, dtype=x0.dtype)
    spectrum[..., mask] = x0
    rivals = {"zeros filled in": torch.fft.ifft2(spectrum, norm="ortho").real}
    return Example("Fourier samples", truth, x0, operator, SIGMA, rivals)


if __name__ == "__main__":
    show(example())
