"""
Add a task
==========

A task is one value: its options and three small methods. The function with its documentation, the
command with its help, and the records are made of it. This page adds a whole task, and runs it.

The damage
----------

A picture was stored with few levels a channel, and smooth areas have become bands. Each value was
rounded to the nearest level, so the true one lies within half a level of it. That is all that is
known: ``E`` is zero for every image within these bounds, and grows with the square of the distance
beyond them. The prior prefers a smooth one.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

import deep_image_prior as dip

photo = data.coffee()[100:196, 250:346]  # (96, 96, 3), uint8
LEVELS = 8
banded = np.rint(np.rint(photo / 255 * (LEVELS - 1)) / (LEVELS - 1) * 255).astype(np.uint8)

# %%
# The task
# --------
#
# In the package this is a file of ``src/deep_image_prior/tasks/``. Fields are options: each is
# declared once, with its default, kind, range and help. ``presets`` chooses f, z and the settings,
# ``build`` makes the problem that is fitted, and ``finish`` the result of what f drew.

from deep_image_prior import codes
from deep_image_prior.energies import PixelMean
from deep_image_prior.functions import restoring
from deep_image_prior.objectives import Observed, Preset, Residual
from deep_image_prior.options import option
from deep_image_prior.settings import Settings
from deep_image_prior.tasks import Finished, Restoration
from deep_image_prior.tasks.preset import small
from deep_image_prior.tasks.task import task

STEPS = {"fast": 400}  # of the presets


@task
class Deband(Restoration):
    """Undo rounding to levels q apart: x* = f(z), max(|f(z) - x0| - q / 2, 0)^2."""

    name = "deband"
    summary = "Undo the rounding of IMAGE to few levels."
    ending = "debanded"
    steps_of = STEPS

    levels: int = option(
        default=8, kind=int, least=2, most=256, help="Values that a channel may have."
    )

    def presets(self, damage, shape):
        settings = Settings(steps=STEPS["fast"], jitter=0, averaging=0.98)
        return {"fast": Preset(small, Residual(codes.noise), settings)}

    def build(self, x0, preset, damage, panels=1):
        half = 0.5 / (self.levels - 1)  # of the distance of two levels

        def beyond(x, x0):
            return ((x - x0).abs() - half).clamp(min=0).square().mean()

        return preset.problem(Observed(x0, PixelMean(beyond, x0)))

    def finish(self, x, observation, x0, damage):
        half = 0.5 / (self.levels - 1)
        return Finished(image=x.clamp(observation - half, observation + half))


# %%
# The function
# ------------
#
# One line, in ``functions.py``, makes the function and puts the task in the table.

deband = restoring(Deband)
result = deband(banded, levels=LEVELS, channel_axis=-1)

plt.figure(figsize=(9, 3), layout="constrained")
plt.imshow(np.hstack([banded, result.image, photo]))
plt.axis("off")

# %%
# Left the picture with eight levels, in the middle the restored one, right the true one.

for name, image in {"banded": banded, "restored": result.image}.items():
    print(f"{name}: {dip.metrics.psnr(photo, image, peak=255):.1f} dB")

# %%
# Its documentation was made of the options. This is how it begins:

print("\n".join(deband.__doc__.splitlines()[:10]))

# %%
# A wrong value is refused in one line, because the range was declared:

try:
    deband(banded, levels=1, channel_axis=-1)
except dip.BadInput as error:
    print(error)

# %%
# The command
# -----------
#
# ``dip deband`` is there, too, with its help. In the package nothing more is to be done; here the
# command is made by hand, because the table was read before this page added to it.

import click

from deep_image_prior.app import commands

command = commands.restoring(Deband, run=lambda kind, values: 0)
with click.Context(command, info_name="dip deband") as context:
    print("\n".join(command.get_help(context).splitlines()[:5]))

# %%
# What is left to do
# ------------------
#
# - The name of the class in the lists of ``tasks/__init__.py`` and ``functions.py``, that of the
#   function in ``__init__.pyi``.
# - A file in ``tests/`` that states what must hold: here, that every value stays within half a
#   level.
# - An item in ``benchmarks/`` that compares it with what people use today, on many pictures. This
#   one would not pass yet: with 16 levels it lost up to 1.4 dB on three of five pictures (by hand).
