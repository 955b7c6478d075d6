"""Phase retrieval: A(x) = |F m x|, amplitudes of coded diffraction patterns. A is not linear."""

from functools import partial

import torch
from compare import Example, noise, show, tensor
from skimage import data
from skimage.transform import resize
from torch import Tensor

MASKS = 2  # of random phases
SIGMA = 0.02
ROUNDS = 300  # of error reduction


def diffracted(masks: Tensor, image: Tensor) -> Tensor:
    """(1, M, H, W) of an image (1, 1, H, W) and complex masks (M, H, W)."""
    return torch.fft.fft2(masks * image, norm="ortho").abs()


def error_reduction(masks: Tensor, x0: Tensor) -> Tensor:
    """The amplitudes put in place of those of the image, in turns with 0 <= x <= 1: Gerchberg and
    Saxton 1972.
    """
    x = torch.full_like(x0[:, :1], 0.5)
    for _ in range(ROUNDS):
        waves = torch.polar(x0, torch.fft.fft2(masks * x, norm="ortho").angle())
        images = masks.conj() * torch.fft.ifft2(waves, norm="ortho")
        x = images.real.mean(dim=1, keepdim=True).clamp(0, 1)
    return x


def example(side: int = 256) -> Example:
    """A photograph behind masks, and Gaussian noise in every amplitude."""
    truth = tensor(resize(data.camera() / 255, (side, side), anti_aliasing=True))
    turns = torch.rand(MASKS, side, side, generator=torch.Generator().manual_seed(0))
    masks = torch.exp(2j * torch.pi * turns)
    operator = partial(diffracted, masks)
    x0 = operator(truth)
    x0 = x0 + noise(x0, SIGMA)
    rivals = {"error reduction": error_reduction(masks, x0.clamp_min(0))}
    return Example("phase retrieval", truth, x0, operator, SIGMA, rivals)


if __name__ == "__main__":
    show(example())
