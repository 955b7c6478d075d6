"""Super-resolve: z noise, A Lanczos2 downsampling by t, E squared error (section 3.2, eq. 5).

Or z estimates of x0 from A(x0), E the error on x0, and x what f draws of the same estimates of x.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

from ..options import given
from ..settings import Settings
from .preset import gently
from .task import Damage, Finished, Restoration, task

if TYPE_CHECKING:
    from torch import Tensor

    from ..descent import Problem
    from ..objectives import Preset

FACTORS = (2, 3, 4, 8)
STEPS = {"fast": 300, "best": 600, "paper": 2000}
CORNER = 1024  # pixels a side, in which a result is held against its input
MORE = tuple(sigma / 255 for sigma in (30, 25, 20, 16, 13, 10, 8, 6, 4, 3))  # rounds of `best`
across = partial(gently, learning_rate=0.001, window=128)


@task
class Upscale(Restoration):
    """Super-resolve: (H, W) -> (factor H, factor W) (section 3.2)."""

    name = "upscale"
    summary = "Make IMAGE larger by an integer factor, with sharp edges."
    ending = "x{factor}"
    steps_of = STEPS

    factor: int = given(kw_only=False, kind=int, choices=FACTORS, help="Enlargement, to a side.")

    @property
    def enlargement(self) -> int:
        return int(self.factor)

    def presets(self, damage: Damage, shape: Sequence[int]) -> Mapping[str, Preset]:
        return presets(self.enlargement)

    def build(self, x0: Tensor, preset: Preset, damage: Damage, panels: int = 1) -> Problem:
        """x is `factor` times as large as x0."""
        from ..degradations import Downsampling
        from ..energies import squared_error
        from ..objectives import Observed
        from ..operators import Downsample

        shrinking = Downsampling(self.enlargement)
        energy = squared_error(x0, Downsample(self.enlargement))
        return preset.problem(Observed(x0, energy, shrinking, shrinking.enlarge(x0), panels))

    def finish(self, x: Tensor, observation: Tensor, x0: Tensor, damage: Damage) -> Finished:
        from ..cautions import lost
        from ..degradations import Downsampling

        side = self.enlargement * CORNER
        again = Downsampling(self.enlargement).shrink(x[..., :side, :side])
        return Finished(image=x, cautions=lost(again, observation[..., :CORNER, :CORNER]))


@cache
def presets(factor: int) -> dict[str, Preset]:
    """At x8 the paper jitters more and takes longer (section 4)."""
    from .. import codes
    from ..networks import Hourglass, Refiner
    from ..objectives import AcrossScales, Preset, Residual

    largest = factor == max(FACTORS)
    paper = Settings(steps=4000, jitter=1 / 20) if largest else Settings(steps=STEPS["paper"])
    return {
        "fast": Preset(Refiner, AcrossScales(), across(steps=STEPS["fast"])),
        "best": Preset(Refiner, AcrossScales(MORE), across(steps=STEPS["best"], runs=2)),
        "paper": Preset(Hourglass, Residual(codes.noise), paper),
    }
