"""The principal colours of natural images."""

import torch
import torch.nn.functional as F
from torch import Tensor

# gray, red against blue, green against both
OPPONENT = F.normalize(torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [0.5, -1.0, 0.5]]), dim=1)


def to_opponent(image: Tensor) -> Tensor:
    """RGB (B, 3, H, W) in opponent colours, where most of the structure is in the first; other
    channels as they are. An orthonormal rotation: white noise stays as it is.
    """
    return _rotate(image, OPPONENT)


def from_opponent(image: Tensor) -> Tensor:
    """The inverse of `to_opponent`."""
    return _rotate(image, OPPONENT.T)


def brightness(opponent: Tensor) -> Tensor:
    """The mean of the channels that (C, ...) was before `to_opponent`."""
    return opponent[0] / 3**0.5 if len(opponent) == 3 else opponent.mean(dim=0)


def _rotate(image: Tensor, rotation: Tensor) -> Tensor:
    if image.shape[1] != 3:
        return image
    return torch.einsum("ij,bjhw->bihw", rotation.to(image), image)
