"""The coarse image, without fine detail and with its edges; and that detail boosted."""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from ..colour import from_opponent, to_opponent
from ..padding import pad_reflect
from ..parallel import each
from ..windows import Tile, tiles
from .dct import Windows, hard_threshold
from .groups import TILE_GRID

FAINT = 60 / 255  # deviation of the noise that detail is taken for, white being 1
PATCH = 8  # pixels a side of the patches whose cosines are thresholded
EDGE = 0.4  # the range of values around a pixel at which half of its detail counts
REACH = 4  # pixels to every side that the range is of, and the mean square of detail
LEFT = 0.2  # share of the noise's variance at which half of the detail counts, and may be noise
NEAR = 8  # pixels to every side that a share of the noise is of
TAKEN = 2.0  # noise taken out for what is added, which is smoother and goes with it in part only
HIDES = 0.5  # power of detail over that of the noise, at which half as much is taken out
SIDE = 1080  # pixels of a tile, of which memory holds many times the values


Variance = Callable[[Tensor], Tensor]  # x (1, C, H, W) -> that of the noise it had, alike


def coarse(image: Tensor, variance: Variance | None = None) -> Tensor:
    """x - w v (x - c), of an image x (1, C, H, W) in [0, 1], in tiles that change nothing.

    c is x without what noise of deviation FAINT would hide (thresholded cosines); w = 1 / (1 + (r /
    EDGE)^2), r the range of c around a pixel: what is taken off beside a strong edge would be its
    halo when it is added. After the weights of Polesel, Ramponi and Mathews 2000,
    doi:10.1109/83.826787.

    variance: N of the noise that was taken out of x, of which some is left; v = 1 / (1 + (LEFT N /
    S)^4), S the mean square of x - c around a pixel: where that is so little it may be noise.
    """
    made = torch.empty_like(image)

    def draw(tile: Tile) -> None:
        tile.core(made).copy_(tile.inside(_coarse(tile.around(image), variance)))

    each(draw, tiles(image.shape[-2:], SIDE, TILE_GRID, TILE_GRID), image.device)
    return made


def boosted(image: Tensor, x: Tensor, x_c: Tensor, boost: float, kept: float = 1.0) -> Tensor:
    """image + boost (x - x_c) + s (x - image) in [0, 1], which is `image` itself, changed; three
    (1, C, H, W).

    kept: the share of the noise n that image has, image = x + kept n, 0 to 1. It is taken out for
    what the boost adds of it: s = min(TAKEN boost b / kept, 1), b = w max(<d, n>, 0) / <n, n> in
    means within NEAR pixels, d = x - x_c the detail. Strong texture hides noise: w = 1 / (1 + (<d,
    d> / HIDES <n, n>)^2).
    """
    if kept > 0:
        share = _share(image, x, x_c, kept).mul_(TAKEN * boost / kept).clamp_(max=1)
        image.lerp_(x, share)
    return image.add_(x, alpha=boost).sub_(x_c, alpha=boost).clamp_(0, 1)


def _share(image: Tensor, x: Tensor, x_c: Tensor, kept: float) -> Tensor:
    """b of `boosted`, (1, 1, H, W)."""
    share = image.new_empty(1, 1, *image.shape[-2:])

    def draw(tile: Tile) -> None:
        noisy, without, smooth = (tile.around(plane) for plane in (image, x, x_c))
        noise, detail = (noisy - without) / kept, without - smooth
        both, of_noise, of_detail = (
            _around(product.mean(dim=1, keepdim=True), NEAR)
            for product in (noise * detail, noise * noise, detail * detail)
        )
        of_noise.clamp_min_(1e-12)
        weight = 1 / (1 + (of_detail / (HIDES * of_noise)) ** 2)
        tile.core(share).copy_(tile.inside(weight * both.clamp_min(0) / of_noise))

    each(draw, tiles(image.shape[-2:], SIDE, NEAR), image.device)
    return share


def _coarse(x: Tensor, variance: Variance | None) -> Tensor:
    planes = to_opponent(x)[0]
    # without a second pass by Wiener's rule, which shrinks the mean, too: colours would shift
    faint = partial(hard_threshold, variance=FAINT**2)
    c = from_opponent(Windows(x.shape[-2:], PATCH).shrink(faint, planes)[None])
    weight = 1 / (1 + (local_range(c) / EDGE) ** 2)
    if variance:
        noise = LEFT * variance(x).mean(dim=1, keepdim=True)
        power = _around((x - c).square().mean(dim=1, keepdim=True), REACH)
        weight /= 1 + (noise / power.clamp_min(1e-12)) ** 4
    return torch.lerp(x, c, weight)


def _around(image: Tensor, reach: int) -> Tensor:
    """Means within `reach` pixels."""
    return F.avg_pool2d(pad_reflect(image, (reach, reach)), 2 * reach + 1, 1)


def local_range(image: Tensor) -> Tensor:
    """The greatest less the least value within REACH pixels, of the channel where that is most, and
    its mean over as many; (1, C, H, W) -> (1, 1, H, W).
    """
    side = 2 * REACH + 1
    grown = pad_reflect(image, (2 * REACH, 2 * REACH))
    values = torch.cat([grown, -grown], dim=1)
    most = F.max_pool2d(F.max_pool2d(values, (side, 1), 1), (1, side), 1)
    high, low = most.chunk(2, dim=1)
    return F.avg_pool2d((high + low).amax(dim=1, keepdim=True), side, 1)
