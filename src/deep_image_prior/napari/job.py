"""Planes of a layer, restored one by one while the viewer goes on.

What brings torch is imported in the thread of the work, so that the widget is there at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Layer

from ..errors import BadInput, Destabilised, exhausted
from .planes import Plane, attributes, joined, pixels, place, planes

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from ..images import Pixels
    from ..phases import Phase
    from ..restoration import Result
    from ..step import Step
    from ..tasks import Restoration

KEY = "deep-image-prior"  # in the metadata of the new layer
COLOURS = 3  # of a layer with colours; what is beyond is transparency


class Cancelled(Exception):
    """Nothing is wanted any more."""


@dataclass(frozen=True)
class Outcome:
    """said: lines for the person. data and attributes: of the new layer, or None if there is none.
    confidence: the lowest of all planes.
    """

    said: list[str]
    data: Pixels | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    confidence: str | None = None


@dataclass(frozen=True)
class Made:
    """A plane that is restored, and what there is to say of it."""

    result: Result
    lines: list[str]


class Job:
    """A task on the plane of `layer` that `viewer` shows, or on `every` one.

    options: of the task; layers among them are seen at the same plane. Once `stop` is set the job
    ends with the best so far, at the next step; once `cancelled` says so, with nothing. progress:
    what is being done, and how much of that, from 0 to 1, or None.
    """

    def __init__(
        self,
        kind: type[Restoration],
        layer: Image,
        options: Mapping[str, Any],
        viewer: ViewerModel,
        every: bool,
    ) -> None:
        self.kind, self.layer, self.options = kind, layer, options
        self.planes = planes(viewer, layer, every)
        self.beside = {
            name: (value, place(viewer, value)[: max(0, value.ndim - layer.ndim)])
            for name, value in options.items()
            if isinstance(value, Layer)
        }
        self.several = len(self.planes) > 1
        self.stop = Event()
        self.cancelled: Callable[[], bool] = lambda: False
        self.progress: tuple[str, float | None] = ("starting", None)
        self._place, self._run, self._factor = "", 0, 1

    def __call__(self) -> Outcome | None:
        """None if it is cancelled. Errors that a person can mend are said, others are raised."""
        made: dict[Plane, Made] = {}
        ended = ""
        try:
            for plane in self.planes:
                if self.stop.is_set():
                    raise KeyboardInterrupt
                x = pixels(self.layer, plane)
                if self.several and x.min() == x.max():
                    continue  # nothing is in it, and it stays as it is
                now = self._made(plane, x)
                if now.result.interrupted and made:
                    raise KeyboardInterrupt  # what is complete is the best
                made[plane] = now
        except Cancelled:
            return None
        except KeyboardInterrupt:
            ended = "stopped"
        except (BadInput, Destabilised, OSError) as error:
            ended = str(error)
        except (MemoryError, RuntimeError) as error:
            if not exhausted(error):
                raise
            ended = "out of memory; use the preset fast, or a smaller image"
        if not made:
            return Outcome([f"{ended or 'every slice is constant'}; no layer is added"])
        return self._outcome(made, ended)

    def _made(self, plane: Plane, x: Pixels) -> Made:
        from ..images import scale_of
        from ..restoration import restore
        from ..summary import summary

        self._place, self._run = f"slice {plane.name}: " if self.several else "", 0
        beside = {
            name: self._beside(layer, plane, before)
            for name, (layer, before) in self.beside.items()
        }
        task = self.kind(
            channel_axis=-1 if self.layer.rgb else None,
            watch=self._watch,
            tell=self._tell,
            **{**self.options, **beside},
        )
        self._factor = task.enlargement
        seen = x[..., :COLOURS] if self.layer.rgb else x
        result = restore(task, seen, self.layer.name)
        lines = summary(result, scale_of(seen[np.isfinite(seen)]))
        if self.layer.rgb:
            alpha = x[..., COLOURS:].repeat(self._factor, 0).repeat(self._factor, 1)
            result = replace(result, image=np.concatenate([result.image, alpha], axis=-1))
        return Made(result, lines)

    def _beside(self, layer: Layer, plane: Plane, before: Sequence[int]) -> Pixels:
        """What another layer has there, with as many channels as the image."""
        found = pixels(layer, plane, before)
        if not getattr(layer, "rgb", False):
            return np.stack([found] * COLOURS, axis=-1) if self.layer.rgb else found
        if not self.layer.rgb:
            raise BadInput(f"{layer.name} has colours, {self.layer.name} has none; choose another")
        return found[..., :COLOURS]

    def _watch(self, step: Step) -> None:
        self._run += step.index == 1
        fit = f"fit {self._run}, " if self._run > 1 else ""
        self._told(f"{fit}step {step.index} of {step.budget}", step.index / step.budget)
        if self.stop.is_set():
            raise KeyboardInterrupt

    def _tell(self, phase: Phase) -> None:
        self._told(phase.name, phase.done / phase.total if phase.total > 1 else None)

    def _told(self, doing: str, share: float | None) -> None:
        if self.cancelled():
            raise Cancelled
        self.progress = self._place + doing, share

    def _outcome(self, made: Mapping[Plane, Made], ended: str) -> Outcome:
        """The new layer, of the planes that are made. ended: why others are not."""
        from ..summary import DOUBTS

        last = list(made.values())[-1].result
        ended = ended or ("" if last.complete else last.stopped)
        first = [f"not complete, the best so far is kept: {ended}"] if ended else []
        levels = {plane.name: each.result.confidence for plane, each in made.items()}
        confidence = next((level for level in DOUBTS if level in levels.values()), None)
        said = [line for each in made.values() for line in each.lines]
        summary = said
        if self.several:
            rest = ", the others are as they were" if len(made) < len(self.planes) else ""
            said = [f"{len(made)} of {len(self.planes)} slices are restored{rest}"]
            for level in DOUBTS:
                if names := [name for name in levels if levels[name] == level]:
                    said.append(f"confidence: {level} in {len(names)}: slice {'; '.join(names)}")
            summary = [f"slice {p.name}: {line}" for p, each in made.items() for line in each.lines]
        facts = {
            "task": self.kind.name,
            "options": {**self.options, **{name: at[0].name for name, at in self.beside.items()}},
            "confidence": confidence,
            "summary": first + summary,
        }
        images = {plane: each.result.image for plane, each in made.items()}
        return Outcome(
            said=first + said,
            data=joined(self.layer, images, self.planes, self._factor),
            attributes={
                **attributes(self.layer, self.planes, self._factor),
                "name": f"{self.layer.name} {self.kind.ending.format_map(self.options)}",
                "metadata": {**self.layer.metadata, KEY: facts},
            },
            confidence=confidence,
        )
