"""Deblur: z noise, A convolution with a known kernel, E squared error; x is larger than x0 by what
the kernel reaches.

Or z estimates of x, E the error where the truth is a smaller x, blurred once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

from ..options import given
from ..settings import Settings
from .preset import gently
from .task import Damage, Finished, Restoration, task
from .upscale import CORNER

if TYPE_CHECKING:
    from torch import Tensor

    from ..descent import Problem
    from ..images import Pixels, Scale
    from ..objectives import Preset

STEPS = {"fast": 120, "best": 400, "paper": 2000}
# strengths of the noise in the rounds of `best`
MORE = tuple(sigma / 255 for sigma in (40, 33, 27, 22, 18, 15, 12, 9.8, 8, 6.5, 5.3, 4.4, 3.6, 3))
in_windows = partial(gently, learning_rate=0.001, window=128)


@task
class Deblur(Restoration):
    """Undo a known blur: x* = f(z), |k * f(z) - x0|^2 (sections 1 and 5: any operator).

    Nothing is supposed of what is outside of the picture. The noise is measured, or sigma.
    """

    name = "deblur"
    summary = "Undo the blur of IMAGE, whose kernel is known."
    ending = "deblurred"
    steps_of = STEPS

    psf: Pixels | str = given(
        kw_only=False,
        kind=str,
        file=True,
        metavar="KERNEL",
        command_help="The kernel, what the blur makes of a single point: gaussian:SIGMA, "
        "disk:RADIUS, motion:LENGTH@ANGLE (in pixels, and degrees from the right to the top), as "
        "in gaussian:1.5, disk:3 or motion:9@30, or an image file or .npy of it.",
        help="The kernel, what the blur makes of a single point: an array (h, w), its centre at "
        "(h // 2, w // 2), an image file or .npy of it, or gaussian:SIGMA, disk:RADIUS, "
        "motion:LENGTH@ANGLE (in pixels, and degrees from the right to the top).",
    )

    @property
    def compares(self) -> bool:
        return False

    def measure(
        self, observation: Tensor, scale: Scale, sigma: float | None
    ) -> tuple[Tensor, Damage]:
        from ..degradations import Blurring, Noise, estimate_noise, kernels

        kernel = kernels.of(self.psf, observation.shape[-2:]).to(observation)
        told = None if sigma is None else Noise(sigma, clipped=scale.clips)
        noise = told or estimate_noise(observation, scale.clips)
        return observation, Damage(noise=noise, blur=Blurring(kernel, noise))

    def presets(self, damage: Damage, shape: Sequence[int]) -> Mapping[str, Preset]:
        return presets()

    def build(self, x0: Tensor, preset: Preset, damage: Damage, panels: int = 1) -> Problem:
        """f of `paper` draws all of x, (1, C, H + h - 1, W + w - 1); restored is what x0 shows of
        it.
        """
        from ..energies import squared_error
        from ..objectives import Observed

        assert damage.blur
        blur = damage.blur.operator
        energy, guide = squared_error(x0, blur), damage.blur.extended(x0)
        problem = preset.problem(Observed(x0, energy, damage.blur, guide, panels))
        return problem if problem.whole else replace(problem, finish=blur.inside)

    def finish(self, x: Tensor, observation: Tensor, x0: Tensor, damage: Damage) -> Finished:
        from ..cautions import lost, mistold, overdrawn

        assert damage.blur
        blur = damage.blur.operator
        small = any(side < 2 * k for side, k in zip(x.shape[-2:], blur.kernel.shape, strict=True))
        if small:  # hardly a pixel of x0 depends on nothing outside
            cautions = lost(x, observation)
        else:
            some, seen = (image[..., :CORNER, :CORNER] for image in (x, observation))
            cautions = lost(blur(some), blur.inside(seen), damage.noise)
        cautions += overdrawn(x, observation)
        if self.sigma is not None:
            cautions += mistold(observation, damage.noise)
        return Finished(image=x, cautions=cautions)


@cache
def presets() -> dict[str, Preset]:
    """The paper has no row for it: `paper` has its settings of super-resolution."""
    from .. import codes
    from ..networks import Hourglass, Refiner
    from ..objectives import Preset, Reblurring, Residual

    return {
        "fast": Preset(Refiner, Reblurring(), in_windows(steps=STEPS["fast"])),
        "best": Preset(Refiner, Reblurring(MORE), in_windows(steps=STEPS["best"], runs=2)),
        "paper": Preset(Hourglass, Residual(codes.noise), Settings(steps=STEPS["paper"])),
    }
