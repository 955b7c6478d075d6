"""Remove the artefacts of JPEG and of other compression: denoising with the narrower network of the
paper's figure 6 (section 3.1).

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

    from ..degradations import Compression, Lossy, Palette
    from ..descent import Problem
    from ..files import Coded, Quantisation
    from ..images import Scale
    from ..objectives import Preset

STEPS = {"fast": 100, "best": 200, "paper": 2400}
LITTLE = (
    "hardly anything was taken out: artefacts that can be seen are older than the compression that "
    "was found"
)
UNTRACED = (
    "there is no trace of compression: as much was taken out as was told, and it may be detail"
)
GUESSED = (
    "it is so smooth, or a drawing, that how strong the codec was could not be told; if too much "
    "or too little was taken out, tell dejpeg a quality"
)
DRAWN = "without a dither it may be a drawing, which never had more colours"
FEW = 16  # colours, of less a photograph is not made without a dither
across = partial(gently, learning_rate=0.001, window=256)
HOW_KEPT = (
    "How the lossy file of the image kept it (Picture.coding of files.read); else that is found."
)


@task
class Dejpeg(Restoration):
    """Remove the blocks, halos and dither of lossy compression (section 3.1, figures 6 and 7).

    JPEG, also of an image that was made smaller or larger since; WebP and AVIF; frames of video,
    as they were decoded; a palette of 2 to 256 colours, dithered or not, as GIF files have; any
    other at a `quality` that is told. What was undone is Result.compression.
    """

    name = "dejpeg"
    summary = "Remove the compression artefacts of IMAGE."
    ending = "dejpeg"
    steps_of = STEPS

    quality: int | None = option(
        default=None, kind=int, least=1, most=100, help="Of the compression; else it is found."
    )
    coding: Quantisation | Coded | None = option(default=None, help=HOW_KEPT)

    def measure(
        self, observation: Tensor, scale: Scale, sigma: float | None
    ) -> tuple[Tensor, Damage]:
        from ..degradations.lossy_traces import detect

        quality = None if self.quality is None else int(self.quality)
        return observation, Damage(compression=detect(observation, quality, self.coding))

    def presets(self, damage: Damage, shape: Sequence[int]) -> Mapping[str, Preset]:
        from ..degradations import Palette

        return of_palette() if isinstance(damage.compression, Palette) else presets()

    def build(self, x0: Tensor, preset: Preset, damage: Damage, panels: int = 1) -> Problem:
        from ..energies import squared_error
        from ..objectives import Observed
        from ..operators import identity

        energy = squared_error(x0, identity)
        return preset.problem(Observed(x0, energy, damage.compression, panels=panels))

    def finish(self, x: Tensor, observation: Tensor, x0: Tensor, damage: Damage) -> Finished:
        from ..cautions import is_clean, lost
        from ..degradations import Lossy, Palette
        from ..degradations.palette import SIDE, undithered
        from ..windows import middle

        made, seen = damage.compression, (x, observation)
        if isinstance(made, Palette) and made.dithered:
            part = middle(x.shape, SIDE)
            seen = part(x), undithered(part(observation))
        cautions = lost(*seen)
        if isinstance(made, Lossy) and not made.traced:
            cautions.append(UNTRACED)
        elif is_clean(x, observation):
            cautions.append(LITTLE)
        return Finished(image=x, cautions=cautions + doubts(made))


def doubts(made: Compression | Lossy | Palette | None) -> list[str]:
    """Why what was undone may never have been."""
    from ..degradations import Lossy, Palette

    if isinstance(made, Lossy) and made.guessed:
        return [GUESSED]
    if isinstance(made, Palette) and not made.dithered and len(made.colours) < FEW:
        return [DRAWN]
    return []


@cache
def presets() -> dict[str, Preset]:
    return _with_published(steps=STEPS["fast"])


@cache
def of_palette() -> dict[str, Preset]:
    """A dither takes longer to be learned: on three pictures 100 steps lost up to 0.3 dB."""
    return _with_published(steps=3 * STEPS["fast"])


def _with_published(steps: int) -> dict[str, Preset]:
    """fast in so many steps, best in twice as many, and the published settings."""
    from .. import codes
    from ..networks import Hourglass, Refiner
    from ..objectives import Preset, Recorruption, ReferenceStopped, Residual

    fast = Preset(Refiner, Recorruption(), across(steps=steps))
    widths = (8, 16, 32, 64, 128)
    return {
        "fast": fast,
        "best": Preset(Refiner, Recorruption(), across(steps=2 * steps, runs=2)),
        "paper": Preset(
            partial(Hourglass, down=widths, up=widths, skip=(0, 0, 0, 4, 4)),
            ReferenceStopped(Residual(partial(codes.noise, channels=3)), fast),
            Settings(steps=STEPS["paper"]),
        ),
    }
