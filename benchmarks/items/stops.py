"""Where the fits stop by themselves: every kind of noise on twelve pictures, against the best step
of the same run.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from deep_image_prior import tasks
from deep_image_prior.images import Pixels

from .. import data
from ..methods import Contender, Effort, Outcome, prior
from ..methods.classical import untouched
from ..methods.prior import PACE
from ..methods.stops import stopped
from ..problems import Problem, centred, compressed, noisy
from .denoising import NOISES
from .item import Item, column

CLOSE = 0.3  # dB
PICTURES = [("denoise9", name) for name in data.names("denoise9")]
PICTURES += [("set5", name) for name in ("baby", "butterfly", "woman")]
KINDS: dict[str, Callable[[str, Pixels], Problem]] = {
    "sigma10": NOISES["sigma10"],
    "sigma25": noisy,
    "sigma50": NOISES["sigma50"],
    "photons30": NOISES["photons30"],
    **{f"jpeg{quality}": partial(compressed, quality=quality) for quality in (10, 20, 30)},
    "impulses20": NOISES["impulses20"],
}
CASES = {f"{source[1]}-{kind}": source for source in PICTURES for kind in KINDS}


def _damaged(folder: Path, picture: str, crop: int) -> Problem:
    return KINDS[picture.partition("-")[2]](
        picture, centred(data.load(folder, *CASES[picture]), crop)
    )


def _either(name: str) -> Contender:
    """The preset `name` of the task that the damage calls for."""
    jpeg = stopped(prior.dejpeg, tasks.dejpeg.presets()[name], PACE[name])
    filling = stopped(prior.denoise, tasks.denoise.impulses()[name], PACE[name])
    other = stopped(prior.denoise, tasks.denoise.white()[name], PACE[name])

    def method(problem: Problem, effort: Effort) -> Outcome:
        kinds = (("-jpeg", jpeg), ("-impulses", filling), ("", other))
        chosen = next(contender for kind, contender in kinds if kind in problem.name)
        return chosen.method(problem, effort)

    return Contender(method, other.cost, random=True, settings=other.settings)


def verdicts(
    records: Sequence[Mapping[str, Any]], metric: str = "PSNR", close: float = CLOSE
) -> list[str]:
    """How often each rule chose within `close` dB of the best, and how often its image was worse
    than the observation.
    """
    inputs = {r["picture"]: r["scores"]["x0"][metric] for r in records if r["method"] == "x0"}
    lines = []
    for method in sorted(
        {r["method"] for r in records if column(r["method"], "best") in r["scores"]}
    ):
        runs = [r for r in records if r["method"] == method and r["complete"]]
        for rule in ("chosen", "discrepancy", "variance", "end"):
            losses = [
                (_score(r, "best", metric) - _score(r, rule, metric), r)
                for r in runs
                if column(method, rule) in r["scores"]
            ]
            if losses:
                near = sum(loss <= close for loss, _ in losses)
                worse = sum(
                    _score(r, rule, metric) < inputs.get(r["picture"], 0) for _, r in losses
                )
                worst, run = max(losses, key=lambda each: each[0])
                lines.append(
                    f"{method}, {rule}: within {close} dB of the best step in {near} of "
                    f"{len(losses)} cases, worse "
                    f"than the input in {worse}; at the most {worst:.2f} dB below the best "
                    f"({run['picture']})"
                )
        lines += _calibrated(method, runs, metric, close)
    return lines


def _score(record: Mapping[str, Any], image: str, metric: str) -> float:
    return float(record["scores"][column(record["method"], image)][metric])


def _calibrated(
    method: str, runs: Sequence[Mapping[str, Any]], metric: str, close: float
) -> list[str]:
    """Whether the cases with more doubt lost more."""
    pairs = sorted(
        (r["uncertainty_db"], _score(r, "best", metric) - _score(r, "chosen", metric))
        for r in runs
        if r.get("uncertainty_db") is not None
    )
    lines = []
    for low, high in ((0, 0.5), (0.5, 1.5), (1.5, float("inf"))):
        losses = [loss for doubt, loss in pairs if low <= doubt < high]
        if losses:
            near = sum(loss <= close for loss in losses)
            lines.append(
                f"{method}, doubt from {low} to {high} dB: within {close} dB in {near} of "
                f"{len(losses)} cases"
            )
    return lines


stops = Item(
    name="stops",
    shows="The step that the fits choose by themselves, for eight kinds of damage on twelve "
    "pictures",
    protocol="Gaussian of sigma 10, 25, 50, Poisson of 30 photons at white, JPEG of quality "
    "10, 20, 30, a fifth of the "
    "values black or white; clipped, not rounded but for JPEG. RGB PSNR, peak 1, of averaged "
    "images: the best of the "
    "run, the one chosen, those of the rules that only bear witness, and the last. Nothing is "
    "told to any of them.",
    pictures=CASES,
    make=_damaged,
    presets={name: _either(name) for name in ("fast", "paper")},
    baselines={"x0": untouched},
    metrics=("PSNR",),
    verdicts=verdicts,
)
