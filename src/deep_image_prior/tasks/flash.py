"""Flash and no-flash pairs: z the flash photo, A identity, E squared error (section 3.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInput
from ..options import given
from ..settings import Settings
from .preset import small
from .task import Damage, Finished, Read, Restoration, task

if TYPE_CHECKING:
    from torch import Tensor

    from ..descent import Problem
    from ..images import Pixels, Scale
    from ..objectives import Preset

STEPS = {"fast": 300, "best": 300, "paper": 601}


@task
class Flash(Restoration):
    """Remove the noise of a photo without flash, guided by one with flash, both of one size
    (section 3.7).
    """

    name = "flash"
    summary = "Remove the noise of IMAGE, guided by the photo FLASH of the same scene."
    steps_of = STEPS

    guide: Pixels = given(
        kw_only=False,
        kind=Path,
        metavar="FLASH",
        help="The photo with flash, of the size of the image.",
    )

    def observe(self, pixels: Pixels, read: Read) -> tuple[Tensor, Scale]:
        import torch

        observation, scale = super().observe(pixels, read)
        code, _ = read(self.guide, "flash photo")
        if code.shape[-2:] != observation.shape[-2:]:
            raise BadInput(
                f"the flash photo is {_size(code)}, the image {_size(observation)}; they must be "
                "of one size"
            )
        return torch.cat([observation, code], dim=1), scale

    def presets(self, damage: Damage, shape: Sequence[int]) -> Mapping[str, Preset]:
        return presets()

    def build(self, x0: Tensor, preset: Preset, damage: Damage, panels: int = 1) -> Problem:
        """x0 has the channels of the guide behind its own."""
        from ..energies import squared_error
        from ..objectives import Observed
        from ..operators import identity

        photo, guide = self._split(x0)
        return preset.problem(Observed(photo, squared_error(photo, identity), guide=guide))

    def finish(self, x: Tensor, observation: Tensor, x0: Tensor, damage: Damage) -> Finished:
        from ..cautions import lost

        return Finished(image=x, cautions=lost(x, self._split(observation)[0]))

    def _split(self, both: Tensor) -> tuple[Tensor, Tensor]:
        """The photo without flash, and that with it."""
        guides = 1 if self.channel_axis is None else self.guide.shape[self.channel_axis]
        return both[:, :-guides], both[:, -guides:]


def _size(image: Tensor) -> str:
    return f"{image.shape[-1]} x {image.shape[-2]}"


@cache
def presets() -> dict[str, Preset]:
    from .. import codes
    from ..networks import Hourglass, bilinear, nearest
    from ..objectives import Preset, Residual

    image = Residual(codes.image)
    refined = partial(Settings, jitter=0.05, averaging=0.98)
    return {
        "fast": Preset(small, image, refined(steps=STEPS["fast"])),
        "best": Preset(small, image, refined(steps=STEPS["best"], runs=4)),
        # the published notebook's network and steps; the paper gives none
        "paper": Preset(
            partial(Hourglass, upsample=(nearest, nearest, bilinear, bilinear, bilinear)),
            image,
            Settings(steps=STEPS["paper"], learning_rate=0.1, jitter=0),
        ),
    }
