"""Non-local ridge regression: every patch as a linear combination of those that look like it."""

import torch
from torch import Tensor

from ..colour import brightness, from_opponent, to_opponent
from .covariance import Covariance, White, power
from .groups import FAR, Groups
from .nonlocal_bayes import CAUTION
from .whitening import whitening

SIZES = (5, 4)  # pixels a side of patches of gray, and of colour
SIMILAR = 256  # patches in a group, under white noise
# share of the covariances between values of a patch that is kept: photographs do best with 0 or
# 0.5, blurred noise with 1
COMMON = 0.5


def nonlocal_ridge(
    noisy: Tensor, pilot: Tensor, noise: Covariance = White(), similar: int = SIMILAR
) -> Tensor:
    """The mean of all patches, those of each group of alike ones, Y (`similar`, n), replaced by
    P (P^T P + n N)^-1 P^T Y, P those of the pilot: the ridge regression of Y on P.

    n: numbers in a patch. N: `CAUTION`^2 times the covariance of the noise, its elements off the
    diagonal times `COMMON`. Where N is a multiple of the identity, these are P P^T (P P^T + n N)^-1
    Y, the linear combinations of patches of least expected squared error. The mean colour of P is
    taken off both and added again. noisy and pilot: (1, C, H, W). NL-Ridge: Herbreteau, Kervrann
    2022, arXiv:2203.00570.
    """
    image, guide = to_opponent(noisy), to_opponent(pilot)
    channels = image.shape[1]
    size = SIZES[channels > 2]
    covariance = noise.of_patches(channels, size).to(noisy)
    covariance = torch.lerp(covariance.diagonal().diag(), covariance, COMMON)
    penalty = CAUTION**2 * len(covariance) * covariance

    def drawn(patches: list[Tensor], places: Tensor) -> tuple[Tensor, Tensor]:
        pilots, observed = patches
        colour = pilots.unflatten(2, (-1, channels)).mean(dim=(1, 2))
        scale = noise.deviation(brightness(colour.T)).square()
        # with the colour, rounding would change P^T P as much as weak noise does
        p = pilots - colour.repeat(1, size**2)[:, None]
        ridge = scale[:, None, None] * penalty
        white = whitening(p.mT @ p + ridge, p.shape[1])
        # = P - P (P^T P + n N)^-1 (n N - P^T (Y - P)): what rounding adds is no more than the noise
        values = pilots + p @ (white.mT @ (white @ (p.mT @ (observed - pilots) - ridge)))
        return values, torch.ones_like(scale)

    groups = Groups(size, size, similar, FAR)
    return from_opponent(groups.filtered([guide, image], drawn, power(noise, guide)))
