"""f is fitted on windows of the picture and applied everywhere: neither the descent nor its memory
grows with the picture.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from .descent import Problem, Rule, Settings, Step, code_generator
from .ensemble import Ensemble
from .fitting import Fit, fit
from .windows import PANELS, Tile, sheet, tiles

LARGEST = 2**18 + 2**17  # pixels of a picture that is fitted as it is
# pixels a side of what f is applied to at a time, a multiple of every grid that the estimates and
# the networks have; and of what is around it that they see
SIDE, MARGIN = 1440, 120

Pose = Callable[[Tensor, int], Problem]  # x0 (1, C, H, W), panels in it -> what to fit


def fit_anywhere(
    pose: Pose,
    x0: Tensor,
    anywhere: bool,
    settings: Settings,
    rule: Callable[[Problem], Callable[[], Rule] | None],
    watch: Callable[[Step], None] | None,
    check: Callable[[Problem], None],
) -> Fit:
    """`fit` of pose(x0), on panels of it where it is large. anywhere: whether the problem can be
    posed on parts.
    """
    large = anywhere and x0[0, 0].numel() > LARGEST
    problem = pose(sheet(x0), PANELS) if large else pose(x0, 1)
    check(problem)
    done = fit(problem, settings, rule(problem), watch)
    return replace(done, image=apply(problem, done, settings, x0)) if large else done


@torch.no_grad()
def apply(
    problem: Problem,
    done: Fit,
    settings: Settings,
    x0: Tensor,
    side: int = SIDE,
    margin: int = MARGIN,
) -> Tensor:
    """x (1, C, H, W): f as it was fitted, on every tile of x0."""
    assert problem.parts
    z = problem.code(code_generator(settings))
    f = Ensemble(problem, done.weights, z, settings.turns, settings.shifts)
    part_of, x = problem.parts(f(z[:1])), torch.empty_like(x0)
    for tile in tiles(x0.shape[-2:], side, margin):
        part = part_of(tile.around(x0))
        _put(x, tile, part.finish(f(part.code)))
    return x


def _put(x: Tensor, tile: Tile, image: Tensor) -> None:
    x[..., tile.core.rows, tile.core.columns] = tile.inside(image)
