"""Solve: x from x0 = A(x) + n, for an operator A of one's own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from . import codes
from .degradations import Measurement
from .denoisers import least
from .descent import Problem, Rule, Settings, Step
from .energies import squared_error
from .errors import BadInput
from .fitting import Fit, fit
from .networks import Hourglass, Refiner
from .objectives import Observed, PlugAndPlay, Preset, Residual, Validated
from .operators import differentiable
from .tasks.preset import gently

# z is nearly right: larger steps, or more of them, fit the noise before they draw anything
gentler = partial(gently, learning_rate=0.001)
PRESETS = {
    "fast": Preset(Refiner, PlugAndPlay(), gentler(steps=100)),
    "best": Preset(Refiner, PlugAndPlay(rounds=24), gentler(steps=100, runs=2)),
    "paper": Preset(Hourglass, Validated(Residual(codes.noise)), Settings(steps=2000)),
}


def presets(sigma: float | None) -> Mapping[str, Preset]:
    """The choices where the noise is told, or not: `paper` then stops by it, and all measurements
    are fitted.
    """
    if sigma is None:
        return PRESETS
    told = Preset(Hourglass, Residual(codes.noise), PRESETS["paper"].settings)
    return {**PRESETS, "paper": told}


def solve(
    x0: Tensor,
    operator: Any,
    shape: Sequence[int],
    preset: str | Preset = "fast",
    *,
    sigma: float | None = None,
    bounds: tuple[float, float] | None = (0.0, 1.0),
    finish: Callable[[Tensor], Tensor] = lambda x: x,
    settings: Settings | None = None,
    watch: Callable[[Step], None] | None = None,
) -> Fit:
    """x (1, C, H, W), whose measurements A(x) are nearest to x0, as far as a network draws it.

    x0: of any shape, real or complex. operator: A, a differentiable callable on (1, C, H, W), or
    what `operators.linear` takes, or a deepinv physics. shape: of x, (H, W) or (C, H, W). sigma: of
    the noise in every real number of x0, if known. bounds: the least and greatest value of x; None:
    about those of a least-squares solution. finish: what is made of the image in the end.
    """
    if isinstance(preset, str):
        preset = _named(preset, presets(sigma))
    problem = pose(x0, operator, shape, preset, sigma=sigma, bounds=bounds, finish=finish)
    return fit(problem, settings or preset.settings, rule_of(problem, preset, sigma), watch)


def pose(
    x0: Tensor,
    operator: Any,
    shape: Sequence[int],
    preset: Preset,
    *,
    sigma: float | None = None,
    bounds: tuple[float, float] | None = (0.0, 1.0),
    finish: Callable[[Tensor], Tensor] = lambda x: x,
) -> Problem:
    """The same as a Problem, whose images before `finish` are (x - least) / (greatest - least)."""
    a = differentiable(operator, shape, x0.device)
    channels, height, width = planes = (1, *shape) if len(shape) == 2 else tuple(shape)
    x0 = x0.to(torch.complex64 if x0.is_complex() else torch.float32)
    _check(a, x0, planes)
    low, high = bounds or _range(a, x0, planes)
    if not low < high:
        raise BadInput(f"bounds are {low} and {high}, but the first must be less")
    measurement = Measurement(lambda u: a(low + (high - low) * u), (channels, height, width), sigma)
    energy = squared_error(x0, measurement.operator)
    guide = torch.zeros(1, *planes, device=x0.device)
    problem = preset.problem(Observed(x0, energy, measurement, guide))

    def finished(u: Tensor) -> Tensor:
        return finish(low + (high - low) * (u if bounds is None else u.clamp(0, 1)))

    return replace(problem, finish=finished)


def rule_of(problem: Problem, preset: Preset, sigma: float | None) -> Callable[[], Rule] | None:
    """The problem's own, or the discrepancy principle, if E begins above the noise that is told."""
    if sigma is None or not isinstance(preset.objective, Residual):
        return problem.rule
    return preset.objective.discrepancy(sigma, clipped=False)


def _named(name: str, choices: Mapping[str, Preset]) -> Preset:
    if name not in choices:
        raise BadInput(f"preset is {name!r}, but must be one of {', '.join(choices)}")
    return choices[name]


@torch.enable_grad()
def _check(a: Callable[[Tensor], Tensor], x0: Tensor, planes: tuple[int, ...]) -> None:
    """Raise BadInput if A of an image is not like x0, or has no gradient."""
    seen = a(torch.full((1, *planes), 0.5, device=x0.device, requires_grad=True))
    if seen.shape != x0.shape or seen.is_complex() != x0.is_complex():
        made, given = (
            f"{'complex' if y.is_complex() else 'real'} {tuple(y.shape)}" for y in (seen, x0)
        )
        raise BadInput(f"A makes {made} of an image {planes}, but x0 is {given}")
    if not seen.requires_grad:
        raise BadInput(
            "A cannot be differentiated: write it with torch functions, or give its adjoint "
            "to operators.linear"
        )


def _range(
    a: Callable[[Tensor], Tensor], x0: Tensor, planes: tuple[int, ...]
) -> tuple[float, float]:
    """The least and greatest value of a least-squares solution, begun at the uniform image with the
    most likely A(x).
    """
    one = torch.ones(1, *planes, device=x0.device)
    with torch.no_grad():
        level = x0.abs().norm() / a(one).abs().norm().clamp_min(1e-12)
    x = least(squared_error(x0, a), level * one)
    return x.min().item(), x.max().item()
