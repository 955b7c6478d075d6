"""The widget: a layer, a task and its options; how far it is, and what came of it."""

import math
from collections.abc import Sequence
from dataclasses import MISSING, Field, fields
from functools import partial
from pathlib import Path
from typing import Any

from magicgui.widgets import (
    CheckBox,
    ComboBox,
    Container,
    FloatSlider,
    Label,
    LineEdit,
    ProgressBar,
    PushButton,
    Widget,
)
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer
from napari.qt.threading import create_worker
from napari.utils.notifications import show_warning
from qtpy.QtCore import QTimer

from ..errors import BadInput, said
from ..functions import TASKS
from ..options import Option, declared
from ..tasks import Restoration
from .job import Job, Outcome

KINDS = {name: kind for name, kind in TASKS.items() if issubclass(kind, Restoration)}
SHARED = ("preset", "steps")  # of the options that every task has
EVERY = 100  # milliseconds between looks at the progress
FULL = 1000  # of the bar
LOUD = "font-weight: bold; color: #e5534b"


class Restore(Container[Widget]):
    """Restores a layer into a new one."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        self._viewer = napari_viewer
        self._job: Job | None = None
        self._worker: Any = None
        self._image = ComboBox(name="image", choices=partial(self._layers, kinds=(Image,)))
        self._task = ComboBox(name="task", choices=list(KINDS))
        self._options = Container[Widget](label="")
        self._every = CheckBox(text="all slices of the stack", label="")
        self._start = PushButton(text="Restore")
        self._stop = PushButton(text="Stop", tooltip="Keep the best so far.", enabled=False)
        self._cancel = PushButton(text="Cancel", tooltip="Keep nothing.", enabled=False)
        buttons = [self._start, self._stop, self._cancel]
        self._bar = ProgressBar(min=0, max=FULL, label="")
        self._said = Label(label="")
        super().__init__(
            widgets=[
                self._image,
                self._task,
                self._options,
                self._every,
                Container(widgets=buttons, layout="horizontal", labels=False, label=""),
                self._bar,
                self._said,
            ]
        )
        self._said.native.setWordWrap(True)
        self._timer = QTimer(self.native)
        self._timer.setInterval(EVERY)
        self._timer.timeout.connect(self._show)
        self._image.changed.connect(self._chosen)
        self._task.changed.connect(self._ask)
        self._start.clicked.connect(self._begin)
        self._stop.clicked.connect(lambda: self._job and self._job.stop.set())
        self._cancel.clicked.connect(self._quit)
        self.native.destroyed.connect(self._quit)
        self._bar.hide()
        self._ask()
        self._chosen()

    def _layers(self, box: Widget, kinds: tuple[type[Layer], ...]) -> Sequence[Layer]:
        return [each for each in self._viewer.layers if isinstance(each, kinds)]

    def _chosen(self) -> None:
        """Another image, which may be a stack."""
        layer = self._image.value
        self._every.visible = layer is not None and layer.ndim > 2

    def _ask(self) -> None:
        """The form of the task that is chosen."""
        self._options.clear()
        kind = KINDS[self._task.value]
        shown = [each for each in fields(kind) if each.name in (*kind.own(), *SHARED)]
        for each in sorted(shown, key=lambda each: each.name in SHARED):
            self._options.append(self._field(kind, each))
        if "mask_marks" in kind.own():
            self._options["mask"].changed.connect(self._mark)
            self._mark(self._options["mask"].value)

    def _mark(self, mask: Layer | None) -> None:
        """Labels are painted where pixels are missing."""
        if isinstance(mask, Labels):
            self._options["mask_marks"].value = "missing"

    def _field(self, kind: type[Restoration], each: Field[Any]) -> Widget:
        """Where a person gives one option."""
        option: Option = each.metadata["option"]
        default = None if each.default is MISSING else each.default
        how: dict[str, Any] = {"name": each.name, "tooltip": option.help}
        names = list(kind.steps_of) if each.name == "preset" else option.choices or option.names
        if option.kind is Path:
            layers = partial(self._layers, kinds=(Labels, Image))
            return ComboBox(choices=layers, **how)
        if names:
            return ComboBox(choices=names, value=names[0] if default is None else default, **how)
        if option.kind is bool:
            return CheckBox(value=bool(default), **how)
        if math.isfinite(option.most - option.least) and default is not None:
            return FloatSlider(value=default, min=option.least, max=option.most, **how)
        return LineEdit(value="" if default is None else str(default), **how)

    def _given(self, kind: type[Restoration]) -> dict[str, Any]:
        """The options; what is left empty is as the task has it. Raises BadInput."""
        needed = [each.name for each in fields(kind) if each.default is MISSING]
        given: dict[str, Any] = {}
        for each in self._options:
            value = each.value
            if value is None:
                raise BadInput(f"{each.name} is a layer, and there is none; add one first")
            if isinstance(each, LineEdit):
                value = _parsed(declared(kind)[each.name], value.strip())
            if value != "" or each.name in needed:
                given[each.name] = value
        return given

    def _begin(self) -> None:
        kind, layer = KINDS[self._task.value], self._image.value
        try:
            if layer is None:
                raise BadInput("there is no image layer; open an image first")
            every = layer.ndim > 2 and self._every.value
            job = Job(kind, layer, self._given(kind), self._viewer, every)
        except BadInput as error:
            self._say([str(error)])
            return
        ends = {"returned": self._add, "errored": self._fail, "finished": self._end}
        self._job, self._worker = job, create_worker(job, _start_thread=False, _connect=ends)
        job.cancelled = lambda: self._worker.abort_requested
        self._worker.start()
        self._busy(True)

    def _quit(self) -> None:
        if self._worker:
            self._worker.quit()

    def _busy(self, busy: bool) -> None:
        self._start.enabled = not busy
        self._stop.enabled = self._cancel.enabled = self._bar.visible = busy
        (self._timer.start if busy else self._timer.stop)()

    def _show(self) -> None:
        """How far it is."""
        words, share = self._job.progress
        self._bar.max = 0 if share is None else FULL  # 0 is that of work without an end in sight
        self._bar.value = round(FULL * (share or 0))
        self._say([f"{words}; it stops at the next step" if self._job.stop.is_set() else words])

    def _add(self, outcome: Outcome) -> None:
        """What came of it."""
        if outcome.data is not None:
            layer = Image(outcome.data, **outcome.attributes)
            self._viewer.add_layer(layer)
        low = outcome.confidence == "low"
        self._say(outcome.said, LOUD if low else "")
        if low:
            show_warning(f"the confidence in {layer.name} is low: look at it closely")

    def _fail(self, error: Exception) -> None:
        self._say([said(error)])

    def _end(self) -> None:
        self._busy(False)
        if self._worker.abort_requested:
            self._say(["cancelled; no layer is added"])

    def _say(self, lines: Sequence[str], style: str = "") -> None:
        self._said.native.setStyleSheet(style)
        self._said.value = "\n".join(lines)


def _parsed(option: Option, text: str) -> Any:
    """What is no number stays as it is: the task says what is wrong with it."""
    try:
        return option.kind(text) if option.kind else text
    except ValueError:
        return text
