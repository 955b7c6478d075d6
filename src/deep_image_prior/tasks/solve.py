"""Solve: any A; z estimates by plug and play, E the residual. Or z noise, stopped by the noise that
is told, or by measurements held out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from ..errors import BadInput
from ..options import given, option
from ..settings import Settings
from .preset import gently
from .task import Task, task

if TYPE_CHECKING:
    from torch import Tensor

    from ..objectives import Preset

STEPS = {"fast": 100, "best": 100, "paper": 2000}
# z is nearly right: larger steps, or more of them, fit the noise before they draw anything
gentler = partial(gently, learning_rate=0.001)


def itself(x: Tensor) -> Tensor:
    """x."""
    return x


@task
class Solve(Task):
    """The image x whose measurements A(x) are nearest to x0, x0 = A(x) + n, as far as a network
    draws it.

    x0 is an array or a tensor of any shape, real or complex; the image is float32. Result.measures:
    `residual`, the root mean square of A(x) - x0.
    """

    name = "solve"
    summary = "Find an image by its measurements."
    steps_of = STEPS

    operator: Any = given(
        kw_only=False,
        help="A: a differentiable function of tensors (1, C, H, W), or what operators.linear "
        "takes: a matrix, a LinearOperator of SciPy or PyLops, a Linop of SigPy, a physics of "
        "deepinv.",
    )
    shape: Sequence[int] = given(kw_only=False, help="Of x, (H, W) or (C, H, W).")
    sigma: float | None = option(
        default=None,
        kind=float,
        above=0,
        help="Standard deviation of the noise in every real number of x0, in its units, if it is "
        "known.",
    )
    bounds: tuple[float, float] | None = option(
        default=(0.0, 1.0),
        help="The least and greatest value of x; None for about those of a least-squares solution.",
    )
    finish: Callable[[Tensor], Tensor] = option(
        default=itself, help="What is made of the image (1, C, H, W)."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.channel_axis is not None:
            raise BadInput("channel_axis has no use here: shape says where the channels are")

    def presets(self) -> Mapping[str, Preset]:
        return presets(self.sigma is not None)


@cache
def presets(told: bool) -> dict[str, Preset]:
    """For noise that is told, or not: `paper` stops by it, and fits all measurements then."""
    from .. import codes
    from ..networks import Hourglass, Refiner
    from ..objectives import PlugAndPlay, Preset, Residual, Validated

    residual = Residual(codes.noise)
    return {
        "fast": Preset(Refiner, PlugAndPlay(), gentler(steps=STEPS["fast"])),
        "best": Preset(Refiner, PlugAndPlay(rounds=24), gentler(steps=STEPS["best"], runs=2)),
        "paper": Preset(
            Hourglass, residual if told else Validated(residual), Settings(steps=STEPS["paper"])
        ),
    }
