"""Non-local Bayes: every patch by the mean and covariance of those that look like it."""

import torch
from torch import Tensor

from ..colour import brightness, from_opponent, to_opponent
from .covariance import Covariance, White, power
from .groups import NEAR, Groups
from .whitening import whitening

SIMILAR = 40  # patches in a group
SIZES = ((5, 8, 10), (3, 5, 7))  # pixels a side of patches of gray, and of colour
# times the noise, for pilots that are estimates: they have errors too, so that groups look a little
# less alike than they are
CAUTION = 1.1
# deviations of the noise that another picture of the scene is taken to have: 0.05 to 0.3 are alike
# where it has 0.12, 0.4 costs 0.5 dB
OF_BESIDE = 0.2


def nonlocal_bayes(
    noisy: Tensor,
    pilot: Tensor,
    noise: Covariance = White(),
    larger: int = 0,
    caution: float = CAUTION,
    beside: Tensor | None = None,
    reach: int = NEAR,
) -> Tensor:
    """The mean of all patches, each y of a group of alike ones replaced by m + S (S + N)^-1 (y -
    m).

    m and S are the mean and covariance of the group in the pilot, N is caution^2 times that of the
    noise. noisy and pilot: (1, C, H, W). larger: 0 to 2, which of `SIZES`; if not 0, groups have
    twice as many. beside: (1, G, H, W), another picture of the scene with deviations of `OF_BESIDE`
    of the noise, whose values belong to the patches too: what of it goes along with the pilot
    within a group is taken from it, and nothing else. reach: pixels to every side in which similar
    patches are looked for. Second step of Lebrun, Buades, Morel 2013, doi:10.1137/120874989.
    """
    channels = noisy.shape[1]
    groups = groups_of(channels, larger, beside is not None, reach)
    covariance = caution**2 * noise.of_patches(channels, groups.size).to(noisy)
    guide, image = to_opponent(pilot), to_opponent(noisy)
    rim = power(noise, guide)
    if beside is not None:
        guide, image = (torch.cat([each, to_opponent(beside)], dim=1) for each in (guide, image))
        covariance = _with_beside(covariance, channels, beside.shape[1])

    def drawn(patches: list[Tensor], places: Tensor) -> tuple[Tensor, Tensor]:
        pilots, observed = patches
        pixels = pilots.unflatten(2, (-1, image.shape[1]))
        light = brightness(pixels.mean(dim=(1, 2)).T[:channels])
        values = _means(observed, pilots, noise.deviation(light).square(), covariance)
        return values, torch.ones_like(light)

    return from_opponent(groups.filtered([guide, image], drawn, rim)[:, :channels])


def groups_of(channels: int, larger: int, beside: bool, reach: int = NEAR) -> Groups:
    """References lie side by side: overlapping ones take twice the time, for little."""
    size = SIZES[channels > 2][larger]
    return Groups(size, size, (2 if beside or larger else 1) * SIMILAR, reach)


def _with_beside(covariance: Tensor, channels: int, more: int) -> Tensor:
    """Covariance of patches, the channels of a pixel together, with `more` channels of weak white
    noise behind the others.
    """
    pixels = len(covariance) // channels
    weak = OF_BESIDE**2 * covariance.diagonal().mean()
    joint = (weak * torch.eye(pixels * (channels + more)).to(covariance)).view(
        2 * (pixels, channels + more)
    )
    joint[:, :channels, :, :channels] = covariance.view(2 * (pixels, channels))
    return joint.flatten(2).flatten(0, 1)


def _means(noisy: Tensor, pilots: Tensor, variance: Tensor, noise: Tensor) -> Tensor:
    """m + S (S + N)^-1 (y - m) of groups (groups, patches, numbers), N = variance (groups,) times
    noise (numbers, numbers).
    """
    variance = variance[:, None, None]
    mean = pilots.mean(dim=1, keepdim=True)
    spread = pilots - mean
    both = spread.mT @ spread / (pilots.shape[1] - 1) + variance * noise
    white = whitening(both, pilots.shape[1])
    # S M^-1 = I - N M^-1, M = S + N
    return noisy - (noisy - mean) @ (white.mT @ (variance * white @ noise))
