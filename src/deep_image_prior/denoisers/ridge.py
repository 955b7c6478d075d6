"""Non-local ridge regression: every patch by the mix of those that look like it."""

import torch
from torch import Tensor

from ..colour import brightness, from_opponent, to_opponent
from .covariance import Covariance, White
from .groups import FAR, Groups
from .nonlocal_bayes import CAUTION
from .whitening import whitening

SIZES = (5, 4)  # pixels a side of patches of gray, and of colour
SIMILAR = 256  # patches in a group, under white noise
# of what values of a patch have in common: photographs want 0 or 0.5, blurred noise 1
COMMON = 0.5


def nonlocal_ridge(
    noisy: Tensor, pilot: Tensor, noise: Covariance = White(), similar: int = SIMILAR
) -> Tensor:
    """The mean of all patches, those of each group of alike ones, Y (`similar`, n), replaced by
    P (P^T P + n N)^-1 P^T Y: the ridge regression of the patches of x0 on those P of the pilot.

    N is `CAUTION`^2 times the covariance of the noise, what different values have in common times
    `COMMON`. With the same N for all values these are P P^T (P P^T + n N)^-1 Y, the mixes of
    patches that are nearest to P in expectation. noisy and pilot: (1, C, H, W). NL-Ridge:
    Herbreteau, Kervrann 2022, arXiv:2203.00570.
    """
    image, guide = to_opponent(noisy), to_opponent(pilot)
    channels = image.shape[1]
    size = SIZES[channels > 2]
    covariance = noise.of_patches(channels, size).to(noisy)
    covariance = torch.lerp(covariance.diagonal().diag(), covariance, COMMON)
    penalty = CAUTION**2 * len(covariance) * covariance

    def drawn(patches: list[Tensor], places: Tensor) -> tuple[Tensor, Tensor]:
        pilots, observed = patches
        light = brightness(pilots.unflatten(2, (-1, channels)).mean(dim=(1, 2)).T)
        scale = noise.deviation(light).square()[:, None, None]
        white = whitening(pilots.mT @ pilots + scale * penalty)
        values = pilots @ (white.mT @ (white @ (pilots.mT @ observed)))
        return values, torch.ones_like(light)

    return from_opponent(Groups(size, size, similar, FAR).filtered([guide, image], drawn))
