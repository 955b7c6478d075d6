"""Enhance: boost the detail that a coarse image lacks (section 3.6, eq. 10-11).

The paper's coarse image is a fit that is stopped early, and its detail has the noise of x0. Here
the image is drawn without its noise, as denoise draws it, and the coarse image is made of that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from ..errors import BadInput
from ..options import option
from ..settings import Settings
from .denoise import Denoise, by_strips
from .task import Damage, Finished, Read, Restoration, task

if TYPE_CHECKING:
    from torch import Tensor

    from ..descent import Problem
    from ..images import Pixels, Scale
    from ..objectives import Preset

STEPS = {**Denoise.steps_of, "paper": 500}
SEEN = 60  # quality of JPEG: its blocks and halos are seen below it, more so if they are boosted


@task
class Enhance(Denoise):
    """Boost fine detail and not the noise: x0 + boost (x* - x_c) + s (x* - x0), x* the image
    without its noise and x_c the coarse image of it (section 3.6).

    x* is what denoise makes of x0, whose kinds of noise it takes, and x_c is x* without its faint
    detail, but for what may be noise that is left. Where the detail goes with the noise x0 - x*,
    some of that is taken out for what the boost adds, which is s; elsewhere it is 0. The preset
    paper has x0 in the place of x*, and x_c is a fit stopped early. Result.parts holds `coarse`,
    x_c, and `detail`, x* - x_c around middle gray.
    """

    name = "enhance"
    summary = (
        "Boost the fine detail of IMAGE; the coarse image and the detail are written beside the "
        "result."
    )
    ending = "enhanced"
    steps_of = STEPS
    together = False
    parts = ("coarse", "detail")

    boost: float = option(
        default=1.0, kind=float, least=0, most=10, help="How much detail to add, 0 to 10."
    )
    strength: float = option(
        default=0.0,
        kind=float,
        least=0,
        most=1,
        help="How much of the noise is taken out, too: detail is added to x0 + strength (x* - x0).",
    )

    @property
    def compares(self) -> bool:
        return self.preset == "paper"

    def observe(self, pixels: Pixels, read: Read) -> tuple[Tensor, Scale]:
        take = Restoration if self.preset == "paper" else Denoise  # the paper's x0 is as it is
        return take.observe(self, pixels, read)

    def measure(
        self, observation: Tensor, scale: Scale, sigma: float | None
    ) -> tuple[Tensor, Damage]:
        if self.preset != "paper":
            return super().measure(observation, scale, sigma)
        if self.strength > 0 or self.noise != "auto":
            raise BadInput(
                "the preset paper knows nothing of noise; leave strength and noise out, or use the "
                "preset fast"
            )
        return Restoration.measure(self, observation, scale, sigma)

    def presets(self, damage: Damage, shape: Sequence[int]) -> Mapping[str, Preset]:
        return {**super().presets(damage, shape), "paper": paper()}

    def build(self, x0: Tensor, preset: Preset, damage: Damage, panels: int = 1) -> Problem:
        """x is the image without its noise, by the preset paper the coarse one."""
        problem = super().build(x0, preset, damage, panels)
        return replace(problem, trials=tuple)  # what is boosted has no known truth

    def finish(self, x: Tensor, observation: Tensor, x0: Tensor, damage: Damage) -> Finished:
        from ..degradations import Impulses
        from ..denoisers import coarse
        from ..light import from_root

        if self.preset == "paper":
            return self._boosted(Finished(image=observation.clone()), observation.clone(), x, 0)
        noise = damage.noise
        left = None if noise is None or isinstance(noise, Impulses) else noise.variance
        x_c = coarse(x, left)
        finished = super().finish(x.clone(), observation, x0, damage)
        if self.raw:
            x, x_c = by_strips(from_root, x), by_strips(from_root, x_c)
        elif self.boost > 0 and (artefacts := _artefacts(observation)):
            finished = replace(finished, cautions=[*finished.cautions, artefacts])
        if self.strength == 0:  # the noise is still there
            finished = replace(finished, clean=False)
        return self._boosted(finished, x, x_c, 0 if left is None else 1 - float(self.strength))

    def _boosted(self, finished: Finished, x: Tensor, x_c: Tensor, kept: float) -> Finished:
        """`finished` with the detail of x, which may hold it after that, for memory is scarce."""
        from ..denoisers import boosted

        image = boosted(finished.image, x, x_c, float(self.boost), kept)
        parts = {"coarse": x_c, "detail": x.sub_(x_c).add_(0.5).clamp_(0, 1)}
        return replace(finished, image=image, parts=parts)


def _artefacts(observation: Tensor) -> str | None:
    """What is to be said of the compression of x0 (1, C, H, W), if it is boosted, too."""
    from ..degradations import Palette
    from ..degradations.lossy_traces import detect

    found = detect(observation)
    if found is None or isinstance(found, Palette) or found.quality >= SEEN:
        return None
    return f"its compression, {found.sentence}, is boosted, too; begin with dejpeg"


@cache
def paper() -> Preset:
    """The published settings."""
    from .. import codes
    from ..networks import Hourglass
    from ..objectives import Preset, Residual

    settings = Settings(steps=STEPS["paper"], jitter=0)
    return Preset(Hourglass, Residual(codes.noise), settings)
