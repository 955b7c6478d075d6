"""The rules that stop a fit, against the best that the same run had: for the item `stops`."""

from dataclasses import asdict

from deep_image_prior import Step, fit
from deep_image_prior.images import Pixels
from deep_image_prior.tasks import Preset

from ..problems import Problem
from .method import Contender, Effort, Outcome
from .prior import Pose, pixels


def stopped(pose: Pose, preset: Preset, pace: float) -> Contender:
    """A preset with all of its steps, and the averaged images that its rule and those beside it
    chose on the way.

    best: the average of the highest score, which no rule knows. Rules see no step after the one
    they stopped at.
    """

    def method(problem: Problem, effort: Effort) -> Outcome:
        posed = pose(problem, preset, effort.device)
        rule = posed.rule() if posed.rule else None
        reason: str | None = None
        best: tuple[float, Pixels] | None = None

        def watch(step: Step) -> None:
            nonlocal reason, best
            average = pixels(step.average)
            score = effort.score(average) if effort.score else 0.0
            if best is None or score > best[0]:
                best = score, average
            if rule and reason is None:
                reason = rule(step)
                chosen["chosen"] = getattr(rule, "chosen", None) or step
                chosen.update(getattr(rule, "choices", {}))

        chosen: dict[str, Step] = {}
        done = fit(posed, preset.settings, watch=watch)
        assert best is not None
        end = pixels(done.image)
        found = {name: pixels(step.average) for name, step in chosen.items()} or {"chosen": end}
        doubt = getattr(rule, "uncertainty_db", None)
        return Outcome(
            images={"best": best[1], **found, "end": end},
            seconds=done.seconds,
            steps=sum(done.steps),
            stopped=f"{reason or done.stopped}{'' if doubt is None else f'; doubt {doubt:.2f} dB'}",
            complete=done.complete,
            interrupted=done.interrupted,
        )

    return Contender(
        method, pace * preset.settings.steps, random=True, settings=asdict(preset.settings)
    )
