"""Enhance: fit coarsely and stop early, then boost the detail that is left over (section 3.6, eq.
10-11).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from ..options import option
from ..settings import Settings
from .preset import small
from .task import Damage, Finished, Restoration, task

if TYPE_CHECKING:
    from torch import Tensor

    from ..descent import Problem
    from ..objectives import Preset

STEPS = {"fast": 300, "best": 300, "paper": 500}


@task
class Enhance(Restoration):
    """Boost fine detail: x0 + boost * (x0 - x_c), x_c a coarse fit stopped early (section 3.6).

    Result.parts holds `coarse`, x_c, and `detail`, x0 - x_c around middle gray.
    """

    name = "enhance"
    summary = (
        "Boost the fine detail of IMAGE; the coarse image and the detail are written beside the "
        "result."
    )
    ending = "enhanced"
    steps_of = STEPS
    parts = ("coarse", "detail")

    boost: float = option(default=1.0, kind=float, help="How much detail to add.")

    def presets(self, damage: Damage, shape: Sequence[int]) -> Mapping[str, Preset]:
        return presets()

    def build(self, x0: Tensor, preset: Preset, damage: Damage, panels: int = 1) -> Problem:
        """x is the coarse image."""
        from ..energies import squared_error
        from ..objectives import Observed
        from ..operators import identity

        return preset.problem(Observed(x0, squared_error(x0, identity)))

    def finish(self, x: Tensor, observation: Tensor, x0: Tensor, damage: Damage) -> Finished:
        detail = observation - x
        return Finished(
            image=(observation + self.boost * detail).clamp(0, 1),
            parts={"coarse": x, "detail": (0.5 + detail).clamp(0, 1)},
        )


@cache
def presets() -> dict[str, Preset]:
    from .. import codes
    from ..networks import Hourglass
    from ..objectives import Preset, Residual

    noise = Residual(codes.noise)
    once = Settings(steps=STEPS["fast"], jitter=0, averaging=0.98)
    four = Settings(steps=STEPS["best"], jitter=0, averaging=0.98, runs=4)
    return {
        "fast": Preset(small, noise, once),
        "best": Preset(small, noise, four),
        "paper": Preset(Hourglass, noise, Settings(steps=STEPS["paper"], jitter=0)),
    }
