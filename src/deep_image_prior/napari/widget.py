"""The widget: a layer, a task and its options; how far it is, and what came of it."""

import math
from collections.abc import Sequence
from dataclasses import MISSING, Field, fields
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
from magicgui.widgets.bases import ValueWidget
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer
from napari.qt.threading import create_worker
from napari.utils.notifications import notification_manager, show_warning
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QSizePolicy

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
        self._slots = {
            "returned": self._add,
            "errored": self._fail,
            "warned": self._warn,
            "finished": self._end,
        }
        self.image = ComboBox(name="image", choices=lambda _: self._layers(Image))
        self.task = ComboBox(name="task", choices=list(KINDS))
        self.form = Container[ValueWidget[Any]](widgets=[self.image, self.task])  # and the options
        self.every = CheckBox(text="all slices of the stack")
        self.start = PushButton(text="Restore")
        self.stop = PushButton(text="Stop", tooltip="Keep the best so far.", enabled=False)
        self.cancel = PushButton(text="Cancel", tooltip="Keep nothing.", enabled=False)
        buttons = [self.start, self.stop, self.cancel]
        self.bar = ProgressBar(min=0, max=FULL)
        self.text = Label()
        row = Container(widgets=buttons, layout="horizontal", labels=False)
        self.form.margins = row.margins = (0, 0, 0, 0)
        super().__init__(widgets=[self.form, self.every, row, self.bar, self.text], labels=False)
        self.text.native.setWordWrap(True)
        self.text.native.setAlignment(Qt.AlignmentFlag.AlignTop)
        grows = (QSizePolicy.Policy.Preferred, QSizePolicy.Policy.MinimumExpanding)
        self.text.native.setSizePolicy(*grows)
        self._timer = QTimer(self.native)
        self._timer.setInterval(EVERY)
        self._timer.timeout.connect(self._show)
        self.image.changed.connect(self._chosen)
        self.task.changed.connect(self._ask)
        self.start.clicked.connect(self._begin)
        self.stop.clicked.connect(self._halt)
        self.cancel.clicked.connect(self._quit)
        self.native.destroyed.connect(self._leave)
        self.bar.hide()
        self._ask()
        self._chosen()

    def _layers(self, *kinds: type[Layer]) -> list[Layer]:
        """Of the viewer, in the order of `kinds`."""
        return [layer for kind in kinds for layer in self._viewer.layers if isinstance(layer, kind)]

    def _beside(self, name: str) -> list[Layer]:
        """What may be the layer that an option `name` asks for, what is likely first."""
        layers = self._layers(Labels, Image) if name == "mask" else self._layers(Image)
        return [layer for layer in layers if layer != self.image.value]

    def _chosen(self) -> None:
        """Another image, which may be a stack."""
        layer = self.image.value
        self.every.visible = layer is not None and layer.ndim > 2
        self.form.reset_choices()

    def _ask(self) -> None:
        """The options of the task that is chosen."""
        kind = KINDS[self.task.value]
        del self.form[2:]
        shown = [each for each in fields(kind) if each.name in (*kind.own(), *SHARED)]
        for each in sorted(shown, key=lambda each: each.name in SHARED):
            self.form.append(self._field(kind, each))
        if "mask_marks" in kind.own():
            self.form["mask"].changed.connect(self._mark)
            self._mark(self.form["mask"].value)

    def _mark(self, mask: Layer | None) -> None:
        """Labels are painted where pixels are missing."""
        if isinstance(mask, Labels):
            self.form["mask_marks"].value = "missing"

    def _field(self, kind: type[Restoration], each: Field[Any]) -> ValueWidget[Any]:
        """Where a person gives one option."""
        option: Option = each.metadata["option"]
        default = None if each.default is MISSING else each.default
        how: dict[str, Any] = {"name": each.name, "tooltip": option.help}
        names = list(kind.steps_of) if each.name == "preset" else option.choices or option.names
        if option.kind is Path:
            return ComboBox(choices=lambda _: self._beside(each.name), **how)
        if names:
            return ComboBox(choices=names, value=names[0] if default is None else default, **how)
        if option.kind is bool:
            return CheckBox(value=bool(default), **how)
        if math.isfinite(option.most - option.least) and default is not None:
            return FloatSlider(value=default, min=option.least, max=option.most, **how)
        line = LineEdit(value="" if default is None else str(default), **how)
        line.native.setPlaceholderText(option.metavar or "auto")
        return line

    def _given(self, kind: type[Restoration]) -> dict[str, Any]:
        """The options; what is left empty is as the task has it. Raises BadInput."""
        needed = [each.name for each in fields(kind) if each.default is MISSING]
        given: dict[str, Any] = {}
        for each in self.form[2:]:
            value = each.value
            if value is None:
                raise BadInput(f"{each.name} is a layer, and there is none; add one first")
            if isinstance(each, LineEdit):
                value = _parsed(declared(kind)[each.name], value.strip())
            if value != "" or each.name in needed:
                given[each.name] = value
        return given

    def _begin(self) -> None:
        kind, layer = KINDS[self.task.value], self.image.value
        try:
            if layer is None:
                raise BadInput("there is no image layer; open an image first")
            every = layer.ndim > 2 and self.every.value
            job = Job(kind, layer, self._given(kind), self._viewer, every)
        except BadInput as error:
            self._say([str(error)])
            return
        worker = create_worker(job, _start_thread=False, _connect=self._slots)
        job.cancelled = lambda: worker.abort_requested
        self._job, self._worker = job, worker
        worker.start()
        self._busy(True)

    def _halt(self) -> None:
        if self._job:
            self._job.stop.set()

    def _quit(self) -> None:
        if self._worker:
            self._worker.quit()

    def _leave(self) -> None:
        """The widget is gone: nobody waits for the result."""
        self._quit()
        for signal, slot in self._slots.items():
            if self._worker:
                getattr(self._worker, signal).disconnect(slot)

    def _busy(self, busy: bool) -> None:
        self.start.enabled = not busy
        self.stop.enabled = self.cancel.enabled = self.bar.visible = busy
        (self._timer.start if busy else self._timer.stop)()

    def _show(self) -> None:
        """How far it is."""
        assert self._job
        words, share = self._job.progress
        ends = self._job.stop.is_set() or self._worker.abort_requested
        self.bar.max = 0 if share is None else FULL  # 0 is that of work without an end in sight
        self.bar.value = round(FULL * (share or 0))
        self._say([f"{words}; it ends at the next step" if ends else words])

    def _add(self, outcome: Outcome) -> None:
        """What came of it."""
        self._timer.stop()
        low = outcome.confidence == "low"
        self._say(outcome.said, LOUD if low else "")
        if outcome.data is None:
            return
        layer = Image(outcome.data, **outcome.attributes)
        self._viewer.add_layer(layer)
        if low:
            show_warning(f"the confidence in {layer.name} is low: look at it closely")

    def _fail(self, error: Exception) -> None:
        self._timer.stop()
        self._say([said(error)])
        notification_manager.receive_error(type(error), error, error.__traceback__)

    def _warn(self, warning: tuple[Any, ...]) -> None:
        notification_manager.receive_warning(*warning)

    def _end(self) -> None:
        self._busy(False)
        if self._worker.abort_requested:
            self._say(["cancelled; no layer is added"])
        self._worker = None

    def _say(self, lines: Sequence[str], style: str = "") -> None:
        self.text.native.setStyleSheet(style)
        self.text.value = "\n".join(lines)


def _parsed(option: Option, text: str) -> Any:
    """What is no number stays as it is: the task says what is wrong with it."""
    try:
        return option.kind(text) if option.kind else text
    except ValueError:
        return text
