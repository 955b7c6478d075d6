"""Flash and no-flash pairs: z the flash photo, A identity, E squared error (section 3.7).

Or as a photo is denoised, with the flash photo as a further image of z.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInput
from ..options import given
from ..settings import Settings
from .denoise import Denoise, by_strips
from .task import Damage, Finished, Read, task

if TYPE_CHECKING:
    from torch import Tensor

    from ..descent import Problem
    from ..images import Pixels, Scale
    from ..objectives import Preset

STEPS = {**Denoise.steps_of, "paper": 601}
SEEN = 1024  # pixels a side, in which noise is looked for that both photos have
ALONE = "the flash photo was not used: it does not show what the image shows, or lies far from it"
SAME = "the flash photo was not used: it has the noise of the image, as a copy of it has"
IMPULSES = "the flash photo was not used: it is of no help beside impulses"


@task
class Flash(Denoise):
    """Remove the noise of a photo without flash, guided by one with flash, both of one size
    (section 3.7).

    As denoise does, whose kinds of noise it takes; but what both photos show is drawn with the
    help of the one with flash. Its light and shadows are not. It is moved first if it lies some
    pixels beside the other, as of a camera held by hand; Result.damage.alignment says by how much.
    """

    name = "flash"
    summary = "Remove the noise of IMAGE, guided by the photo FLASH of the same scene."
    ending = "restored"
    steps_of = STEPS
    together = False

    guide: Pixels = given(
        kw_only=False,
        kind=Path,
        metavar="FLASH",
        help="The photo with flash, of the size of the image.",
    )

    def observe(self, pixels: Pixels, read: Read) -> tuple[Tensor, Scale]:
        """The channels of the flash photo behind those of the image."""
        import torch

        from ..light import to_root

        observation, scale = super().observe(pixels, read)
        flash, _ = read(self.guide, "flash photo")
        if flash.shape[-2:] != observation.shape[-2:]:
            raise BadInput(
                f"the flash photo is {_size(flash)}, the image {_size(observation)}; they must be "
                "of one size"
            )
        if self.raw:
            flash = by_strips(to_root, flash)
        return torch.cat([observation, flash], dim=1), scale

    def measure(
        self, observation: Tensor, scale: Scale, sigma: float | None
    ) -> tuple[Tensor, Damage]:
        """The image alone where the flash photo is of no use."""
        import torch

        from ..alignment import Alignment, align, has_noise_of, moved
        from ..degradations import Impulses, Noise, estimate_noise

        photo, flash = self._apart(observation)
        photo, damage = super().measure(photo, scale, sigma)
        if self.preset == "paper":  # which takes the pair as it is
            alignment: Alignment | None = Alignment()
        else:
            alignment = None if isinstance(damage.noise, Impulses) else align(photo, flash)
        if alignment is None:
            return photo, damage
        flash, noise = moved(flash, alignment), damage.noise
        if self.preset != "paper" and isinstance(noise, Noise):
            seen, other = (each[..., :SEEN, :SEEN] for each in (photo, flash))
            # what is told may be too much
            least = min(each.variance(seen).mean().item() for each in (noise, estimate_noise(seen)))
            if has_noise_of(seen, other, least):
                return photo, replace(damage, alignment=replace(alignment, copied=True))
        return torch.cat([photo, flash], dim=1), replace(damage, alignment=alignment)

    def presets(self, damage: Damage, shape: Sequence[int]) -> Mapping[str, Preset]:
        return {**super().presets(damage, shape), "paper": paper()}

    def build(self, x0: Tensor, preset: Preset, damage: Damage, panels: int = 1) -> Problem:
        from ..energies import squared_error
        from ..objectives import Observed
        from ..operators import identity

        if not _guided(damage):
            return super().build(x0, preset, damage, panels)
        photo, flash = self._apart(x0)
        energy = squared_error(photo, identity)
        return preset.problem(Observed(photo, energy, damage.noise, flash, panels))

    def finish(self, x: Tensor, observation: Tensor, x0: Tensor, damage: Damage) -> Finished:
        from ..degradations import Impulses

        if _guided(damage):
            x0, _ = self._apart(x0)
        finished = super().finish(x, self._apart(observation)[0], x0, damage)
        if _guided(damage):
            return finished
        alone = SAME if damage.alignment else ALONE
        why = IMPULSES if isinstance(damage.noise, Impulses) else alone
        return replace(finished, cautions=[*finished.cautions, why])

    def _apart(self, both: Tensor) -> tuple[Tensor, Tensor]:
        """The photo without flash, and that with it."""
        guides = 1 if self.channel_axis is None else self.guide.shape[self.channel_axis]
        return both[:, :-guides], both[:, -guides:]


def _guided(damage: Damage) -> bool:
    return damage.alignment is not None and not damage.alignment.copied


def _size(image: Tensor) -> str:
    return f"{image.shape[-1]} x {image.shape[-2]}"


@cache
def paper() -> Preset:
    """The published notebook's network and steps; the paper gives none."""
    from .. import codes
    from ..networks import Hourglass, bilinear, nearest
    from ..objectives import Preset, Residual

    return Preset(
        partial(Hourglass, upsample=(nearest, nearest, bilinear, bilinear, bilinear)),
        Residual(codes.image),
        Settings(steps=STEPS["paper"], learning_rate=0.1, jitter=0),
    )
