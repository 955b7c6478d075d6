"""Super-resolve: z noise, A low-pass and decimation by t, E squared error (section 3.2, eq. 5).

Or z estimates of x0 from A(x0), E the error on x0, and x what f draws of the same estimates of x.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from math import prod
from typing import TYPE_CHECKING

from ..options import given, option
from ..settings import Settings
from .dejpeg import HOW_KEPT, Dejpeg, doubts
from .denoise import Denoise
from .preset import gently
from .task import Damage, Finished, Restoration, task

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..degradations import AnyNoise, CorrelatedNoise, Downsampling, Noise
    from ..descent import Problem
    from ..files import Coded, Quantisation
    from ..images import Pixels, Scale
    from ..objectives import Preset

FACTORS = (2, 3, 4, 8)
STEPS = {"fast": 300, "best": 600, "paper": 2000}
COARSE = {"fast": 1000, "best": 2000}  # steps of the coarse fit of the largest factor
COARSE_MOST = 300_000  # pixels of x, to which the coarse fit takes a few minutes
CORNER = 1024  # pixels a side, in which a result is held against its input
MORE = tuple(30 * 0.1 ** (k / 19) / 255 for k in range(20))  # rounds of `best`: 30 to 3 of 255
SEEN = 1.5 / 255  # deviation: less noise than that does not show when it is enlarged
# times the deviation of what compression added: more than that is not of it. Six clean crops of
# Set14 have up to 1.5 at qualities of 75 and less, with noise of sigma 20 at 85 to 98 2.3 and more
ARTEFACTS = 2
across = partial(gently, learning_rate=0.001, window=128)


@task
class Upscale(Restoration):
    """Super-resolve: (H, W) -> (factor H, factor W) (section 3.2).

    Noise that is told, or certain, and traces of compression are taken out of x0 first, as Denoise
    and Dejpeg do it, but not by the preset paper: Result.noise and Result.compression. What may be
    noise or texture is left in: Result.damage.noise_left.
    """

    name = "upscale"
    summary = "Make IMAGE larger by an integer factor, with sharp edges."
    ending = "x{factor}"
    steps_of = STEPS

    factor: int = given(kw_only=False, kind=int, choices=FACTORS, help="Enlargement, to a side.")
    psf: Pixels | str = option(
        default="lanczos2",
        kind=str,
        file=True,
        metavar="KERNEL",
        command_help="What blurred the picture when it was made so small: the filter of a program, "
        "lanczos2, lanczos3, bicubic or box; or a kernel in pixels of the result, as in "
        "gaussian:2, disk:3 or motion:9@30, or an image file or .npy of it.",
        help="What blurred the picture when it was made so small: the filter of a program, "
        "lanczos2, lanczos3, bicubic or box; or a kernel in pixels of the result, an array (h, w) "
        "with its centre in the middle, an image file or .npy of it, or gaussian:SIGMA, "
        "disk:RADIUS, motion:LENGTH@ANGLE (in degrees from the right to the top).",
    )
    coding: Quantisation | Coded | None = option(default=None, help=HOW_KEPT)

    @property
    def enlargement(self) -> int:
        return int(self.factor)

    @property
    def compares(self) -> bool:
        return not self._cleans

    def measure(
        self, observation: Tensor, scale: Scale, sigma: float | None
    ) -> tuple[Tensor, Damage]:
        from ..degradations.lossy_traces import detect
        from ..degradations.prefilters import NAMED
        from ..degradations.softness import SOFT, softness

        self._downsampling(observation)  # raises BadInput
        if not self._cleans:
            return observation, Damage()
        found = detect(observation, None, self.coding) if sigma is None else None
        noise = _noise(observation, scale, sigma)
        if noise and noise.certain and not found:
            return observation, Damage(noise=noise)
        added = found.artefacts(observation).square().mean().sqrt().item() if found else 0.0
        left = _left(noise, observation, ARTEFACTS * added)
        if found:
            return observation, Damage(compression=found, noise_left=left)
        soft = softness(observation) or 0.0
        filtered = isinstance(self.psf, str) and self.psf in NAMED  # else it is taken back
        wide = self.enlargement * soft if filtered and soft >= SOFT else None
        return observation, Damage(softness=wide, noise_left=left)

    def cleaner(self, damage: Damage) -> Restoration | None:
        kind = Dejpeg if damage.compression else Denoise if damage.noise else None
        if kind is None:
            return None
        return kind(**{name: getattr(self, name) for name in HOW})

    def presets(self, damage: Damage, shape: Sequence[int]) -> Mapping[str, Preset]:
        large = prod(shape) * self.enlargement**2 > COARSE_MOST
        return presets(self.enlargement, 0 if large else self.steps)

    def build(self, x0: Tensor, preset: Preset, damage: Damage, panels: int = 1) -> Problem:
        """x is `factor` times as large as x0."""
        from ..energies import squared_error
        from ..objectives import Observed

        errors = (damage.noise, damage.compression, damage.noise_left)
        doubtful = any(each is not None for each in errors)
        shrinking = replace(self._downsampling(x0), doubtful=doubtful)
        energy = squared_error(x0, shrinking.operator)
        return preset.problem(Observed(x0, energy, shrinking, shrinking.enlarge(x0), panels))

    def finish(self, x: Tensor, observation: Tensor, x0: Tensor, damage: Damage) -> Finished:
        from ..cautions import lost, mistold, overdrawn

        side = self.enlargement * CORNER
        again = self._downsampling(x0).shrink(x[..., :side, :side])
        cautions = lost(again, x0[..., :CORNER, :CORNER]) + doubts(damage.compression)
        cautions += overdrawn(x, x0)
        if self.sigma is not None:
            cautions += mistold(observation, damage.noise)
        return Finished(image=x, cautions=cautions)

    @property
    def _cleans(self) -> bool:
        return isinstance(self.preset, str) and self.preset != "paper"

    def _downsampling(self, x0: Tensor) -> Downsampling:
        from ..degradations import Downsampling
        from ..degradations.prefilters import prefilter

        sides = [self.enlargement * side for side in x0.shape[-2:]]
        return Downsampling(self.enlargement, prefilter(self.psf, self.enlargement, sides))


# options of the command that hold for what is done first, too
HOW = ("channel_axis", "preset", "device", "memory", "seed", "tell")


def _noise(observation: Tensor, scale: Scale, sigma: float | None) -> AnyNoise | None:
    """Of x0 in [0, 1], if it is told, or strong enough to be seen."""
    from ..degradations import Impulses, Noise, measure_noise
    from ..errors import BadInput

    if sigma is not None:
        return Noise(sigma, clipped=scale.clips)
    try:
        found = measure_noise(observation, clipped=scale.clips)
    except BadInput:  # there is no gray to measure it in
        return None
    strong = isinstance(found, Impulses) or _deviation(found, observation) > SEEN
    return found if strong else None


def _left(noise: AnyNoise | None, observation: Tensor, least: float) -> float | None:
    """The deviation of `noise` that is left in x0, if it is more than `least`."""
    from ..degradations import Impulses

    if noise is None or isinstance(noise, Impulses):
        return None
    deviation = _deviation(noise, observation)
    return deviation if deviation > least else None


def _deviation(noise: Noise | CorrelatedNoise, observation: Tensor) -> float:
    return noise.variance(observation).mean().sqrt().item()


@cache
def presets(factor: int, most: int | None = None) -> dict[str, Preset]:
    """At x8 the paper jitters more and takes longer (section 4), and so does a coarse fit, which
    the others begin with. most: steps of the latter; 0: none.
    """
    from .. import codes
    from ..networks import Hourglass, Refiner
    from ..objectives import AcrossScales, Preset, Residual

    largest = factor == max(FACTORS)
    noise = Residual(codes.noise)
    paper = Settings(steps=4000, jitter=1 / 20) if largest else Settings(steps=STEPS["paper"])

    def coarse(name: str) -> Preset | None:
        steps = COARSE[name] if most is None else min(most, COARSE[name])
        if not largest or not steps:
            return None
        return Preset(narrow, noise, Settings(steps=steps, jitter=1 / 20, averaging=0.98))

    return {
        "fast": Preset(Refiner, AcrossScales(coarse=coarse("fast")), across(steps=STEPS["fast"])),
        "best": Preset(
            Refiner, AcrossScales(MORE, coarse("best")), across(steps=STEPS["best"], runs=2)
        ),
        "paper": Preset(Hourglass, noise, paper),
    }


def narrow(inputs: int, outputs: int) -> nn.Module:
    """Four scales of few channels, for what is half as large as x."""
    from ..networks import Hourglass

    widths = (16, 32, 64, 64)
    return Hourglass(inputs, outputs, down=widths, up=widths, skip=(4,) * len(widths))
