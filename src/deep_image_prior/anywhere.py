"""Pictures of any size: f is fitted on windows of the picture and applied everywhere, so that
neither the descent nor its memory grows with it; or fitted to one tile after the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from .checkpoint import Checkpoint, kept
from .denoisers import TILE_GRID
from .descent import Part, Problem, code_generator
from .ensemble import Ensemble, error_model
from .fitting import Drawing, Fit, Image, Learned, fit
from .memory import Memory
from .parallel import each
from .phases import APPLYING, Phase, Tell, silence
from .settings import Settings
from .step import Step
from .stopping import Recipe
from .storage import empty, strips
from .uncertainty import ErrorModel, mean_spread
from .windows import LARGEST as LARGEST
from .windows import PANELS, Tile, Window, blended, panels, sheet, tiles

# pixels a side of what f is applied to at a time, from which memory chooses
TILES = (1080, 720, 480, 240, 120)
LARGE_TILES = (4320, 2160)  # beside them, where cores do not share them: fewer margins
FIXED = (720,)  # where a pixel depends on others far beyond the margin: memory must not choose
# the same of what is fitted alone; and that two of them share
FITTED, SHARED = (2048, 1024, 512, 256), 64

Pose = Callable[[Tensor, int], Problem]  # x0 (1, C, H, W), panels in it -> what to fit
RuleOf = Callable[[Problem], Recipe | None]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a picture of any size is fitted.

    pose: of all of it, or of any part. settings: of every descent; rule: of each problem. panel:
    pixels a side of the panels of a large one, 0 if the problem cannot be posed on parts. tiled:
    whether fits of one tile after the other make sense, if memory does not suffice. channels: of x;
    x0 may have those of another picture behind them. factor: how many times as large as x0 x is, to
    a side.
    """

    pose: Pose
    settings: Settings
    rule: RuleOf
    panel: int
    tiled: bool
    channels: int
    factor: int = 1


def fit_anywhere(
    plan: Plan,
    x0: Tensor,
    memory: Memory,
    watch: Callable[[Step], None] | None = None,
    tell: Tell = silence,
    checkpoint: Checkpoint | None = None,
) -> Fit:
    """`fit` of x0 by the plan. Where it is large, on panels of it; or tile by tile, if memory does
    not suffice. Raises BadInput if memory never suffices.
    """
    factor, settings = plan.factor, plan.settings
    height, width = (factor * side for side in x0.shape[-2:])
    large = plan.panel > 0 and height * width > LARGEST
    drawn = (*x0.shape[:2], height, width)
    memory.check_pictures(drawn, in_tiles=large)
    problem = plan.pose(sheet(x0, plan.panel), PANELS) if large else plan.pose(x0, 1)
    if not memory.suffices(problem, settings):
        if not plan.tiled:
            memory.check(problem, settings)
        every = _tiles_that_fit(plan, x0, memory)
        return _fit_tiles(plan, x0, every, watch, tell, checkpoint)
    if watch:
        tell(Phase("learning", total=settings.runs))
    tell(Phase("estimates"))
    side, at_a_time = 0, 1
    if large:
        side, at_a_time = memory.tiling(_sides(problem, x0.device), problem.margin, drawn)

    def draw(learned: Sequence[Learned], checkpoint: Checkpoint | None, uncertain: bool) -> Drawing:
        on_disk = memory.on_disk(drawn)
        tried = panels(x0, plan.panel) if uncertain else None
        return Applied(plan, problem, learned, x0, side, at_a_time, checkpoint, on_disk, tried)

    rule = plan.rule(problem)
    return fit(problem, settings, rule, watch, draw if large else None, checkpoint, tell)


def _sides(problem: Problem, device: torch.device) -> Sequence[int]:
    """Of the tiles that there may be, falling."""
    if not problem.exact:
        return FIXED
    return TILES if device.type == "cpu" else LARGE_TILES + TILES


class Applied:
    """x (1, C, t H, t W): f as it was fitted, on every tile of x0 (1, C + G, H, W), C the channels
    of the plan, t its factor. Called, it draws the tiles that are left.

    problem: that f was fitted to. side: of the tiles, pixels of x; at_a_time: how many of them at
    the most, if not as many as there are threads. checkpoint: keeps them. on_disk:
    whether x is kept in a temporary file. tried: the windows of x0 that the trials of the problem
    are of, if its variance (1, 1, t H, t W) is wanted, too.
    """

    def __init__(
        self,
        plan: Plan,
        problem: Problem,
        learned: Sequence[Learned],
        x0: Tensor,
        side: int,
        at_a_time: int | None = None,
        checkpoint: Checkpoint | None = None,
        on_disk: bool = False,
        tried: Sequence[Window] | None = None,
    ) -> None:
        assert problem.parts
        self.x0, self.channels, self.factor = x0, plan.channels, plan.factor
        self.at_a_time, self.checkpoint, self.on_disk = at_a_time, checkpoint, on_disk
        factor, settings = plan.factor, plan.settings
        z = problem.code(code_generator(settings))
        weights = [each.weights for each in learned]
        self.f = Ensemble(problem, weights, z, settings.turns, settings.shifts)
        self.part_of, self.whole = problem.parts(self.f), Part(z[:1], problem.finish)
        self.trials = problem.trials() if tried else ()
        self.tried = [window.enlarged(factor) for window in tried or ()]
        shape = (plan.channels + 2 * bool(self.trials), *(factor * each for each in x0.shape[-2:]))
        self.x = self._empty(shape)  # behind its channels its spread, and the share that is drawn
        every = tiles(x0.shape[-2:], side // factor, problem.margin // factor, TILE_GRID // factor)
        self.left, self.count = dict(enumerate(every, 1)), len(every)

    @torch.no_grad()
    def __call__(self, tell: Tell) -> Image:
        def draw(numbered: tuple[int, Tile]) -> None:
            number, tile = numbered
            drawn = kept(self.checkpoint, _name(tile), partial(self._restored, tile))
            tile.enlarged(self.factor).core(self.x).copy_(drawn)
            self.left.pop(number, None)
            tell(self._done)

        tell(self._done)
        each(draw, list(self.left.items()), self.x0.device, self.at_a_time)
        if not self.trials:
            return self.x, None
        image, s, missing = self.x.split([self.channels, 1, 1], dim=1)
        model = error_model(self.trials, lambda part: self.f.restored(part or self.whole))
        variance = self._empty(s.shape[1:])
        _set_variance(variance, model, s, missing, self.tried)
        return image, variance

    @property
    def _done(self) -> Phase:
        return Phase(APPLYING, self.count - len(self.left), self.count)

    def _restored(self, tile: Tile) -> Tensor:
        """x, and behind its channels its spread, and the share of them in which it is drawn."""
        around = tile.around(self.x0)
        place = (tile.around.rows.start, tile.around.columns.start)
        part = self.part_of(around, place)
        if part is None:  # all of it is known
            known = around[:, : self.channels]
            images = [known, *([torch.zeros_like(known[:, :1])] * 2 if self.trials else [])]
        else:
            drawn = self.f.restored(part)
            images = [drawn.image, *([drawn.spread, drawn.missing] if self.trials else [])]
        return tile.enlarged(self.factor).inside(torch.cat(images, dim=1)).clone()

    def _empty(self, shape: Sequence[int]) -> Tensor:
        """(1, *shape)."""
        return torch.from_numpy(empty((1, *shape), np.float32, self.on_disk)).to(self.x0.device)


def _name(tile: Tile) -> str:
    """In a checkpoint: memory chooses how large tiles are, and may have another limit next time."""
    rows, columns = tile.core.rows, tile.core.columns
    return f"tile-{rows.start}-{rows.stop}-{columns.start}-{columns.stop}"


def _set_variance(
    variance: Tensor, model: ErrorModel, s: Tensor, missing: Tensor, tried: Sequence[Window]
) -> None:
    """Of x, from its spread s (1, 1, H, W), whose mean is that of the windows tried."""
    known = [window(torch.cat([s, missing], dim=1)) for window in tried]
    mean = mean_spread(*torch.cat(known, dim=-1).split(1, dim=1))
    for rows in strips(*s.shape[-2:]):
        variance[..., rows, :] = missing[..., rows, :] * model.variance(s[..., rows, :], mean)


def _tiles_that_fit(plan: Plan, x0: Tensor, memory: Memory) -> list[Tile]:
    """The largest that may be fitted one by one. Raises BadInput if none may."""

    def posed(side: int) -> Problem:
        return plan.pose(x0[..., :side, :side], 1)

    sides = [side // plan.factor for side in FITTED]
    memory.check(posed(sides[-1]), plan.settings)
    side = next(each for each in sides if memory.suffices(posed(each), plan.settings))
    shared = SHARED // plan.factor
    return tiles(x0.shape[-2:], side - shared, shared // 2)


def _fit_tiles(
    plan: Plan,
    x0: Tensor,
    every: Sequence[Tile],
    watch: Callable[[Step], None] | None,
    tell: Tell,
    checkpoint: Checkpoint | None,
) -> Fit:
    """A fit of every tile, blended where they overlap."""
    if watch:
        tell(Phase("learning", total=len(every) * plan.settings.runs))
    of_tile = watch and (lambda step: watch(replace(step, restored=None)))
    fits = []
    for tile in every:
        problem = plan.pose(tile.around(x0), 1)
        place = checkpoint and checkpoint.within(_name(tile))
        fits.append(fit(problem, plan.settings, plan.rule(problem), of_tile, checkpoint=place))
        if fits[-1].interrupted:  # the rest of the picture is missing
            raise KeyboardInterrupt
    enlarged = [tile.enlarged(plan.factor) for tile in every]
    shape = [plan.factor * side for side in x0.shape[-2:]]
    image = blended(enlarged, [done.image for done in fits], shape)
    variances = [done.variance for done in fits if done.variance is not None]
    return Fit(
        image=image,
        variance=blended(enlarged, variances, shape) if len(variances) == len(fits) else None,
        runs=tuple(run for done in fits for run in done.runs),
        seconds=sum(done.seconds for done in fits),
    )
