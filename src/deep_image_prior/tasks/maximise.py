"""Maximise an activation: z noise, A a classifier, E minus one of its values (section 3.5, eq.
9).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

from ..options import given, option
from ..settings import Settings
from .invert import six_scales
from .preset import small
from .task import Visualisation, task

if TYPE_CHECKING:
    from torch import Tensor

    from ..descent import Problem
    from ..features import Features
    from ..objectives import Preset

STEPS = {"fast": 400, "paper": 3100}


@task
class Maximise(Visualisation):
    """An image (S, S, 3), uint8, that excites one unit most: what the classifier takes for it
    (section 3.5).

    Of a map of a layer it is the pixel in the middle. Result.measures: its `activation` and, of
    outputs, its `probability`, both of the image returned.
    """

    name = "maximise"
    summary = "Draw what excites an output, or a unit of a layer, of a classifier most."
    steps_of = STEPS

    unit: int | str = given(
        kw_only=False, help="An output or a map of the layer, by its number or its class's label."
    )
    layer: str | None = option(
        default=None,
        kw_only=False,
        kind=str,
        help="Where the unit is; without it, among the outputs before softmax.",
    )

    channel_axis: int | None = option(default=-1, help="Where the axis of the channels is to be.")

    def presets(self) -> Mapping[str, Preset]:
        return presets()

    def build(self, like: Tensor, operator: Features, unit: int, preset: Preset) -> Problem:
        """An image of the size of `like` (1, 3, S, S) that excites one unit of a layer most."""
        from ..energies import activation
        from ..objectives import Observed

        problem = preset.problem(Observed(like, activation(operator, unit)))
        return replace(problem, alike=False)


@cache
def presets() -> dict[str, Preset]:
    from .. import codes
    from ..objectives import Preset, Residual

    noise = Residual(codes.noise)
    moving = partial(Settings, jitter=0.03)
    return {
        "fast": Preset(
            small, noise, moving(steps=STEPS["fast"], learning_rate=0.003, averaging=0.9)
        ),
        "paper": Preset(
            partial(six_scales, skip=(0, 4, 4, 4, 4, 4), kernels=(5, 3, 5, 5, 3, 5)),
            noise,
            moving(steps=STEPS["paper"], learning_rate=0.001),
        ),
    }
