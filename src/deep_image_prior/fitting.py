"""x* = f_theta*(z): the runs of the descent, each until its rule stops it, and their image."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from .checkpoint import Checkpoint, kept
from .descent import (
    Destabilised,
    Part,
    Problem,
    Rule,
    Settings,
    Step,
    Weights,
    code_generator,
    descend,
)
from .ensemble import Ensemble
from .phases import Phase, Tell, silence
from .windows import WHOLE


@dataclass(frozen=True)
class Fit:
    """The restored image (1, C, H, W), the energy of every step, the steps of each run, and why it
    ended.

    chosen: the step whose average the image is, of each run that it is made of. uncertainty_db: the
    rule's, or None. complete is false if a run was interrupted or destabilised: the image is
    then the best there was.
    """

    image: Tensor
    history: list[float]
    steps: list[int]
    chosen: list[int]
    uncertainty_db: float | None
    stopped: str
    seconds: float
    complete: bool
    interrupted: bool


@dataclass(frozen=True)
class Run:
    """One descent. average: x (1, C, H, W), or None if its steps saw only windows; weights: f's."""

    history: list[float]
    chosen: int
    average: Tensor | None
    weights: Weights
    uncertainty_db: float | None
    stopped: str
    seconds: float
    complete: bool = True
    interrupted: bool = False


Draw = Callable[[Sequence[Run]], Tensor]  # the runs that an image is to be of -> it, restored


def fit(
    problem: Problem,
    settings: Settings = Settings(),
    stop: Callable[[], Rule] | None = None,
    watch: Callable[[Step], None] | None = None,
    draw: Draw | None = None,
    checkpoint: Checkpoint | None = None,
    tell: Tell = silence,
) -> Fit:
    """x* = f_theta*(z): the running average at the last step, averaged over `settings.runs` runs
    (section 3.1).

    Where steps saw windows x* is the mean of what f with averaged weights draws in all its poses.
    draw: another way to it, for other parts of the picture. checkpoint: keeps complete runs. tell:
    called with what is done after the steps, if that takes long.

    stop makes a rule for each run; a rule says why to stop after a step, or None, and may choose an
    earlier one (stopping.py). watch sees every step, its images finished. Ctrl-C and a destabilised
    run end with the best so far: the mean of the complete runs, or else of the others. Raises
    Destabilised or KeyboardInterrupt if there is no good step to return.
    """
    runs: list[Run] = []
    for k in range(settings.runs):
        try:
            one = replace(settings, seed=settings.seed + k)
            runs.append(_kept_descent(checkpoint, f"run{k + 1}", problem, one, stop, watch))
        except (KeyboardInterrupt, Destabilised) as end:
            if not runs:
                raise
            interrupted = isinstance(end, KeyboardInterrupt)
            reason = f"interrupted at the start of run {k + 1}" if interrupted else str(end)
            none = replace(runs[-1], history=[], seconds=0.0, stopped=reason, complete=False)
            runs.append(replace(none, interrupted=interrupted))
        if runs[-1].interrupted:
            break
    # an unfinished run would spoil the mean of the finished ones
    best = [run for run in runs if run.complete] or [run for run in runs if run.history]
    left_out = ["the image is of the complete runs"] if len(best) < len(runs) else []
    averages = [run.average for run in best if run.average is not None]
    start = time.perf_counter()
    if draw is None and averages:
        image = torch.stack([problem.finish(x) for x in averages]).mean(dim=0)
    elif draw is None:
        tell(Phase(applying(best)))
        image = _drawn(problem, settings, best)
    else:
        image = draw(best)
    return Fit(
        image=image,
        history=[energy for run in runs for energy in run.history],
        steps=[len(run.history) for run in runs],
        chosen=[run.chosen for run in best],
        uncertainty_db=max(
            (run.uncertainty_db for run in best if run.uncertainty_db is not None), default=None
        ),
        stopped="; ".join(dict.fromkeys([*(run.stopped for run in runs), *left_out])),
        seconds=sum(run.seconds for run in runs) + time.perf_counter() - start,
        complete=all(run.complete for run in runs),
        interrupted=runs[-1].interrupted,
    )


def _kept_descent(checkpoint: Checkpoint | None, name: str, *how: Any) -> Run:
    made = kept(checkpoint, name, lambda: vars(_descent(*how)), lambda run: run["complete"])
    return Run(**made)


@torch.enable_grad()
def _descent(
    problem: Problem,
    settings: Settings,
    stop: Callable[[], Rule] | None,
    watch: Callable[[Step], None] | None,
) -> Run:
    start = time.perf_counter()
    rule = stop() if stop else lambda step: None
    energies: list[Tensor] = []
    last: Step | None = None
    stopped, complete, interrupted = f"budget: {settings.steps} steps", True, False
    try:
        for step in descend(problem, settings):
            last = step
            energies.append(step.energy)
            if watch:
                watch(_finished(step, problem))
            if reason := rule(step):
                stopped = str(reason)
                break
        else:
            if back := settings.steps - len(energies):
                stopped += f", {back} of them taken back"
    except (KeyboardInterrupt, Destabilised) as end:
        if last is None:
            raise
        complete, interrupted = False, isinstance(end, KeyboardInterrupt)
        stopped = f"interrupted at step {last.index}" if interrupted else str(end)
    assert last is not None  # Settings.steps is at least 1
    chosen: Step = getattr(rule, "chosen", None) or last
    return Run(
        history=torch.stack(energies).tolist(),
        chosen=chosen.index,
        average=chosen.average if chosen.window is WHOLE else None,
        weights=chosen.weights,
        uncertainty_db=getattr(rule, "uncertainty_db", None) if complete else None,
        stopped=stopped,
        seconds=time.perf_counter() - start,
        complete=complete,
        interrupted=interrupted,
    )


def applying(runs: Sequence[Run]) -> str:
    """The name of what follows the steps."""
    return "applying what was learned" if runs[-1].interrupted else "applying"


def _drawn(problem: Problem, settings: Settings, runs: Sequence[Run]) -> Tensor:
    """x of the picture, f fitted on windows of it."""
    z = problem.code(code_generator(settings))
    f = Ensemble(problem, [run.weights for run in runs], z, settings.turns, settings.shifts)
    return f.restored(problem.whole() if problem.whole else Part(z[:1], problem.finish))


def _finished(step: Step, problem: Problem) -> Step:
    """`step` with what of its images is restored; that of a window is left as it is."""
    if step.window is not WHOLE:
        return step
    return replace(step, image=problem.finish(step.image), average=problem.finish(step.average))
