"""Remove JPEG artefacts: denoising with the narrower network of the paper's figure 6 (section 3.1).

Or z estimates of the image, and E the error where the same artefacts are made once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

from ..options import option
from ..settings import Settings
from .preset import gently
from .task import Damage, Finished, Restoration, task

if TYPE_CHECKING:
    from torch import Tensor

    from ..descent import Problem
    from ..images import Scale
    from ..objectives import Preset

STEPS = {"fast": 60, "best": 200, "paper": 2400}
# E is small from the first step on: a larger one jumps over it
gentler = partial(gently, learning_rate=0.0005, window=256)


@task
class Dejpeg(Restoration):
    """Remove the blocks and halos of JPEG compression (section 3.1, figure 6).

    The compression that was undone is Result.compression.
    """

    name = "dejpeg"
    summary = "Remove the compression artefacts of IMAGE."
    ending = "dejpeg"
    steps_of = STEPS

    quality: int | None = option(
        default=None, kind=int, least=1, most=100, help="Of the compression; else it is found."
    )

    def measure(
        self, observation: Tensor, scale: Scale, sigma: float | None
    ) -> tuple[Tensor, Damage]:
        from ..degradations import jpeg

        quality = None if self.quality is None else int(self.quality)
        return observation, Damage(compression=jpeg.detect(observation, quality))

    def presets(self, damage: Damage, shape: Sequence[int]) -> Mapping[str, Preset]:
        return presets()

    def build(self, x0: Tensor, preset: Preset, damage: Damage, panels: int = 1) -> Problem:
        from ..energies import squared_error
        from ..objectives import Observed
        from ..operators import identity

        energy = squared_error(x0, identity)
        return preset.problem(Observed(x0, energy, damage.compression, panels=panels))

    def finish(self, x: Tensor, observation: Tensor, x0: Tensor, damage: Damage) -> Finished:
        from ..cautions import lost

        return Finished(image=x, cautions=lost(x, observation))


@cache
def presets() -> dict[str, Preset]:
    from .. import codes
    from ..networks import Hourglass, Refiner
    from ..objectives import Preset, Recorruption, ReferenceStopped, Residual

    fast = Preset(Refiner, Recorruption(), gentler(steps=STEPS["fast"]))
    widths = (8, 16, 32, 64, 128)
    return {
        "fast": fast,
        "best": Preset(Refiner, Recorruption(), gentler(steps=STEPS["best"], runs=2)),
        "paper": Preset(
            partial(Hourglass, down=widths, up=widths, skip=(0, 0, 0, 4, 4)),
            ReferenceStopped(Residual(partial(codes.noise, channels=3)), fast),
            Settings(steps=STEPS["paper"]),
        ),
    }
