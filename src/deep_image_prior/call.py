"""A task as it is done here: where, within how much memory, by which settings and rule."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import images
from .checkpoint import Checkpoint, open_checkpoint
from .descent import Problem
from .device import find_device
from .digest import digest
from .errors import BadInput
from .fitting import Fit, fit
from .images import Pixels, Scale
from .masks import unknown_pixels
from .memory import Memory
from .objectives import Preset
from .options import declared
from .phases import Phase
from .settings import Settings
from .step import Rule
from .stopping import RULES, Discrepancy, Recipe
from .tasks import Damage, Restoration, Task


class Call:
    """A task as it is done here: on a device, within a limit of memory. name, scale: of the image,
    which has a scale of its own if it is of no larger one.
    """

    def __init__(self, task: Task, name: str = "image", scale: Scale | None = None) -> None:
        self.task, self.name, self.scale = task, name, scale
        self.device = find_device(task.device)
        hint = "" if task.preset == "fast" else "the preset fast, or "
        self.memory = Memory(self.device, task.memory and int(task.memory), hint)

    def read(self, image: Pixels, name: str = "") -> tuple[Tensor, Scale]:
        """The image as (1, C, H, W) in [0, 1], and what its values mean."""
        scale = None if name else self.scale
        name = name or self.name
        images.check_unmasked(image, name)
        pixels, axis = np.asarray(image), self.task.channel_axis
        images.check_pixels(pixels, axis, name)
        scale = scale or images.scale_of(pixels)
        on_disk = self.memory.on_disk(pixels.shape)
        return images.to_tensor(pixels, axis, scale, self.device, on_disk), scale

    def back(self, image: Tensor, scale: Scale) -> Pixels:
        """The inverse of `read`."""
        on_disk = self.memory.on_disk(image.shape)
        return images.from_tensor(image, self.task.channel_axis, scale, on_disk)

    def deviation(self, variance: Tensor, scale: Scale, pixels: Pixels) -> Pixels:
        """(H, W), in the units of the image `pixels`, of the variance (1, 1, H, W) of x; NaN where
        that is.
        """
        stored = images.deviation_of(variance, scale, self.memory.on_disk(variance.shape))
        if pixels.dtype.kind == "f":
            stored[unknown_pixels(pixels, self.task.channel_axis)] = np.nan
        return stored

    def preset(self, presets: Mapping[str, Preset]) -> Preset:
        """The one that is asked for, with the settings that are."""
        name = self.task.preset
        preset = presets[name] if isinstance(name, str) else name
        if not isinstance(preset, Preset):
            kind = type(preset).__name__
            raise BadInput(f"preset is a {kind}; give one of {', '.join(presets)}, or a Preset")
        return replace(preset, settings=replace(preset.settings, **self.task.changes()))

    def rule(
        self, preset: Preset, sigma: float | None = None, clips: bool = False, told: bool = False
    ) -> Callable[[Problem], Recipe | None]:
        """What to stop by, from the problem. sigma: of white noise, for x in [0, 1]; told: not
        measured.
        """
        stop = self.task.stop
        if stop == "never":
            return lambda problem: None
        if stop == "auto":
            rule: Recipe | None = Discrepancy(sigma, clips) if sigma and told else None
        else:
            rule = RULES[stop](sigma, clips) if isinstance(stop, str) else stop
        if stop != "auto" and not (isinstance(rule, Rule) or callable(rule)):
            raise BadInput(f"stop is {rule!r}; give a name, a stopping.Rule, or what makes one")
        if getattr(rule, "residual", False) and not preset.objective.compares:
            raise BadInput(
                f"{'sigma' if stop == 'auto' else 'this rule'} has no use here, where nothing is "
                "compared with noise; leave it out, or use the preset paper (--preset paper)"
            )
        return lambda problem: rule or problem.rule

    def fit(
        self, problem: Problem, preset: Preset, rule: Callable[[Problem], Recipe | None]
    ) -> Fit:
        """Fit the whole once it is known that memory suffices."""
        task, settings = self.task, preset.settings
        self.memory.check(problem, settings)
        task.tell(Phase("learning", total=settings.runs))
        return fit(problem, settings, rule(problem), task.watch, tell=task.tell)

    def checkpoint(
        self, task: Restoration, x0: Tensor, damage: Damage, settings: Settings
    ) -> Checkpoint | None:
        if task.checkpoint is None:
            return None
        own = {name: digest(_own(task, name)) for name in task.own()}
        key = {
            "image": digest(x0),
            "preset": digest(task.preset),
            "sigma": str(task.sigma),
            "stop": digest(task.stop),
            "setting": str(settings),
            "device": str(self.device),
            "task": f"{task.name} {own} {digest(damage)}",
            "version": f"{metadata.version('deep-image-prior')}, torch {torch.__version__}",
        }
        return open_checkpoint(Path(task.checkpoint), key)


def _own(task: Restoration, name: str) -> Any:
    """An option of it; a path, if it is the name of a file."""
    value = getattr(task, name)
    return Path(value) if declared(type(task))[name].file and isinstance(value, str) else value
