"""Solve: x from x0 = A(x) + n, for an operator A of one's own."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .call import Call
from .cautions import EXPLAINED
from .degradations import Measurement
from .denoisers import least
from .descent import Part, Problem, Trial
from .device import in_single_precision
from .energies import real_numbers, squared_error
from .errors import BadInput
from .images import Pixels, check_unmasked
from .objectives import Observed, PlugAndPlay, Preset
from .objectives.plug_and_play import likely_error
from .operators import differentiable, planes_of
from .restoration import Result
from .tasks import Solve


def solve(task: Solve, x0: Pixels | Tensor) -> Result:
    """The image of `task` by its measurements x0. Raises BadInput."""
    with in_single_precision():
        call = Call(task, "x0")
        measured = _measured(x0).to(call.device)
        preset = call.preset(task.presets())
        rule = call.rule(preset, task.sigma, told=preset.objective.compares)
        a = differentiable(task.operator, task.shape, call.device)
        done = call.fit(pose(task, a, measured, preset), preset, rule)
        residual = real_numbers(a(done.image) - measured).square().mean().item()
        lost = task.sigma is not None and residual > EXPLAINED * task.sigma**2
        image = done.image.detach().cpu().numpy()[0]
        return Result(
            image=image if len(task.shape) == 3 else image[0],
            runs=done.runs,
            seconds=done.seconds,
            settings=preset.settings,
            device=str(call.device),
            cautions=("the measurements are not explained: it may be lost",) if lost else (),
            measures={"residual": residual**0.5},
            uncertainty=None if done.variance is None else _deviation(done.variance),
        )


def pose(task: Solve, a: Callable[[Tensor], Tensor], x0: Tensor, preset: Preset) -> Problem:
    """What to fit: the images before Problem.finish are (x - least) / (greatest - least)."""
    channels, height, width = planes = planes_of(task.shape)
    _check(a, x0, planes)
    low, high = _bounds(task.bounds) or _range(a, x0, planes)
    measurement = Measurement(
        lambda u: a(low + (high - low) * u), (channels, height, width), task.sigma
    )
    energy = squared_error(x0, measurement.operator)
    guide = torch.zeros(1, *planes, device=x0.device)

    def finish(u: Tensor) -> Tensor:
        return task.finish(low + (high - low) * (u if task.bounds is None else u.clamp(0, 1)))

    problem = preset.problem(Observed(x0, energy, measurement, guide))
    if not isinstance(preset.objective, PlugAndPlay):
        return replace(problem, finish=finish)

    @cache
    def estimates() -> Tensor:
        code = problem.code(torch.Generator())  # by no random numbers
        return torch.cat([finish(each) for each in code.split(channels, dim=1)], dim=1)

    return replace(
        problem,
        finish=finish,
        whole=lambda f: Part(estimates(), finish),
        trials=lambda: [Trial(None, lambda x: likely_error(x, estimates()))],
    )


def _deviation(variance: Tensor) -> Pixels:
    """(H, W), of (1, 1, H, W)."""
    values: Pixels = variance.sqrt().cpu().numpy()[0, 0]
    return values


def _measured(x0: Any) -> Tensor:
    """x0 in single precision. Raises BadInput if it is no array of finite numbers."""
    check_unmasked(x0, "x0")
    measured = x0 if isinstance(x0, Tensor) else _tensor(np.asarray(x0))
    measured = measured.to(torch.complex64 if measured.is_complex() else torch.float32)
    if not measured.numel():
        raise BadInput(f"x0 has shape {tuple(measured.shape)}: it is empty")
    strange = int((~measured.isfinite()).sum())
    if strange:
        raise BadInput(f"x0 has {strange} NaN or infinite values; leave those out of A")
    return measured.detach()


def _tensor(values: Pixels) -> Tensor:
    """In the order of this machine."""
    if values.dtype.kind not in "biufc":
        raise BadInput(f"x0 has dtype {values.dtype}; give real or complex numbers")
    return torch.from_numpy(values.astype(np.complex64 if values.dtype.kind == "c" else np.float32))


def _bounds(bounds: Any) -> tuple[float, float] | None:
    """The least and the greatest value, if they are given."""
    if bounds is None:
        return None
    pair = tuple(bounds) if isinstance(bounds, Sequence | np.ndarray) else ()
    numbers = all(isinstance(each, Real) and math.isfinite(each) for each in pair)
    if len(pair) != 2 or not numbers or not pair[0] < pair[1]:
        raise BadInput(f"bounds are {bounds!r}, but must be two numbers, the first the less")
    return float(pair[0]), float(pair[1])


@torch.enable_grad()
def _check(a: Callable[[Tensor], Tensor], x0: Tensor, planes: tuple[int, ...]) -> None:
    """Raise BadInput if A of an image is not like x0, or has no gradient."""
    seen = a(torch.full((1, *planes), 0.5, device=x0.device, requires_grad=True))
    if not isinstance(seen, Tensor):
        raise BadInput(f"A returned a {type(seen).__name__}; it must be a tensor")
    if not seen.isfinite().all():
        raise BadInput("A of a uniform gray image is not finite; look at A")
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
