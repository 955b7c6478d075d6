"""Whether the map of the uncertainty is true: of the tasks as a user calls them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.stats import spearmanr

from deep_image_prior.images import Pixels
from deep_image_prior.restoration import restore
from deep_image_prior.tasks import Restoration

from ..problems import Problem
from .method import Contender, Effort, Outcome

WORST = 0.1  # of the pixels, those with the greatest deviation


STEPS = 300  # or fewer, of most tasks


def calibrated(make: Callable[[Problem], Restoration], preset: str, pace: float) -> Contender:
    """A task with that preset on the observation in 8 bits, and how its map fits its errors."""

    def method(problem: Problem, effort: Effort) -> Outcome:
        task = replace(make(problem), preset=preset, seed=effort.seed, device=str(effort.device))
        result = restore(task, np.rint(255 * problem.observation).astype(np.uint8))
        assert problem.clean is not None
        u = result.uncertainty
        return Outcome(
            images={"": result.image / 255},
            seconds=result.seconds,
            steps=sum(result.steps),
            stopped=result.stopped,
            uncertainty_db=result.uncertainty_db,
            complete=result.complete,
            interrupted=result.interrupted,
            calibration={} if u is None else fit(result.image - 255 * problem.clean, u),
        )

    return Contender(method, pace * STEPS, random=True)


def fit(errors: Pixels, u: Pixels) -> dict[str, float]:
    """How deviations u (H, W) fit `errors` (H, W, C), of the pixels that are not known.

    inside: the share of errors within two deviations. ratio: of the root mean squares of u and of
    the errors. worst: the share of the squared error in the tenth of the pixels with the greatest
    u; at best: in those with the greatest error. rank: Spearman's correlation of u and the error, 0
    if u is the same everywhere.
    """
    drawn = u > 0
    u, errors = u[drawn].astype(float), errors[drawn]
    square = np.square(errors).mean(axis=-1)
    count = max(1, round(WORST * len(u)))
    return {
        "inside": float((np.abs(errors) <= 2 * u[:, None]).mean()),
        "ratio": float(np.sqrt(np.square(u).mean() / square.mean())),
        "worst": float(square[np.argsort(-u)[:count]].sum() / square.sum()),
        "at best": float(np.sort(square)[-count:].sum() / square.sum()),
        "rank": float(spearmanr(u, square).statistic) if np.ptp(u) else 0.0,
    }
