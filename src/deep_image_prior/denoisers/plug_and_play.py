"""Plug and play: a denoiser in the place of a prior, for measurements by any differentiable A."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..energies import Energy
from ..errors import BadInput

Denoiser = Callable[[Tensor, float], Tensor]  # noisy (1, C, H, W), sigma -> the image

ITERATIONS = 10  # of the descent to the measurements, a round
LONG = 50  # of the descent to a first guess
SLOPE = 25 / 255  # typical difference between neighbouring pixels
# of the last change of the image, added to the next: nearly as good as twice the rounds
MOMENTUM = 0.5


def plug_and_play(
    energy: Energy,
    x: Tensor,
    denoise: Denoiser,
    strengths: Sequence[float],
    weight: float,
) -> Tensor:
    """Rounds of d = D(x, s) and x = argmin_x E(x) + weight |x - d|^2 / 2 s^2, s falling along
    `strengths`, from x (1, C, H, W); the last d.

    energy: E, the negative log-likelihood. Half-quadratic splitting: Geman and Yang 1995,
    doi:10.1109/83.392335; with denoisers: Venkatakrishnan, Bouman and Wohlberg 2013,
    doi:10.1109/GlobalSIP.2013.6737048. Here with momentum.
    """

    def measured(ahead: Tensor, s: float) -> Tensor:
        return proximal(energy, ahead, weight / s**2)

    return in_turns(x, denoise, measured, strengths)


def in_turns(
    x: Tensor,
    denoise: Denoiser,
    constrain: Callable[[Tensor, float], Tensor],
    strengths: Sequence[float],
) -> Tensor:
    """Rounds of d = denoise(x, s) and x = constrain(d, s), with momentum; the last d."""
    drawn = before = None
    for s in strengths:
        before, drawn = drawn, denoise(x, s)
        x = constrain(with_momentum(drawn, before), s)
    assert drawn is not None
    return drawn


def with_momentum(drawn: Tensor, before: Tensor | None) -> Tensor:
    """Where a round goes on from, `drawn` in the last one and `before` in that before it, if there
    was one.
    """
    return drawn if before is None else drawn + MOMENTUM * (drawn - before)


def proximal(energy: Energy, anchor: Tensor, weight: float) -> Tensor:
    """argmin_x E(x) + weight |x - anchor|^2 / 2, begun at the anchor."""
    return least(lambda x: energy(x) + weight / 2 * (x - anchor).square().sum(), anchor)


def smooth_guess(energy: Energy, start: Tensor) -> Tensor:
    """argmin_x E(x) + |grad x|^2 / 2 SLOPE^2: what was not measured is drawn smoothly from what
    was, for which the rounds of a denoiser would take long.
    """

    def rough(x: Tensor) -> Tensor:
        return torch.stack([x.diff(dim=axis).square().sum() for axis in (-2, -1)]).sum()

    return least(lambda x: energy(x) + rough(x) / (2 * SLOPE**2), start, LONG)


@torch.enable_grad()
def least(energy: Energy, start: Tensor, iterations: int = ITERATIONS) -> Tensor:
    """argmin_x E(x) by iterations of L-BFGS, for linear A as good as conjugate gradients. Raises
    BadInput if E is not finite.
    """
    x = start.clone().requires_grad_()
    descent = torch.optim.LBFGS(
        [x],
        max_iter=iterations,
        max_eval=2 * iterations,
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def total() -> Tensor:
        descent.zero_grad()
        value = energy(x)
        value.backward()
        if not (value.isfinite() and x.grad is not None and x.grad.isfinite().all()):
            raise BadInput(
                "A, or its gradient, is not finite for an image on the way, which may be a little "
                "darker or brighter than the result; clamp it inside A"
            )
        return value

    descent.step(total)
    return x.detach()
