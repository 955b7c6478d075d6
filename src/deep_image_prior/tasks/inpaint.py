"""Inpaint: z noise, or the grid for large holes; A mask; E squared error of the known pixels
(section 3.3, eq. 6).

Or z fills of the holes, and E the error on known pixels that the fills were not shown; in wide
holes, the distance to the best fill.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..options import given, option
from ..settings import Settings
from .preset import gently, once
from .task import Damage, Finished, Read, Restoration, task

if TYPE_CHECKING:
    from torch import Tensor

    from ..descent import Problem
    from ..images import Pixels, Scale
    from ..objectives import Preset

HOLES = ("auto", "text", "random", "large")
STEPS = {"fast": 100, "best": 300, "paper": 6000}
WIDE = "a hole is tens of pixels wide; for that the preset paper has --holes large"
INVENTED = "large holes hold what may go on from around them; what was there is not known"
BY_WIDTH = ("fast", "best")  # presets that fill wide holes in their own way
SPARSE = 0.05  # of the pixels are known where single ones are: with less the others look like holes
SCATTERED = 0.01  # of single pixels are known, where others are drawn from them


def in_parts(**how: Any) -> Settings:
    """A window of every part of the known pixels a step."""
    from ..objectives import PARTS

    return gently(window=128, windows=PARTS, **how)


@task
class Inpaint(Restoration):
    """Draw the missing pixels, which may hold anything, and those that are NaN (section 3.3)."""

    name = "inpaint"
    summary = "Draw the pixels of IMAGE that are missing in MASK."
    ending = "inpainted"
    steps_of = STEPS

    mask: Pixels = given(
        kw_only=False,
        kind=Path,
        metavar="MASK",
        help="(H, W), of one size with the image, or with its channels, of which the mean counts: "
        "1, True or white is known, 0 is missing.",
    )
    holes: str = option(
        default="auto",
        kind=str,
        choices=HOLES,
        help="What is missing: text for lines and scratches, random for single pixels, large for "
        "regions; auto tells by the mask, each hole its kind (paper: text or random).",
    )
    mask_marks: str = option(
        default="known",
        kind=str,
        choices=("known", "missing"),
        help="What 1, True or white means in the mask.",
    )
    keep_known: bool = option(
        default=True,
        kind=bool,
        flags="--keep-known/--redraw-known",
        help="Whether the known pixels are pasted back.",
    )

    @property
    def tiled(self) -> bool:
        return self.holes != "large"

    def observe(self, pixels: Pixels, read: Read) -> tuple[Tensor, Scale]:
        """NaN where pixels are missing."""
        import numpy as np
        import torch

        from ..degradations import marked
        from ..masks import blanked

        pixels = np.asanyarray(pixels)
        known = self._known(pixels, aloud=True)
        observation, scale = read(blanked(pixels, known, self.channel_axis))
        return marked(observation, torch.from_numpy(known)[None, None].to(observation)), scale

    def measure(
        self, observation: Tensor, scale: Scale, sigma: float | None
    ) -> tuple[Tensor, Damage]:
        if self.holes != "auto":
            return observation, Damage(holes=(self.holes,))
        from ..degradations import are_scattered, unmarked, wide_holes

        mask = unmarked(observation)
        if self.preset not in BY_WIDTH and wide_holes(mask).any():
            warnings.warn(WIDE, stacklevel=2)
        wide = self._wide(mask)
        narrow = mask + wide
        kinds = ["random" if are_scattered(narrow) else "text"] if (narrow == 0).any() else []
        return observation, Damage(holes=(*kinds, *(["large"] if wide.any() else [])))

    def stages(self, damage: Damage) -> Sequence[Damage]:
        return [replace(damage, holes=(kind,)) for kind in damage.holes]

    def at_stage(self, x0: Tensor, damage: Damage, x: Tensor | None) -> Tensor:
        """NaN where that kind is missing; wide holes are smooth before their own stage."""
        from ..degradations import unmarked
        from ..denoisers import pyramid_fill

        mask = unmarked(x0)
        wide = self._wide(mask)
        if not wide.any() or (x is None and self._of(damage, "large")):
            return x0
        if x is None:
            return x0.where(wide == 0, pyramid_fill(x0.nan_to_num(), mask))
        return x0.where(wide > 0, x)

    def presets(self, damage: Damage, shape: Sequence[int]) -> Mapping[str, Preset]:
        return regions() if self._of(damage, "large") else refined(self._of(damage, "random"))

    def build(self, x0: Tensor, preset: Preset, damage: Damage, panels: int = 1) -> Problem:
        """x0 is NaN where pixels are missing."""
        from ..degradations import Holes, unmarked
        from ..denoisers import pyramid_fill
        from ..energies import squared_error
        from ..objectives import Observed
        from ..operators import Mask

        mask = unmarked(x0)
        known = x0.nan_to_num()
        energy = squared_error(known, Mask(mask), count=int(mask.expand_as(known).sum()))
        holes = Holes(scattered=self._of(damage, "random"))
        return preset.problem(Observed(x0, energy, holes, pyramid_fill(known, mask), panels))

    def uncertain(self, variance: Tensor, x: Tensor, x0: Tensor, damage: Damage) -> Tensor:
        """Known pixels that are drawn anew differ from what they are."""
        if self.keep_known:
            return variance
        change = (x - x0).square().mean(dim=1, keepdim=True)
        return variance.where(change.isnan(), change)

    def finish(self, x: Tensor, observation: Tensor, x0: Tensor, damage: Damage) -> Finished:
        from ..cautions import narrow, noise_around
        from ..degradations import DEEP, are_deep, unmarked, wide_holes
        from ..masks import MOST

        mask = unmarked(observation)
        invented = self._of(damage, "large") or bool(wide_holes(mask).any())
        share = mask.mean().item()
        few = share < (SCATTERED if self._of(damage, "random") else MOST)
        cautions = [f"only {share:.2%} of the pixels were known"] if few else []
        guessed = f"a hole is {DEEP} pixels wide or more, or half as deep at the rim: what was "
        guessed += "there is guessed"
        cautions += [INVENTED] if invented else [guessed] if are_deep(mask) else []
        cautions += narrow(observation) + noise_around(observation)
        return Finished(image=x, cautions=cautions)

    def returned(self, restored: Pixels, pixels: Pixels) -> Pixels:
        from ..masks import pasted

        if not self.keep_known:
            return restored
        return pasted(pixels, self._known(pixels), restored, self.channel_axis)

    def _of(self, damage: Damage, kind: str) -> bool:
        """Whether holes are of that kind."""
        return kind in (damage.holes or (self.holes,))

    def _wide(self, mask: Tensor) -> Tensor:
        """1 where pixels are missing that are told from the others by being in wide holes."""
        from ..degradations import wide_holes

        wide = wide_holes(mask)
        beside = mask.sum() / (1 - wide).sum().clamp_min(1)
        told = self.holes == "auto" and self.preset in BY_WIDTH and beside > SPARSE
        return wide if told else 0 * wide

    def _known(self, pixels: Pixels, aloud: bool = False) -> Pixels:
        from ..masks import known_pixels

        inverted = self.mask_marks == "missing"
        return known_pixels(self.mask, pixels, self.channel_axis, inverted, aloud)


@cache
def refined(scattered: bool) -> dict[str, Preset]:
    """For holes that what is around them tells of."""
    from .. import codes
    from ..networks import Hourglass, Refiner
    from ..objectives import Holdout, Preset, Residual

    slow = Settings(steps=11000, learning_rate=0.001)
    paper = slow if scattered else Settings(steps=STEPS["paper"])
    return {
        "fast": Preset(Refiner, Holdout(), in_parts(steps=STEPS["fast"])),
        "best": Preset(Refiner, Holdout(), in_parts(steps=STEPS["best"], runs=2)),
        "paper": Preset(Hourglass, Residual(codes.noise), paper),
    }


@cache
def regions() -> dict[str, Preset]:
    """For large holes; the kernels of best are those of figure 13."""
    from .. import codes
    from ..networks import Hourglass, Refiner, nearest
    from ..objectives import Exemplars, ExemplarsAndPrior, Preset, Residual

    widths = (16, 32, 64, 128, 128)
    deep = partial(
        Hourglass,
        down=widths,
        up=widths,
        skip=(0,) * 5,
        down_kernel=5,
        upsample=nearest,
        mix=False,
    )
    # jitter of the grid moves every pixel, and draws fog in a short fit
    still = Settings(steps=250, jitter=0, averaging=0.98)
    plain = partial(Hourglass, skip=(0,) * 5)
    return {
        "fast": Preset(Refiner, Exemplars(), once),
        "best": Preset(deep, ExemplarsAndPrior(), still),
        "paper": Preset(plain, Residual(codes.meshgrid), Settings(steps=5000)),
    }
