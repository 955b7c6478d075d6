"""Denoise: z noise, A identity, E squared error, stopped before the noise is fitted (section 3.1,
eq. 3-4).

Or z estimates of the image and E Stein's, which needs no stop; where values are lost to impulses, E
the error on values held out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from math import prod
from typing import TYPE_CHECKING

from ..errors import BadInput
from ..options import option, unknown
from ..settings import Settings
from .inpaint import in_parts
from .preset import gently, once, small
from .task import Damage, Finished, Read, Restoration, task

if TYPE_CHECKING:
    from torch import Tensor

    from ..degradations import AnyNoise, CorrelatedNoise
    from ..descent import Problem
    from ..images import Pixels, Scale
    from ..objectives import Objective, Preset

KINDS = ("auto", "white", "correlated", "impulses")
STEPS = {"fast": 300, "best": 600, "paper": 1800}
# pixels that the probes of `best` have: of half as many the noise was learned by heart
PROBED = 2**20
GRAIN = 5 / 255  # deviation; photographs have less, or texture
OTHERS = "other noise stays in it; denoise the result once more, or say --noise white if it is"
SPECKS = (
    "black and white specks stay in it, which other noise does not make; --noise impulses takes "
    "out those alone"
)

# a window tells less than the whole: smaller steps, and longer averages
in_windows = partial(gently, learning_rate=0.001, averaging=0.99)
# the code shows the image: jitter keeps f from copying it
guided = partial(Settings, jitter=0.05, averaging=0.98)


@task
class Denoise(Restoration):
    """Remove noise: x* = f(z), |f(z) - x0|^2 fitted until it would fit the noise (section 3.1).

    "white" noise is Gaussian or Poisson; "correlated" is that of cameras and scanners, over
    neighbouring pixels and channels, depending on brightness; "impulses" are values that are black
    or white whatever they were; "auto" tells them apart, and takes stripes off first, an offset of
    its own in every row or column. What was found, or told, is Result.noise and Result.stripes.
    """

    name = "denoise"
    summary = "Remove noise from IMAGE."
    ending = "denoised"
    steps_of = STEPS
    together = True

    noise: str | CorrelatedNoise = option(
        default="auto",
        kind=str,
        names=KINDS,
        help="What kind of noise: by name, or a CorrelatedNoise in the units of sigma.",
        command_help="What kind of noise.",
    )
    strength: float = option(
        default=1.0,
        kind=float,
        least=0,
        most=1,
        help="How much of the noise is taken out: x0 + strength (x* - x0); less keeps some grain.",
    )
    raw: bool | None = option(
        default=None,
        kind=bool,
        flags="--raw/--no-raw",
        help="Whether it is a raw photograph, developed to sRGB and not denoised: its noise is "
        "measured and taken out under the root of light.",
        command_help="Whether it is a raw photograph, developed to sRGB and not denoised: its "
        "noise is measured and taken out under the root of light.  [default: by the file]",
    )

    def observe(self, pixels: Pixels, read: Read) -> tuple[Tensor, Scale]:
        from ..light import to_root

        x, scale = super().observe(pixels, read)
        return by_strips(to_root, x) if self.raw else x, scale

    @property
    def compares(self) -> bool:
        return False

    def measure(
        self, observation: Tensor, scale: Scale, sigma: float | None
    ) -> tuple[Tensor, Damage]:
        from ..degradations import stripes

        found = stripes.detect(observation) if self.noise == "auto" else None
        clean = stripes.remove(observation) if found else observation
        return clean, Damage(noise=self._noise(clean, scale, sigma), stripes=found)

    def _noise(self, observation: Tensor, scale: Scale, sigma: float | None) -> AnyNoise:
        """Of x0 in [0, 1], as it is told, or else as it is found."""
        from ..degradations import CorrelatedNoise, measure_noise

        if isinstance(self.noise, str):
            return measure_noise(observation, self.noise, sigma, scale.clips)
        if not isinstance(self.noise, CorrelatedNoise):
            raise BadInput(f"{unknown('noise', self.noise, KINDS)}, or give a CorrelatedNoise")
        if sigma is not None:
            raise BadInput("sigma and a noise model are both given; give one of them")
        return self._told(self.noise, observation.shape[1], scale)

    @staticmethod
    def _told(noise: CorrelatedNoise, channels: int, scale: Scale) -> CorrelatedNoise:
        if len(noise.spectrum) != channels:
            raise BadInput(
                f"the noise has {len(noise.spectrum)} channels, the image {channels}; give a "
                "spectrum for each"
            )
        known = noise.rescaled(1 / scale.span, -scale.offset / scale.span)
        if max(known.deviations) > 1:
            raise BadInput(
                f"the noise has a deviation of {max(noise.deviations):.4g}, more than all that the "
                f"image spans, {scale.span:.4g}; give its spectrum in the units of sigma"
            )
        return known

    def presets(self, damage: Damage, shape: Sequence[int]) -> Mapping[str, Preset]:
        from ..anywhere import LARGEST
        from ..degradations import CorrelatedNoise, Impulses

        large = prod(shape) > LARGEST
        if isinstance(damage.noise, Impulses):
            return impulses()
        if isinstance(damage.noise, CorrelatedNoise):
            return large_correlated() if large else correlated()
        return large_white() if large else white()

    def build(self, x0: Tensor, preset: Preset, damage: Damage, panels: int = 1) -> Problem:
        """Impulses say nothing of x: where they are it has holes, and the residual is the absolute
        error.
        """
        from ..degradations import Holes, Impulses, impulse_mask
        from ..energies import absolute_error, squared_error
        from ..objectives import Observed
        from ..operators import identity

        if not isinstance(damage.noise, Impulses):
            energy = squared_error(x0, identity)
            return preset.problem(Observed(x0, energy, damage.noise, panels=panels))
        holes = Holes(lambda x0: 1 - impulse_mask(x0), scattered=True, exact=True)
        return preset.problem(Observed(x0, absolute_error(x0, identity), holes, panels=panels))

    def uncertain(self, variance: Tensor, x: Tensor, x0: Tensor, damage: Damage) -> Tensor:
        """What is kept of the noise counts, too."""
        from ..degradations import Impulses
        from ..light import from_root
        from ..storage import strips

        noise = None if isinstance(damage.noise, Impulses) else damage.noise
        for rows in strips(*x.shape[-2:]):
            v, image = variance[..., rows, :], x[..., rows, :]
            if noise and self.strength < 1:
                kept = (1 - self.strength) ** 2 * noise.variance(image).mean(dim=1, keepdim=True)
                v = self.strength**2 * v + kept
            if self.raw:
                apart = from_root(image + v.sqrt()) - from_root((image - v.sqrt()).clamp_min(0))
                v = (apart / 2).square().mean(dim=1, keepdim=True)
            variance[..., rows, :] = v
        return variance

    def finish(self, x: Tensor, observation: Tensor, x0: Tensor, damage: Damage) -> Finished:
        import torch

        from ..cautions import is_clean, lost, mistold
        from ..degradations import Impulses, estimate_noise, palette, stripes
        from ..degradations.impulses import has_specks
        from ..light import from_root

        cautions = lost(x, x0, damage.noise)
        if self.sigma is not None:
            cautions += mistold(x0, damage.noise)
        # few levels of one channel may be counts of photons
        if observation.shape[1] > 1 and (found := palette.detect(observation)):
            cautions.append(f"it has {found.sentence}, of which dejpeg knows more")
        if stripes.detect(x):
            cautions.append("rows or columns of noise stay in it")
        if not isinstance(damage.noise, Impulses):
            cautions += [SPECKS] if has_specks(x0) else []
        elif (left := estimate_noise(x)).certain and left.sigma > GRAIN:
            cautions.append(OTHERS)
        told = self.sigma is not None or not isinstance(self.noise, str)
        measured = not told and not isinstance(damage.noise, Impulses)
        clean = measured and is_clean(x, observation)
        if self.strength < 1:
            torch.lerp(observation, x, float(self.strength), out=x)
        if self.raw:
            by_strips(from_root, x)
        return Finished(image=x, cautions=cautions, clean=clean)


def by_strips(curve: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """`x` itself, changed: memory may not hold it twice."""
    from ..storage import strips

    for rows in strips(*x.shape[-2:]):
        x[..., rows, :] = curve(x[..., rows, :])
    return x


def _with_published(fast: Preset, best: Preset) -> dict[str, Preset]:
    """With the published settings, which stop where their image is nearest to that of `fast`."""
    from .. import codes
    from ..networks import Hourglass
    from ..objectives import Preset, ReferenceStopped, Residual

    paper = ReferenceStopped(Residual(codes.noise), fast)
    settings = Settings(steps=STEPS["paper"])
    return {"fast": fast, "best": best, "paper": Preset(Hourglass, paper, settings)}


@cache
def white() -> dict[str, Preset]:
    from ..objectives import Sure

    return _of_risk(Sure(), Sure(estimates=7, probed=PROBED))


@cache
def large_white() -> dict[str, Preset]:
    """As `white`, but `best` has no seventh estimate, whose patches, 7 pixels a side, lie another
    way in every tile.
    """
    from ..objectives import Sure

    return _of_risk(Sure(), Sure(probed=PROBED))


def _of_risk(fast: Objective, best: Objective) -> dict[str, Preset]:
    from ..networks import Refiner
    from ..objectives import Preset

    return _with_published(
        fast=Preset(Refiner, fast, in_windows(steps=STEPS["fast"], window=128)),
        best=Preset(Refiner, best, in_windows(steps=STEPS["best"], window=256)),
    )


@cache
def impulses() -> dict[str, Preset]:
    from ..networks import Refiner
    from ..objectives import Holdout, Preset

    return _with_published(
        fast=Preset(Refiner, Holdout(), in_parts(steps=160)),
        best=Preset(Refiner, Holdout(), in_parts(steps=600)),
    )


@cache
def correlated() -> dict[str, Preset]:
    from ..objectives import Guided, Preset, estimates

    return _with_published(
        fast=Preset(small, Guided(estimates.of_correlated), guided(steps=STEPS["fast"])),
        best=Preset(small, Guided(estimates.of_correlated), guided(steps=STEPS["best"], runs=2)),
    )


@cache
def large_correlated() -> dict[str, Preset]:
    from ..networks import Refiner
    from ..objectives import Estimated, Preset, estimates

    return _with_published(
        fast=Preset(Refiner, Estimated(estimates.of_correlated), once),
        best=Preset(Refiner, Estimated(estimates.of_correlated, count=4), once),
    )
