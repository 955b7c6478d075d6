"""x* = f_theta*(z): the runs of the descent, each until its rule stops it, and their image."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from .checkpoint import Checkpoint, kept
from .descent import Part, Problem, code_generator, descend
from .ensemble import Drawn, Ensemble, error_model
from .errors import BadInput, Destabilised
from .phases import APPLYING, Phase, Tell, silence
from .runs import Run, Runs
from .settings import Settings
from .step import Rule, Step, Stop, Weights
from .stopping import Recipe, begun
from .uncertainty import mean_spread
from .windows import WHOLE


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit(Runs):
    """The restored image (1, C, H, W), and the runs that led to it. Where one was interrupted or
    destabilised it is the best there was. variance: of its pixels about the truth, (1, 1, H, W),
    where that is known.
    """

    image: Tensor
    variance: Tensor | None = None

    def whole(self) -> "Fit":
        """This, for what goes on from its image. Raises KeyboardInterrupt or Destabilised if a run
        of it is not complete: of what was asked for there is nothing yet.
        """
        if self.interrupted:
            raise KeyboardInterrupt
        if not self.complete:
            raise Destabilised(self.stopped)
        return self


@dataclass(frozen=True, eq=False)
class Learned:
    """What steps came to. average: x (1, C, H, W), None if they saw only windows; weights: f's."""

    average: Tensor | None
    weights: Weights


@dataclass(frozen=True, eq=False)
class Descent(Learned):
    """A run, and what it came to."""

    run: Run


Image = tuple[Tensor, Tensor | None]  # x (1, C, H, W), and its variance (1, 1, H, W)
Drawing = Callable[[Tell], Image]  # called once more after Ctrl-C, it goes on where it can
# what an image is to be of, where its tiles are kept, whether its variance is wanted -> how to draw
Draw = Callable[[Sequence[Learned], Checkpoint | None, bool], Drawing]


def fit(
    problem: Problem,
    settings: Settings = Settings(),
    stop: Recipe | None = None,
    watch: Callable[[Step], None] | None = None,
    draw: Draw | None = None,
    checkpoint: Checkpoint | None = None,
    tell: Tell = silence,
) -> Fit:
    """x* = f_theta*(z): the running average at the last step, averaged over `settings.runs` runs
    (section 3.1), or of the run that came to the least energy, if they are not alike.

    Where steps saw windows x* is the mean of what f with averaged weights draws by all symmetries.
    draw: another way to it, for other parts of the picture. checkpoint: keeps complete runs, and
    what is drawn of them. tell: called with what is done after the steps, if that takes long.

    stop: a rule (stopping.py), copied for each run, or what makes one. watch sees every step, its
    images finished. Ctrl-C and a destabilised run end with the best so far: the mean of the
    complete runs, or else of the others, drawn to the end unless Ctrl-C comes once more. Raises
    Destabilised or KeyboardInterrupt if there is no good step to return, BadInput if the rule has
    no use for such steps.
    """
    draw = draw or partial(_drawing, problem, settings)
    descents: list[Descent] = []
    for k in range(settings.runs):
        try:
            one = replace(settings, seed=settings.seed + k)
            descents.append(
                _kept_descent(checkpoint, f"run{k + 1}", problem, one, stop, watch, draw)
            )
        except (KeyboardInterrupt, Destabilised) as end:
            if not descents:
                raise
            descents.append(_without_steps(_ended(end, 0, f"at the start of run {k + 1}")))
        if descents[-1].run.interrupted:
            break
    # an unfinished run would spoil the mean of the finished ones
    best = [each for each in descents if each.run.complete]
    best = best or [each for each in descents if each.run.energies]
    best = best if problem.alike else [min(best, key=lambda each: each.run.energy)]
    interrupted, of_the_best = descents[-1].run.interrupted, partial(_of_the_best, tell)
    start = time.perf_counter()
    # the same call, when it goes on, draws other weights
    begin = partial(draw, best, None if interrupted else checkpoint, True)
    drawing: Drawing | None = None
    try:
        drawing = begin()
        image, variance = drawing(of_the_best if interrupted else tell)
    except KeyboardInterrupt as end:
        if interrupted or isinstance(end.__context__, KeyboardInterrupt):  # once more
            raise
        descents.append(_without_steps(Stop("late", 0, "interrupted after the last step")))
        image, variance = (drawing or begin())(of_the_best)
    seconds = time.perf_counter() - start
    return Fit(
        image=image,
        variance=variance,
        runs=tuple(replace(each.run, used=each in best) for each in descents),
        seconds=sum(each.run.seconds for each in descents) + seconds,
    )


def _kept_descent(checkpoint: Checkpoint | None, name: str, *how: Any) -> Descent:
    def make() -> dict[str, Any]:
        made = _descent(*how)
        return {**vars(made), "run": asdict(made.run), "complete": made.run.complete}

    found = kept(checkpoint, name, make, lambda found: found["complete"])
    run = Run(**{**found["run"], "stop": Stop(**found["run"]["stop"])})
    return Descent(found["average"], found["weights"], run)


@torch.enable_grad()
def _descent(
    problem: Problem,
    settings: Settings,
    stop: Recipe | None,
    watch: Callable[[Step], None] | None,
    draw: Draw,
) -> Descent:
    start = time.perf_counter()
    rule = begun(stop) if stop else None
    energies: list[Tensor] = []
    last: Step | None = None
    stopped: Stop | None = None
    try:
        for step in descend(problem, settings):
            last = step
            energies.append(step.energy)
            if watch:
                watch(_finished(step, problem, draw))
            if rule and (stopped := _seen(rule, step)):
                break
    except (KeyboardInterrupt, Destabilised) as end:
        if last is None:
            raise
        stopped = _ended(end, last.index, f"at step {last.index}")
    assert last is not None  # Settings.steps is at least 1
    stopped = stopped or _budget(settings.steps, len(energies))
    chosen = (rule and rule.chosen) or last
    run = Run(
        energies=torch.stack(energies).tolist(),
        stop=stopped,
        chosen=chosen.index,
        seconds=time.perf_counter() - start,
    )
    doubt = rule.uncertainty_db if rule and run.complete else None
    learned = _learned(chosen)
    return Descent(learned.average, learned.weights, replace(run, uncertainty_db=doubt))


def _without_steps(stop: Stop) -> Descent:
    return Descent(None, {}, Run((), stop, chosen=0, seconds=0.0))


def _learned(step: Step) -> Learned:
    return Learned(step.average if step.window is WHOLE else None, step.weights)


def _seen(rule: Rule, step: Step) -> Stop | None:
    if rule.whole and step.window is not WHOLE:
        raise BadInput(
            "this rule compares whole images, and a step sees windows of the picture; use the "
            "preset paper (--preset paper)"
        )
    stop = rule.update(step)
    if stop is not None and not isinstance(stop, Stop):
        name = type(rule).__name__
        raise BadInput(f"{name}.update returned {stop!r}; return a Stop, or None to go on")
    return stop


def _ended(end: BaseException, step: int, where: str) -> Stop:
    if isinstance(end, KeyboardInterrupt):
        return Stop("interrupted", step, f"interrupted {where}")
    return Stop("destabilised", step, str(end))


def _budget(steps: int, good: int) -> Stop:
    back = f", {steps - good} of them taken back" if good < steps else ""
    return Stop("budget", good, f"budget: {steps} step{'s' if steps > 1 else ''}{back}")


def _of_the_best(tell: Tell, phase: Phase) -> None:
    tell(replace(phase, name=f"{phase.name} what was learned"))


def _drawing(
    problem: Problem,
    settings: Settings,
    learned: Sequence[Learned],
    checkpoint: Checkpoint | None,
    uncertain: bool,
) -> Drawing:
    """Of all of the picture at once, of which nothing is kept."""
    return partial(_drawn, problem, settings, learned, uncertain)


def _drawn(
    problem: Problem,
    settings: Settings,
    learned: Sequence[Learned],
    uncertain: bool,
    tell: Tell,
) -> Image:
    """The mean of the averages; or, f fitted on windows of the picture, x of all of it."""
    trials = problem.trials() if uncertain else ()
    averages = [each.average for each in learned if each.average is not None]
    average = torch.stack([problem.finish(x) for x in averages]).mean(dim=0) if averages else None
    if average is None:
        tell(Phase(APPLYING))
    elif not trials:
        return problem.complete(average), None
    z = problem.code(code_generator(settings))

    @cache
    def f() -> Ensemble:
        weights = [each.weights for each in learned]
        return Ensemble(problem, weights, z, settings.turns, settings.shifts)

    part = problem.whole(f()) if problem.whole else Part(z[:1], problem.finish)
    drawn = f().restored(part) if average is None else Drawn(average, part, problem.images)
    if not trials:
        return drawn.image, None
    model = error_model(trials, lambda tried: drawn if tried is None else f().restored(tried))
    s, missing = drawn.spread, drawn.missing
    return drawn.image, missing * model.variance(s, mean_spread(s, missing))


def _finished(step: Step, problem: Problem, draw: Draw) -> Step:
    """`step` with what of its images is restored; that of a window is left as it is."""

    learned = _learned(step)

    def restored() -> Tensor:
        return draw([learned], None, False)(silence)[0]

    if step.window is WHOLE:
        image, average = problem.finish(step.image), problem.finish(step.average)
        step = replace(step, image=image, average=average)
    return replace(step, restored=restored)
