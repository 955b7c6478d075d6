"""Inpaint: z noise, or the grid for large holes; A mask; E squared error of the known pixels
(section 3.3, eq. 6).

Or z fills of the holes, and E the error on known pixels that the fills were not shown.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..options import given, option
from ..settings import Settings
from .preset import gently
from .task import Damage, Finished, Read, Restoration, task

if TYPE_CHECKING:
    from torch import Tensor

    from ..descent import Problem
    from ..images import Pixels, Scale
    from ..objectives import Preset

HOLES = ("auto", "text", "random", "large")
STEPS = {"fast": 100, "best": 300, "paper": 6000}
WIDE = (
    "a hole is tens of pixels wide: --holes large goes on with what is around it, slowly, in a "
    "picture that is not large"
)
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
        "regions; auto is text or random, by the mask.",
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
        import torch

        from ..degradations import marked
        from ..masks import blanked

        known = self._known(pixels, aloud=True)
        observation, scale = read(blanked(pixels, known, self.channel_axis))
        return marked(observation, torch.from_numpy(known)[None, None].to(observation)), scale

    def measure(
        self, observation: Tensor, scale: Scale, sigma: float | None
    ) -> tuple[Tensor, Damage]:
        if self.holes != "auto":
            return observation, Damage(holes=self.holes)
        from ..degradations import are_scattered, are_wide, unmarked

        mask = unmarked(observation)
        if are_wide(mask):
            warnings.warn(WIDE, stacklevel=2)
        return observation, Damage(holes="random" if are_scattered(mask) else "text")

    def presets(self, damage: Damage, shape: Sequence[int]) -> Mapping[str, Preset]:
        return regions() if self.holes == "large" else refined(self._single(damage))

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
        holes = Holes(scattered=self._single(damage))
        return preset.problem(Observed(x0, energy, holes, pyramid_fill(known, mask), panels))

    def uncertain(self, variance: Tensor, x: Tensor, x0: Tensor, damage: Damage) -> Tensor:
        """Known pixels that are drawn anew differ from what they are."""
        if self.keep_known:
            return variance
        change = (x - x0).square().mean(dim=1, keepdim=True)
        return variance.where(change.isnan(), change)

    def finish(self, x: Tensor, observation: Tensor, x0: Tensor, damage: Damage) -> Finished:
        from ..degradations import unmarked
        from ..masks import MOST

        share = unmarked(observation).mean().item()
        few = share < (SCATTERED if self._single(damage) else MOST)
        cautions = [f"only {share:.2%} of the pixels were known"] if few else []
        return Finished(image=x, cautions=cautions)

    def returned(self, restored: Pixels, pixels: Pixels) -> Pixels:
        from ..masks import pasted

        if not self.keep_known:
            return restored
        return pasted(pixels, self._known(pixels), restored, self.channel_axis)

    def _single(self, damage: Damage) -> bool:
        """Whether the missing pixels are single ones."""
        return (damage.holes or self.holes) == "random"

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
    """For large holes; the widths and kernels are those of figure 13."""
    from .. import codes
    from ..networks import Hourglass, nearest
    from ..objectives import Preset, Residual

    deep = (16, 32, 64, 128, 128, 128)
    hourglass = partial(
        Hourglass,
        down=deep,
        up=deep,
        skip=(0,) * 6,
        down_kernel=5,
        upsample=nearest,
        mix=False,
    )
    grid = Residual(codes.meshgrid)
    # jitter of the grid moves every pixel, and draws fog in a short fit
    still = partial(Settings, jitter=0, averaging=0.98)
    return {
        "fast": Preset(hourglass, grid, still(steps=1000)),
        "best": Preset(hourglass, grid, still(steps=3000)),
        "paper": Preset(partial(Hourglass, skip=(0,) * 5), grid, Settings(steps=5000)),
    }
