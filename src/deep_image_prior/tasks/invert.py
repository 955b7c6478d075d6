"""Invert features: z noise, A a layer of a classifier, E squared error between features (section
3.4, eq. 7-8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

from ..options import given
from ..settings import Settings
from .preset import small
from .task import Visualisation, task

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..descent import Problem
    from ..features import Features
    from ..objectives import Preset

STEPS = {"fast": 800, "best": 800, "paper": 3100}
VGG_STEPS = 10_000  # of `paper`, for figure 15


@task
class Invert(Visualisation):
    """An image with the features of x0 at `layer`: what of x0 the classifier still knows there
    (section 3.4).

    x0, Result.parts["shown"], is the centre square of the image, resized to what the classifier
    takes, (S, S) or with channels; gray stays gray. Result.measures: `feature_error`, |Phi(x) -
    Phi(x0)|^2 / |Phi(x0)|^2 of the image returned, and its `psnr` to x0.
    """

    name = "invert"
    summary = (
        "Show what a layer of a classifier still knows of IMAGE: a natural image with the same "
        "features there."
    )
    steps_of = STEPS

    layer: str = given(kw_only=False, help="By its name; see: dip layers.")

    def presets(self) -> Mapping[str, Preset]:
        return presets(self.classifier.name)

    def build(self, shown: Tensor, operator: Features, preset: Preset) -> Problem:
        """An image with the features of x0 (1, 3, S, S) in [0, 1]; they are computed once."""
        import torch

        from ..energies import relative_error
        from ..objectives import Observed

        with torch.no_grad():
            features = operator(shown)
        problem = preset.problem(Observed(shown, relative_error(features, operator)))
        return replace(problem, alike=False)


def six_scales(
    inputs: int,
    outputs: int,
    skip: tuple[int, ...],
    kernels: tuple[int, ...],
    sharp: bool = False,
) -> nn.Module:
    """The hourglass for classifiers; section 4 lists five skips for the six scales. sharp: enlarged
    by the nearest pixel.
    """
    from ..networks import Hourglass, bilinear, nearest

    widths = (16, 32, 64, 128, 128, 128)
    return Hourglass(
        inputs,
        outputs,
        down=widths,
        up=widths,
        padding="zeros",
        skip=skip,
        down_kernel=kernels,
        up_kernel=kernels,
        upsample=nearest if sharp else bilinear,
    )


@cache
def presets(classifier: str = "") -> dict[str, Preset]:
    """For the classifier of that name. best: three runs, since some keep wrong colours and a larger
    error.
    """
    from .. import codes
    from ..objectives import Preset, Residual

    kernels = (7, 7, 5, 5, 3, 3)
    # section 4 lists no jitter here
    slow = Settings(steps=STEPS["paper"], learning_rate=0.001, jitter=0)
    if classifier.startswith("vgg"):
        slow = replace(slow, steps=VGG_STEPS)
    quick = partial(Settings, learning_rate=0.006, jitter=0, averaging=0.9)
    return {
        "fast": Preset(small, Residual(codes.noise), quick(steps=STEPS["fast"])),
        "best": Preset(small, Residual(codes.noise), quick(steps=STEPS["best"], runs=3)),
        "paper": Preset(
            partial(six_scales, skip=(4,) * 6, kernels=kernels, sharp=True),
            Residual(codes.noise),
            slow,
        ),
    }
