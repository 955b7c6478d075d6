"""Where f cannot be fitted to all of a picture and does not carry over: z estimates, the best one
first, and E the distance to that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import torch
from torch import Tensor

from ..degradations import CorrelatedNoise
from ..descent import Part, Problem, Trial
from ..energies import Energy, mean_square
from ..parallel import each
from ..windows import Place, Windows
from .guided import Estimates, likely_error
from .objective import Architecture, Objective, Observed


@dataclass(frozen=True)
class Estimated(Objective):
    """The last estimate itself, for a network that begins as f(z) = z.

    What an hourglass learns of some panels under noise that it does not know does not hold for the
    others: mixed with the estimate as in `Guided` it cost 3 dB on them.

    estimates: as `Guided` has them; count: how many.
    """

    panel = 256
    estimates: Estimates
    count: int = 3

    def problem(self, network: Architecture, observed: Observed) -> Problem:
        noise, x0 = observed.damaged_by(CorrelatedNoise), observed.x0

        def best_first(both: Tensor, place: Place = (0, 0)) -> Tensor:
            photo, guide = observed.apart(both)
            made = self.estimates(noise, photo, self.count, place, guide)
            return made.flip(0).flatten(0, 1)[None]

        @cache
        def made() -> Tensor:
            panels = observed.both.chunk(observed.panels, dim=-1)
            return torch.cat(each(best_first, panels, x0.device), dim=-1)

        def error(x: Tensor) -> Tensor:
            return likely_error(x, made()[:, -channels:], noise.variance)

        _, channels, height, width = x0.shape
        inputs = self.count * channels
        return Problem(
            partial(network, inputs, channels),
            lambda generator: made(),
            Distance(lambda: made()[:, :channels]),
            shape=(1, inputs, height, width),
            panels=observed.panels,
            parts=lambda f: lambda both, place: Part(best_first(both, place), place=place),
            exact=False,
            images=self.count,
            trials=lambda: [Trial(Part(made()), error)],
        )


class Distance:
    """E(x) = |x - e|^2 / n, e the estimate (1, C, H, W), made when it is first asked for."""

    def __init__(self, estimate: Callable[[], Tensor]) -> None:
        self.estimate = estimate

    def __call__(self, image: Tensor) -> Tensor:
        return mean_square(self.estimate())(image)

    def at(self, window: Windows) -> Energy:
        return mean_square(self.estimate()).at(window)
