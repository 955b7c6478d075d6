"""Operators of one's own: the problems of examples/, against total variation and what is made
without a prior.
"""

import sys
import time
from dataclasses import asdict
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from deep_image_prior import descent
from deep_image_prior.objectives import Preset
from deep_image_prior.operators import differentiable
from deep_image_prior.solving import pose
from deep_image_prior.stopping import Discrepancy
from deep_image_prior.tasks import Solve
from deep_image_prior.tasks.solve import presets

from ..methods import Contender, Effort, Outcome, prior
from ..methods.classical import untouched
from ..problems import Problem
from .item import Item

EXAMPLES = Path(__file__).parents[2] / "examples"  # scripts, which import each other by name
SIDE = 256  # at budget paper
VARIATION_STEPS = 600  # a weight
SCRIPTS: dict[str, tuple[str, dict[str, Any]]] = {
    "tomography": ("tomography", {}),
    "tomography of a phantom": ("tomography", {"name": "phantom"}),
    "Fourier samples": ("fourier", {}),
    "phase retrieval": ("phase", {}),
    "demosaicing": ("demosaicing", {}),
}


def _script(name: str) -> Any:
    if str(EXAMPLES) not in sys.path:
        sys.path.append(str(EXAMPLES))
    return import_module(name)


def _make(folder: Path, picture: str, crop: int) -> Problem:
    """The pictures are those of scikit-image, resized to the crop."""
    name, options = SCRIPTS[picture]
    example = _script(name).example(crop or SIDE, **options)
    simple = next(iter(example.rivals.values()))
    return Problem(
        picture,
        prior.pixels(simple),
        prior.pixels(example.truth),
        sigma=example.sigma,
        example=example,
    )


def _solved(preset: str) -> Contender:
    """Told the deviation of the noise."""
    chosen = presets(told=True)[preset]

    def method(problem: Problem, effort: Effort) -> Outcome:
        posed = _posed(problem, chosen, effort)
        stop = posed.rule
        if chosen.objective.compares and problem.sigma:
            stop = partial(Discrepancy, problem.sigma, clipped=False)
        return prior.descend(posed, chosen.settings, effort, stop=stop)

    cost = prior.PACE[preset] * chosen.settings.steps * chosen.settings.runs
    return Contender(method, cost, random=True, settings=asdict(chosen.settings))


def _posed(problem: Problem, preset: Preset, effort: Effort) -> descent.Problem:
    example = problem.example
    task = Solve(
        example.operator,
        example.truth.shape[1:],
        sigma=example.sigma,
        finish=lambda x: example.support * x,
    )
    a = differentiable(task.operator, task.shape, effort.device)
    return pose(task, a, example.x0.to(effort.device), preset)


def _least_variation(problem: Problem, effort: Effort) -> Outcome:
    """Of descents over the pixels from the simple image, one a weight, the best by the truth."""
    example, compare = problem.example, _script("compare")
    steps = max(1, round(effort.share * VARIATION_STEPS))
    begun = time.perf_counter()
    draw = partial(compare.total_variation, example, next(iter(example.rivals.values())))
    images = [draw(weight, steps) for weight in compare.WEIGHTS]
    best = prior.pixels(example.support * max(images, key=example.psnr))
    return Outcome({"": best}, time.perf_counter() - begun, steps * len(images))


operators = Item(
    name="operators",
    shows="Operators of one's own: tomography, Fourier samples, phase retrieval, demosaicing",
    protocol="Pictures of scikit-image, resized; the measurements of examples/, with Gaussian "
    "noise whose deviation is told to the prior and to total variation, which is also told the "
    "best of four weights by the truth. The simple image is the filtered back-projection, the "
    "inverse transform with zeros, error reduction and bilinear interpolation; tomographic images "
    "are zero outside their disc.",
    pictures=dict.fromkeys(SCRIPTS, ("", "")),
    make=_make,
    baselines={
        "simple image": untouched,
        "total variation": Contender(_least_variation, cost=1500),
    },
    presets={name: _solved(name) for name in ("fast", "best", "paper")},
    metrics=("PSNR", "SSIM"),
)
