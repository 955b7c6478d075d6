"""The rules that stop a fit, against the best that the same run had: for the items `stops`,
`camera` and `correlated`.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from deep_image_prior import Rule, Settings, Step, Stop, denoise, fit
from deep_image_prior.images import Pixels
from deep_image_prior.objectives import Preset
from deep_image_prior.windows import WHOLE

from ..problems import Problem
from .method import Contender, Effort, Outcome
from .prior import Pose, pixels


class Best:
    """Watches a run for the averaged image of the highest score, which no rule knows; seconds: that
    this took. There is none where steps see only a part of the picture, which is of `shape`.
    """

    def __init__(self, score: Callable[[Pixels], float] | None, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.score = score or (lambda image: 0.0)
        self.highest, self.seconds = -math.inf, 0.0
        self.image: Pixels | None = None

    def __call__(self, step: Step) -> None:
        start = time.perf_counter()
        average = pixels(step.average)
        if average.shape != self.shape:
            return
        score = self.score(average)
        if score > self.highest:
            self.highest, self.image = score, average
        self.seconds += time.perf_counter() - start

    @property
    def images(self) -> dict[str, Pixels]:
        return {} if self.image is None else {"best": self.image}


class Follower(Rule):
    """Never stops: what `rule` and those beside it chose until it would have stopped."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.stopped: Stop | None = None
        self.choices: dict[str, Step] = {}

    def update(self, step: Step) -> None:
        if self.stopped is None:
            self.stopped = self.rule.update(step)
            self.choices["chosen"] = self.rule.chosen or step
            self.choices.update(getattr(self.rule, "choices", {}))

    @property
    def uncertainty_db(self) -> float | None:
        return self.rule.uncertainty_db


def stopped(pose: Pose, preset: Preset, pace: float) -> Contender:
    """A preset with all of its steps, and the averaged images that its rule and those beside it
    chose on the way.

    best: the average of the highest score, which no rule knows. Rules see no step after the one
    they stopped at. Where steps see windows there is one image, that of all of them.
    """

    def method(problem: Problem, effort: Effort) -> Outcome:
        posed = pose(problem, preset, effort.device)
        rule = posed.rule() if posed.rule else None
        follower = Follower(rule) if rule else None
        best = Best(effort.score, problem.observation.shape)

        recipe = (lambda: follower) if follower else None
        done = fit(posed, _shared(preset.settings, effort), recipe, watch=best)
        end = pixels(done.image)
        choices = follower.choices if follower else {}
        found = {
            name: pixels(posed.finish(step.average))
            for name, step in choices.items()
            if step.window is WHOLE
        } or {"chosen": end}
        return Outcome(
            images={**best.images, **found, "end": end},
            seconds=done.seconds,
            steps=sum(done.steps),
            stopped=str((follower and follower.stopped) or done.stopped),
            uncertainty_db=done.uncertainty_db,
            complete=done.complete,
            interrupted=done.interrupted,
        )

    return Contender(
        method, pace * preset.settings.steps, random=True, settings=asdict(preset.settings)
    )


def unstopped(pose: Pose, preset: Preset, pace: float, share: float = 1.0) -> Contender:
    """A preset with all of its steps: the averaged image at its best, which no rule knows, and at
    the end.
    """

    def method(problem: Problem, effort: Effort) -> Outcome:
        best = Best(effort.score, problem.observation.shape)
        posed = pose(problem, preset, effort.device)
        done = fit(posed, _shared(preset.settings, effort), watch=best)
        return Outcome(
            images={**best.images, "average": pixels(done.image)},
            seconds=done.seconds - best.seconds,
            steps=sum(done.steps),
            stopped=done.stopped,
            complete=done.complete,
            interrupted=done.interrupted,
        )

    return Contender(
        method, pace * preset.settings.steps, share, random=True, settings=asdict(preset.settings)
    )


def answered(name: str, settings: Settings, pace: float, share: float) -> Contender:
    """The denoiser as a user has it: a file of 8 bits in and out, nothing told but the preset.

    best: the averaged image of the highest score of the same run, were it not stopped; it is run
    once more for that, if it was.
    """

    def method(problem: Problem, effort: Effort) -> Outcome:
        best = Best(effort.score, problem.observation.shape)
        file = np.rint(255 * problem.observation).astype(np.uint8)
        options: dict[str, Any] = {
            "channel_axis": -1,
            "preset": name,
            # the steps are those of the preset for the noise that is found
            **({"steps": _shared(settings, effort).steps} if effort.share < 1 else {}),
            "seed": effort.seed,
            "device": str(effort.device),
            "watch": best,
        }
        start = time.perf_counter()
        result = denoise(file, **options)
        seconds = time.perf_counter() - start - best.seconds
        if result.complete and any(run.stop.rule != "budget" for run in result.runs):
            denoise(file, stop="never", **options)
        said = f"; confidence {result.confidence}" if result.confidence else ""
        return Outcome(
            images={"": result.image / 255, **best.images},
            seconds=seconds,
            steps=sum(result.steps),
            stopped=f"{result.stopped}{said}",
            complete=result.complete,
            interrupted=result.interrupted,
        )

    # at the most twice
    return Contender(method, 2 * pace * settings.steps, share, True, settings=asdict(settings))


def _shared(settings: Settings, effort: Effort) -> Settings:
    """A share of the steps, and the seed."""
    steps = max(1, round(effort.share * settings.steps))
    return replace(settings, steps=steps, seed=effort.seed)
