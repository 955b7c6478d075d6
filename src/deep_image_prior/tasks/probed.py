"""A code made of a noisy observation: estimates of the image, and of what they would be under a
little more noise.
"""

from collections.abc import Iterator
from functools import cached_property, partial
from itertools import islice

import torch
from torch import Generator, Tensor

from .. import codes, estimates
from ..descent import Problem
from ..energies import stein
from ..noise import Noise
from ..stopping import Believable
from .preset import OWN_SEED, Preset

# of the probe, in standard deviations of the noise: above the thresholds' roughness, below their
# change
STEP = 0.2
RIDGE = 1e-3  # for mixes of estimates that hardly differ
CAUTION = 16.0  # times the noise, against mixes that only it speaks for


class Probed:
    """z (1 + P, C', H, W): a mix of estimates, the estimates and a blur of x0, and of each x0 +
    STEP * probe; E is Stein's.
    """

    def __init__(self, observation: Tensor, noise: Noise, preset: Preset) -> None:
        self.observation, self.noise, self.preset = observation, noise, preset

    def problem(self) -> Problem:
        _, channels, height, width = self.observation.shape
        inputs = (1 + self.preset.estimates + 1) * channels
        network = partial(self.preset.network, inputs, channels)
        shape = (1 + self.preset.probes, inputs, height, width)
        return Problem(
            network, self.code, self.energy, shape, rule=partial(Believable, self.noise.variance)
        )

    def code(self, generator: Generator) -> Tensor:
        p = torch.cat([torch.zeros_like(self.observation), self.probes])
        images = torch.stack([self._images(x0) for x0 in (self.observation + STEP * p).split(1)])
        made = images[:, :-1]
        mix = (made * self._shares(made)[:, None, None, None]).sum(dim=1, keepdim=True)
        return torch.cat([mix, images], dim=1).flatten(1, 2)

    def energy(self, images: Tensor) -> Tensor:
        return stein(self.observation, self.noise.mean, self.probes, STEP)(images)

    @cached_property
    def probes(self) -> Tensor:
        """Draws of the noise, (P, C, H, W)."""
        shape = (self.preset.probes, *self.observation.shape[1:])
        normal = torch.randn(shape, generator=Generator().manual_seed(OWN_SEED)).to(
            self.observation
        )
        estimate = self.noise.unstabilised(
            estimates.transform(self.noise.stabilised(self.observation))
        )
        return self.noise.variance(estimate).sqrt() * normal

    def _images(self, observation: Tensor) -> Tensor:
        """Estimates, and a blur, (preset.estimates + 1, C, H, W)."""
        stabilised = self.noise.stabilised(observation)
        images = [
            *islice(_estimates(stabilised), self.preset.estimates),
            codes.blurs(stabilised, sigmas=(1,)),
        ]
        return self.noise.unstabilised(torch.cat(images))

    def _shares(self, images: Tensor) -> Tensor:
        """The mix of least E, shares adding up to 1, in closed form (SURE-LET,
        doi:10.1109/TIP.2007.906002); (K,).

        images: (1 + P, K, C, H, W).
        """
        means = self.noise.mean(images)
        # in double precision, which not every device has
        changes = (means[:, 1:] - means[:, :1]).flatten(2).cpu().double()  # (1 + P, K - 1, C H W)
        follows = changes[0] @ (self.observation - means[0, :1]).flatten().cpu().double()
        moves = changes[1:] - changes[0]
        gains = torch.einsum("pkn,pn->k", moves, self.probes.flatten(1).cpu().double()) / (
            len(moves) * STEP
        )
        products = changes[0] @ changes[0].T
        noise = self.noise.variance(images[0, 0]).mean().item()
        products += (RIDGE * products.diagonal().mean() + CAUTION * noise) * torch.eye(
            len(products)
        ).to(products)
        shares = torch.linalg.lstsq(products, follows - gains).solution
        return torch.cat([1 - shares.sum()[None], shares]).to(images)


def _estimates(noisy: Tensor) -> Iterator[Tensor]:
    """Of an image with noise of variance 1: quick ones first."""
    pilot = estimates.transform(noisy)
    yield pilot
    alike = estimates.nonlocal_bayes(noisy, pilot, estimates.PATIENT)
    yield alike
    yield estimates.nonlocal_bayes(noisy, pilot, estimates.PATIENT, larger=True)
    yield estimates.transform(noisy, size=16)
    yield estimates.nonlocal_bayes(noisy, alike, estimates.PATIENT)
