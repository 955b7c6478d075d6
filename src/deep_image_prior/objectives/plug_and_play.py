"""Plug and play: z estimates of an image from measurements of it, by denoisers in the place of a
prior; E the residual.
"""

from dataclasses import dataclass, replace
from functools import cache, partial

import torch
from torch import Tensor

from ..degradations import Measurement
from ..denoisers import White, dct_denoise, plug_and_play, smooth_guess
from ..denoisers.plug_and_play import Denoiser
from ..descent import Problem
from ..energies import real_numbers, squared_error
from ..errors import BadInput
from .estimates import alike
from .objective import Architecture, Objective, Observed
from .validation import residual_on, validation_set

# deviations of the noise that a denoiser expects, first and last: about the error of a first guess,
# and what is hardly seen
STRONG, WEAK = 50 / 255, 2 / 255
# of the noise, in root mean squares of the measurements, where it is not told
RELATIVE = (0.1, 0.03, 0.01, 0.003, 0.001)
SHARE = 0.15  # of the measurements that tell which of those it is
# times the squared difference to the estimate that is farthest, the squared error: measured on five
# problems, where the root of it was right within a factor of 1.6
FARTHEST = 2.4**2


def nonlocal_denoise(noisy: Tensor, sigma: float) -> Tensor:
    """Non-local Bayes, its pilot by cosines."""
    return alike(noisy, White(sigma))


def cosine_denoise(noisy: Tensor, sigma: float) -> Tensor:
    """By cosines alone, in a third of the time."""
    return dct_denoise(noisy, White(sigma))


# the denoiser, and how much it is trusted beside the measurements: the best one first
ESTIMATES: tuple[tuple[Denoiser, float], ...] = (
    (nonlocal_denoise, 0.5),
    (nonlocal_denoise, 1.0),
    (cosine_denoise, 0.5),
)


@dataclass(frozen=True)
class PlugAndPlay(Objective):
    """For a Measurement by any differentiable A. rounds: of every estimate."""

    rounds: int = 12

    def problem(self, network: Architecture, observed: Observed) -> Problem:
        measurement = observed.damaged_by(Measurement)
        inputs = len(ESTIMATES) * measurement.shape[0]

        @cache
        def code() -> Tensor:
            known = measurement
            if known.sigma is None:
                known = replace(known, sigma=likely_sigma(observed.x0, known, self.rounds))
            return estimates(observed.x0, known, self.rounds)

        return Problem(
            partial(network, inputs, measurement.shape[0]),
            lambda generator: code(),
            observed.energy,
            shape=(1, inputs, *measurement.shape[1:]),
        )


def likely_error(x: Tensor, code: Tensor) -> Tensor:
    """About the squared error of x (1, C, H, W), code: the estimates (1, 3 C, H, W)."""
    apart = [(x - each).square() for each in code.split(x.shape[1], dim=1)]
    return FARTHEST * max(apart, key=lambda each: each.mean().item())


def estimates(x0: Tensor, measurement: Measurement, rounds: int) -> Tensor:
    """All of ESTIMATES, (1, 3 C, H, W)."""
    return torch.cat([estimate(x0, measurement, rounds, *each) for each in ESTIMATES], dim=1)


def estimate(
    x0: Tensor, measurement: Measurement, rounds: int, denoise: Denoiser, weight: float
) -> Tensor:
    """(1, C, H, W), from the smoothest guess; the noise is told."""
    assert measurement.sigma is not None
    # the negative log-likelihood |A(x) - x0|^2 / 2 sigma^2
    energy = squared_error(x0, measurement.operator, count=2 * measurement.sigma**2)
    gray = torch.full((1, *measurement.shape), 0.5).to(real_numbers(x0))
    ratio = (WEAK / STRONG) ** (1 / (rounds - 1))
    strengths = [STRONG * ratio**k for k in range(rounds)]
    return plug_and_play(energy, smooth_guess(energy, gray), denoise, strengths, weight)


def likely_sigma(x0: Tensor, measurement: Measurement, rounds: int) -> float:
    """The deviation, of those in RELATIVE, under which the estimate by cosines that is made without
    some of the measurements is nearest to them. Raises BadInput.
    """
    held = validation_set(x0, SHARE)
    shown = replace(measurement, operator=lambda x: (1 - held) * measurement.operator(x))
    error = residual_on(held, x0, measurement)
    size = real_numbers(x0).square().mean().sqrt().item()
    if size == 0:
        raise BadInput("all measurements are 0, so that their noise cannot be told; give sigma")

    def wrong(sigma: float) -> float:
        known = replace(shown, sigma=sigma)
        return error(estimate((1 - held) * x0, known, rounds, *ESTIMATES[-1])).item()

    return min((size * relative for relative in RELATIVE), key=wrong)
