"""Where f cannot be fitted to all of a picture and does not carry over: z the best estimate, and
E the distance to it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import torch
from torch import Tensor

from ..degradations import CorrelatedNoise
from ..descent import Part, Problem
from ..energies import Energy, mean_square
from ..parallel import each
from ..windows import Place, Windows
from .guided import Estimates
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

        def last(both: Tensor, place: Place = (0, 0)) -> Tensor:
            photo, guide = observed.apart(both)
            return self.estimates(noise, photo, self.count, place, guide)[-1:]

        @cache
        def made() -> Tensor:
            panels = observed.both.chunk(observed.panels, dim=-1)
            return torch.cat(each(last, panels, x0.device), dim=-1)

        channels = x0.shape[1]
        return Problem(
            partial(network, channels, channels),
            lambda generator: made(),
            _Distance(made),
            shape=tuple(x0.shape),
            panels=observed.panels,
            parts=lambda f: lambda image, place: Part(last(image, place)),
            exact=False,
        )


class _Distance:
    """E(x) = |x - e|^2 / n, e the estimate (1, C, H, W), made when it is first asked for."""

    def __init__(self, estimate: Callable[[], Tensor]) -> None:
        self.estimate = estimate

    def __call__(self, image: Tensor) -> Tensor:
        return mean_square(self.estimate())(image)

    def at(self, window: Windows) -> Energy:
        return mean_square(self.estimate()).at(window)
