"""f as it was fitted, applied to any part of the picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .descent import Part, Problem, Trial, untrained
from .padding import pad_reflect
from .step import Weights
from .symmetries import Symmetry
from .uncertainty import ErrorModel, most_likely, spread

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
        self.networks = [_settled(problem, each, z) for each in weights]
        moves = [(k * shifts // turns, (5 * k % turns) * shifts // turns) for k in range(turns)]
        self.symmetries = [
            Symmetry(turn, ((top, shifts - 1 - top), (left, shifts - 1 - left)))
            for turn, (top, left) in enumerate(moves)
        ]

    @torch.no_grad()
    def __call__(self, z: Tensor, top: int = 0, left: int = 0) -> Tensor:
        """x (1, C, h, w) of z (1, C', h, w), which begins at row `top` and column `left` of the
        picture; 0 before the first whole cell.
        """
        before = [-first % CELL for first in (top, left)]
        z = z[..., before[0] :, before[1] :]
        height, width = z.shape[-2:]
        z = pad_reflect(z, (0, -height % CELL), (0, -width % CELL))
        count = len(self.networks) * len(self.symmetries)
        images = (g.inverse(f(g(z))) for f in self.networks for g in self.symmetries)
        x = (sum(images, start=z.new_zeros(())) / count)[..., :height, :width]
        return F.pad(x, (before[1], 0, before[0], 0))

    def restored(self, part: Part, top: int = 0, left: int = 0) -> "Drawn":
        """What is restored of `part`, at row `top` and column `left` of the picture."""
        x = part.finish(self(part.code, top, left))
        following = part.again(x)
        return Drawn(x, part) if following is None else self.restored(following)

    def error_model(self, trials: Sequence[Trial]) -> ErrorModel | None:
        """How its errors go with what it draws; None if there are no trials."""
        if not trials:
            return None
        drawn = [self.restored(trial.part) for trial in trials]
        errors = [trial.error(each.image) for trial, each in zip(trials, drawn, strict=True)]
        return most_likely([each.spread for each in drawn], errors)


@dataclass(frozen=True)
class Drawn:
    """An image x (B, C, h, w), the first of which is the picture's, and the part that it is of."""

    image: Tensor
    part: Part

    @property
    def spread(self) -> Tensor:
        """Of x around its code (uncertainty.py), (1, 1, h, w)."""
        return spread(self.image[:1], self.part.code[:1], self.part.missing)

    def variance(self, model: ErrorModel) -> Tensor:
        """Of x, the mean over its channels, (1, 1, h, w); 0 where it is known."""
        variance, missing = model.variance(self.spread), self.part.missing
        return variance if missing is None else variance * missing.mean(dim=1, keepdim=True)


@torch.no_grad()
def _settled(problem: Problem, weights: Weights, z: Tensor) -> nn.Module:
    network = untrained(problem.network, 0).to(z.device)
    network.load_state_dict(weights, strict=False)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    network(z)
    return network.eval()
