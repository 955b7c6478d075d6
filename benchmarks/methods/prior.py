"""Ours: the tasks of the package, and its descent over free pixels for the columns "no prior" and
"TV prior".
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deep_image_prior import (
    Result,
    Settings,
    Step,
    descent,
    energies,
    fit,
    functions,
    operators,
    tasks,
)
from deep_image_prior.energies import Energy
from deep_image_prior.images import Pixels, Scale
from deep_image_prior.objectives import Observed, Preset
from deep_image_prior.stopping import Recipe
from deep_image_prior.tasks import Restoration
from deep_image_prior.windows import WHOLE

from ..problems import Problem
from .method import Contender, Effort, Method, Outcome, Point

POINTS = 40  # of a curve, evenly spaced, besides the powers of two
PACE = {
    "paper": 5.6,
    "fast": 1.2,
    "best": 1.8,
}  # seconds a step and megapixel on two cores (benchmarks.speed)
SHARE = {"paper": 0.25, "fast": 1.0, "best": 1.0}  # of the steps, at budget small

PIXELS = Settings(steps=2000, jitter=0)  # of the descent over free pixels

# of the observations of the problems
UNIT = Scale(0.0, 1.0, np.dtype(np.float32), clips=True, one=1.0)

Pose = Callable[[Problem, Preset, torch.device], descent.Problem]


def tensor(image: Pixels, device: torch.device) -> Tensor:
    """(H, W, C) or (H, W) as (1, C, H, W)."""
    planes = image[..., None] if image.ndim == 2 else image
    return torch.from_numpy(planes.astype(np.float32)).permute(2, 0, 1)[None].to(device)


def pixels(image: Tensor) -> Pixels:
    """(1, C, H, W) as (H, W, C), clipped to [0, 1]."""
    return image[0].permute(1, 2, 0).clamp(0, 1).cpu().numpy()


def descend(
    problem: descent.Problem,
    settings: Settings,
    effort: Effort,
    keep: Collection[int] = (),
    stop: Recipe | None = None,
) -> Outcome:
    """Fit `problem` with a share of the steps: its last and its averaged image, its curve, its
    images at steps `keep`.

    Scoring does not count in the seconds. Steps that see a window have no scores, and there the
    last image is the averaged one.
    """
    settings = replace(
        settings, steps=max(1, round(effort.share * settings.steps)), seed=effort.seed
    )
    every = max(1, settings.steps // POINTS)
    images: dict[str, Pixels] = {}
    curve: list[Point] = []
    start, paused = time.perf_counter(), 0.0
    last: Tensor | None = None

    def watch(step: Step) -> None:
        nonlocal paused, last
        index, at, whole = step.index, time.perf_counter(), step.window is WHOLE
        last = step.image if whole else None
        if index in keep and whole:
            images[f"step {index}"] = pixels(step.image)
        if index % every == 0 or index & (index - 1) == 0 or index == settings.steps:
            scores = [
                effort.score(pixels(x)) if effort.score and whole else None
                for x in (step.image, step.average)
            ]
            curve.append(Point(index, at - start - paused, step.energy.item(), *scores))
        paused += time.perf_counter() - at

    done = fit(problem, settings, stop, watch)
    average = pixels(done.image)
    return Outcome(
        images={
            **images,
            "last": average if last is None else pixels(last),
            "average": average,
        },
        seconds=done.seconds - paused,
        steps=sum(done.steps),
        stopped=done.stopped,
        complete=done.complete,
        interrupted=done.interrupted,
        curve=curve,
    )


def task(
    pose: Pose,
    preset: Preset,
    pace: float,
    share: float,
    keep: Collection[int] = (),
    stops: bool = False,
) -> Contender:
    """A task of the package with a preset, as a contender; pace: seconds a step and megapixel on
    two cores. stops: by its own rule, as a user gets it; published numbers are of every step.
    """

    def method(problem: Problem, effort: Effort) -> Outcome:
        posed = pose(problem, preset, effort.device)
        return descend(posed, preset.settings, effort, keep, posed.rule if stops else None)

    settings = preset.settings
    return Contender(
        method, pace * settings.steps * settings.runs, share, random=True, settings=asdict(settings)
    )


def tasked(
    pose: Pose, presets: Mapping[str, Preset], paces: Mapping[str, float] = PACE
) -> dict[str, Contender]:
    """Every preset of a task as a contender, by name."""
    return {
        name: task(pose, preset, paces[name], SHARE[name], stops=name != "paper")
        for name, preset in presets.items()
    }


def longer(preset: Preset, steps: int) -> Preset:
    """The preset with another number of steps."""
    return replace(preset, settings=replace(preset.settings, steps=steps))


def posed(make: Callable[[Problem], Restoration]) -> Pose:
    """A task of the package as it finds the problem: what happened to it is measured."""

    def pose(problem: Problem, preset: Preset, device: torch.device) -> descent.Problem:
        task = make(problem)
        x0, damage = measured(task, problem, device)
        return task.build(x0, preset, damage, 1)

    return pose


def measured(
    task: Restoration, problem: Problem, device: torch.device
) -> tuple[Tensor, tasks.Damage]:
    """What the task fits, and what it finds that happened to it."""
    values = problem.observation
    scale = replace(UNIT, clips=bool(values.min() >= 0 and values.max() <= 1))
    observation, scale = task.observe(values, lambda image, name="": (tensor(image, device), scale))
    return task.measure(observation, scale, None)


def published(problem: Problem, preset: Preset, device: torch.device) -> descent.Problem:
    """The preset paper for the noise that is found; all of them have the settings of `preset`."""
    task = tasks.Denoise()
    x0, damage = measured(task, problem, device)
    return task.build(x0, task.presets(damage, x0.shape[-2:])["paper"], damage)


def plain(problem: Problem, preset: Preset, device: torch.device) -> descent.Problem:
    """|f(z) - x0|^2 / n, and nothing known of the noise."""
    x0 = tensor(problem.observation, device)
    return preset.problem(Observed(x0, energies.squared_error(x0, operators.identity)))


def _axis(problem: Problem) -> int | None:
    return None if problem.observation.ndim == 2 else -1


def _inpaint(problem: Problem, holes: str) -> Restoration:
    assert problem.known is not None
    return tasks.Inpaint(problem.known, holes=holes, channel_axis=_axis(problem))


def _deblur(problem: Problem) -> Restoration:
    assert problem.kernel is not None
    return tasks.Deblur(problem.kernel, channel_axis=_axis(problem))


denoise = posed(lambda problem: tasks.Denoise())
dejpeg = posed(lambda problem: tasks.Dejpeg(coding=problem.coding, quality=problem.quality))
upscale = posed(lambda problem: tasks.Upscale(problem.factor))
# told the kernel that Pillow has
upscale_lanczos3 = posed(lambda problem: tasks.Upscale(problem.factor, psf="lanczos3"))
deblur = posed(_deblur)


def asked(
    ask: Callable[..., Result],
    name: str,
    settings: Settings,
    files: Callable[[Problem], list[Pixels]],
    told: Callable[[Problem], dict[str, Any]] = lambda problem: {},
) -> Contender:
    """A task as a user has it: files of 8 bits in and out, nothing `told` but the preset. settings:
    of the preset for white noise.
    """

    def method(problem: Problem, effort: Effort) -> Outcome:
        steps = max(1, round(effort.share * settings.steps))
        few = {"steps": steps} if effort.share < 1 else {}
        few |= told(problem)
        device = str(effort.device)
        given = [np.rint(255 * image).astype(np.uint8) for image in files(problem)]
        start = time.perf_counter()
        result = ask(*given, channel_axis=-1, preset=name, seed=effort.seed, device=device, **few)
        return Outcome(
            images={"": result.image / 255},
            seconds=time.perf_counter() - start,
            steps=sum(result.steps),
            stopped=f"{result.stopped}; confidence {result.confidence}",
            uncertainty_db=result.uncertainty_db,
            complete=result.complete,
            interrupted=result.interrupted,
        )

    cost = PACE[name] * settings.steps * settings.runs
    return Contender(method, cost, SHARE[name], random=True, settings=asdict(settings))


def _pair(problem: Problem) -> list[Pixels]:
    assert problem.guide is not None
    return [problem.observation, problem.guide]


_white = tasks.denoise.white()
flash = {
    **{
        name: asked(functions.flash, name, _white[name].settings, _pair)
        for name in ("fast", "best")
    },
    "paper": asked(functions.flash, "paper", tasks.flash.paper().settings, _pair),
}
plain_fast = asked(
    functions.denoise, "fast", _white["fast"].settings, lambda problem: [problem.observation]
)


def enlarging(
    name: str, factor: int, told: Callable[[Problem], dict[str, Any]] = lambda problem: {}
) -> Contender:
    """Upscale as a user has it, who knows how the file kept the picture, and what is `told`."""
    return asked(
        partial(functions.upscale, factor=factor),
        name,
        tasks.upscale.presets(factor)[name].settings,
        lambda problem: [problem.observation],
        lambda problem: {"coding": problem.coding, **told(problem)},
    )


def inpaint(holes: str = "text") -> Pose:
    """Missing pixels of that kind."""
    return posed(lambda problem: _inpaint(problem, holes))


def keeping(contender: Contender) -> Contender:
    """An inpainter with one more image: the average, with the known pixels pasted back, as `dip
    inpaint` writes it.
    """

    def method(problem: Problem, effort: Effort) -> Outcome:
        assert problem.known is not None
        outcome = contender.method(problem, effort)
        kept = np.where(problem.known[..., None], problem.observation, outcome.images["average"])
        return replace(outcome, images={**outcome.images, "average, known kept": kept})

    return replace(contender, method=method)


class Free(nn.Module):
    """f(z) = x: an image that is its own parameter, from U(0, 1/10); whatever the code."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.image = nn.Parameter(0.1 * torch.rand(shape))

    def forward(self, code: Tensor) -> Tensor:
        return self.image


def free_pixels(weight: float) -> Method:
    """Super-resolution by descent over the pixels: |d(x) - x0|^2 / n + weight TV(x) (figure 9)."""

    def method(problem: Problem, effort: Effort) -> Outcome:
        observation = tensor(problem.observation, effort.device)
        batch, channels, height, width = observation.shape
        shape = (batch, channels, problem.factor * height, problem.factor * width)
        fidelity: Energy = energies.squared_error(observation, operators.Downsample(problem.factor))
        posed = descent.Problem(
            network=partial(Free, shape),
            code=lambda generator: observation,
            energy=energies.weighted_sum((1, fidelity), (weight, energies.total_variation))
            if weight
            else fidelity,
        )
        outcome = descend(posed, PIXELS, effort)
        return replace(outcome, images={"": outcome.images["last"]})

    return method


no_prior = Contender(free_pixels(0), cost=100, share=0.5, random=True, settings=asdict(PIXELS))
tv_prior = Contender(free_pixels(1e-7), cost=250, share=0.5, random=True, settings=asdict(PIXELS))
