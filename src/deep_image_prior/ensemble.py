"""f as it was fitted, applied to any part of the picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .descent import Part, Problem, Trial, untrained
from .padding import pad_reflect
from .step import Weights
from .symmetries import Symmetry
from .uncertainty import ErrorModel, most_likely, spread
from .windows import Place

CELL = 32  # pixels: the coarsest scale of the networks


class Ensemble:
    """x = the mean of g^-1 f(g z) over the weights of several runs and over symmetries g.

    z: (B, C', H, W) that f was fitted on; its statistics are those of the normalisation from now
    on. turns, shifts: of the descent; a shift goes with each turn. A pixel lies in the same cell in
    every part of the picture.
    """

    def __init__(
        self, problem: Problem, weights: Sequence[Weights], z: Tensor, turns: int, shifts: int
    ) -> None:
        self.images = problem.images
        self.networks = [_settled(problem, each, z) for each in weights]
        moves = [(k * shifts // turns, (5 * k % turns) * shifts // turns) for k in range(turns)]
        self.symmetries = [
            Symmetry(turn, ((top, shifts - 1 - top), (left, shifts - 1 - left)))
            for turn, (top, left) in enumerate(moves)
        ]

    @torch.no_grad()
    def __call__(self, z: Tensor, place: Place = (0, 0)) -> Tensor:
        """x (1, C, h, w) of z (1, C', h, w), which begins at that row and column of the picture."""
        (top, left), (height, width) = (first % CELL for first in place), z.shape[-2:]
        z = pad_reflect(z, (top, -(top + height) % CELL), (left, -(left + width) % CELL))
        count = len(self.networks) * len(self.symmetries)
        images = (
            torch.cat([g.inverse(f(g(each))) for each in z.split(1)])
            for f in self.networks
            for g in self.symmetries
        )
        x = sum(images, start=z.new_zeros(())) / count
        return x[..., top : top + height, left : left + width]

    def restored(self, part: Part) -> "Drawn":
        """What is restored of `part`."""
        x = part.finish(self(part.code, part.place))
        following = part.again(x)
        return Drawn(x, part, self.images) if following is None else self.restored(following)


@dataclass(frozen=True)
class Drawn:
    """An image x (B, C, h, w), the first of which is the picture's, and the part that it is of.
    images: how many of x the code begins with; None for all.
    """

    image: Tensor
    part: Part
    images: int | None = None

    @property
    def spread(self) -> Tensor:
        """Of x around the images in its code (uncertainty.py), (1, 1, h, w)."""
        count = self.images and self.images * self.image.shape[1]
        return spread(self.image[:1], self.part.code[:1, :count], self.part.missing)

    @property
    def missing(self) -> Tensor:
        """The share of channels in which x is drawn, (1, 1, h, w)."""
        missing = self.part.missing
        return torch.ones_like(self.image[:1, :1]) if missing is None else missing.mean(1, True)


def error_model(trials: Sequence[Trial], drawn: Callable[[Part | None], Drawn]) -> ErrorModel:
    """How the errors of what is drawn of `trials` go with its spread."""
    results = [drawn(trial.part) for trial in trials]
    errors = [trial.error(each.image) for trial, each in zip(trials, results, strict=True)]
    return most_likely([each.spread for each in results], errors)


@torch.no_grad()
def _settled(problem: Problem, weights: Weights, z: Tensor) -> nn.Module:
    network = untrained(problem.network, 0).to(z.device)
    network.load_state_dict(weights, strict=False)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    network(z)
    return network.eval()
