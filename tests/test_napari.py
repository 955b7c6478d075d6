"""The napari plugin: its form, what it makes of layers, and a viewer that stays awake."""

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from helpers import noisy, photograph

pytestmark = pytest.mark.usefixtures("quick_noise")

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("NAPARI_CONFIG", "")  # nobody's settings are read or written
MISSING = "napari is not installed: pip install 'deep-image-prior[napari]' PyQt6"
npe2 = pytest.importorskip("npe2", reason=MISSING)
widgets = pytest.importorskip(
    "qtpy.QtWidgets",
    reason="Qt does not start: install PyQt6, and libegl1, libgl1, libxkbcommon0 and libdbus-1-3",
    exc_type=ImportError,
)
components = pytest.importorskip("napari.components", reason=MISSING)
notifications = pytest.importorskip("napari.utils.notifications", reason=MISSING)

from deep_image_prior.napari.job import KEY, Job  # noqa: E402
from deep_image_prior.napari.widget import KINDS, SHARED, Restore  # noqa: E402

DOCUMENT = Path(__file__).parents[1] / "docs" / "napari.md"
BYTES = (255 * noisy(photograph(32))).astype(np.uint8)  # (32, 32, 3)
STACK = (257 * BYTES[..., 0].astype(np.uint16))[None].repeat(3, 0)  # (3, 32, 32)


@pytest.fixture
def viewer():
    app = widgets.QApplication.instance() or widgets.QApplication([])
    yield components.ViewerModel()
    app.processEvents()


@pytest.fixture
def heard():
    """What napari shows as notifications."""
    notes = []
    ready = notifications.notification_manager.notification_ready
    ready.connect(notes.append)
    yield notes
    ready.disconnect(notes.append)


def until(done):
    """Let the viewer live until something is so."""
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        widgets.QApplication.processEvents()
        time.sleep(0.002)


def form(viewer, task, steps="2", **options):
    """The widget, filled in for the first image."""
    widget = Restore(viewer)
    widget.task.value = task
    for name, value in {"steps": steps, **options}.items():
        widget.form[name].value = value
    return widget


def begin(widget):
    widget.start.native.click()
    return lambda: widget.start.enabled


def restored(widget):
    """The layer that is added, if there is one."""
    before = len(widget._viewer.layers)
    until(begin(widget))
    added = widget._viewer.layers[before:]
    assert len(added) < 2
    return added[0] if added else None


def test_the_manifest_that_is_installed_names_the_widget():
    manifest = npe2.PluginManifest.from_distribution("deep-image-prior")
    [command] = manifest.contributions.commands
    assert command.python_name == f"{Restore.__module__}:{Restore.__name__}"
    assert [each.command for each in manifest.contributions.widgets] == [command.id]


@pytest.mark.parametrize("name", KINDS)
def test_the_form_has_the_options_of_the_task_and_their_defaults(viewer, name):
    viewer.add_image(BYTES, name="photo")
    viewer.add_image(BYTES, name="flash")
    kind, widget = KINDS[name], form(viewer, name, steps="")
    declared = {each.name: each for each in fields(kind)}
    assert [each.name for each in widget.form[2:]] == [*kind.own(), *SHARED]
    assert tuple(widget.form["preset"].choices) == tuple(kind.steps_of)
    for name, value in widget._given(kind).items():
        option = declared[name].metadata["option"]
        default = declared[name].default
        if option.kind is Path:
            assert value.name == "flash"  # not the image itself
        elif option.kind in (int, float, bool) and isinstance(default, option.kind):
            assert value == default
        if names := option.choices or option.names:
            assert tuple(widget.form[name].choices) == tuple(names)


def test_a_slice_of_16_bits_becomes_a_layer_at_its_place(viewer):
    stack = viewer.add_image(
        STACK,
        name="cells",
        scale=(3, 0.5, 0.25),
        translate=(10, 20, 30),
        rotate=10,
        affine=np.diag([2, 2, 3, 1]),
        colormap="magma",
        contrast_limits=(100, 60000),
        metadata={"stain": "DAPI"},
    )
    viewer.dims.set_current_step(0, 1)
    widget = form(viewer, "upscale", factor=2)
    assert not widget.every.native.isHidden()
    layer = restored(widget)
    assert layer.name == "cells x2"
    assert layer.data.dtype == np.uint16
    assert layer.data.shape == (1, 64, 64)
    corners = [np.array([0, y, x]) for y in (-0.5, 31.5) for x in (-0.5, 31.5)]
    for corner in corners:
        there = stack.data_to_world(corner + [viewer.dims.current_step[0], 0, 0])
        np.testing.assert_allclose(layer.data_to_world(2 * corner + [0, 0.5, 0.5]), there)
    assert viewer.dims.current_step[0] == 1
    assert layer.colormap.name == "magma"
    assert tuple(layer.contrast_limits) == (100, 60000)
    assert layer.metadata["stain"] == "DAPI"
    facts = layer.metadata[KEY]
    assert facts["task"] == "upscale"
    assert facts["options"] == {"factor": 2, "psf": "lanczos2", "preset": "fast", "steps": 2}
    assert widget.text.value == "\n".join(facts["summary"])
    assert facts["summary"][0].startswith("2 steps in ")


def test_all_slices_along_the_direction_that_is_shown(viewer):
    data = np.moveaxis(STACK, 0, 1).astype(np.float32).copy()  # slices along the second axis
    data[:, 1] = 7  # nothing is in this one
    viewer.add_image(data, name="side")
    viewer.dims.order = (1, 0, 2)
    widget = form(viewer, "enhance")
    widget.every.value = True
    layer = restored(widget)
    assert layer.data.shape == data.shape
    assert layer.data.dtype == np.float32
    np.testing.assert_array_equal(layer.data[:, 1], data[:, 1])
    np.testing.assert_array_equal(layer.data[:, 0], layer.data[:, 2])  # of the same seed
    assert np.abs(layer.data[:, 0] - data[:, 0]).max() > 1
    assert widget.text.value.startswith("2 of 3 slices are restored, the others are as they were")
    assert {line[:8] for line in layer.metadata[KEY]["summary"]} == {"slice 0:", "slice 2:"}


def test_labels_are_painted_where_pixels_are_missing_and_alpha_stays(viewer, quick_fills):
    alpha = np.arange(32 * 32, dtype=np.uint8).reshape(32, 32, 1)
    pixels = np.concatenate([BYTES, alpha], axis=-1)
    labels = np.zeros((2, 32, 32), int)  # an axis more than the image
    labels[1, 10:12, 4:20], labels[1, 20:22, 4:20] = 1, 3
    viewer.add_image(pixels, name="photo")
    viewer.add_labels(labels, name="painted")
    viewer.dims.set_current_step(0, 1)
    widget = form(viewer, "inpaint")
    assert widget.form["mask"].value.name == "painted"
    assert widget.form["mask_marks"].value == "missing"
    layer = restored(widget)
    holes = labels[1] > 0
    np.testing.assert_array_equal(layer.data[~holes], pixels[~holes])
    np.testing.assert_array_equal(layer.data[..., 3:], alpha)
    assert (layer.data[holes] != pixels[holes]).any(axis=-1).mean() > 0.9
    assert layer.metadata[KEY]["options"]["mask"] == "painted"


def test_a_flash_picture_is_another_layer_with_as_many_channels(viewer):
    viewer.add_image(BYTES[..., 0], name="gray")
    viewer.add_image(BYTES, name="colours")
    widget = form(viewer, "flash")
    assert restored(widget) is None
    assert widget.text.value.startswith("colours has colours, gray has none; choose another")
    widget.image.value = viewer.layers["colours"]
    layer = restored(widget)
    assert layer.data.shape == BYTES.shape


def test_while_it_works_the_viewer_goes_on_and_it_may_be_stopped_or_cancelled(viewer):
    viewer.add_image(BYTES, name="photo")
    widget = form(viewer, "enhance", steps="100000")
    ended, shown = begin(widget), set()
    until(lambda: shown.add(widget.text.value) or len(shown) > 5)
    assert any(words.startswith("step ") for words in shown)
    assert not widget.start.enabled
    assert 0 <= widget.bar.value < widget.bar.max
    widget.stop.native.click()
    until(ended)
    layer = viewer.layers["photo enhanced"]
    line = "not complete, the best so far is kept: interrupted at step "
    assert widget.text.value.startswith(line)
    assert layer.metadata[KEY]["summary"][0].startswith(line)
    count = len(viewer.layers)
    ended = begin(widget)
    until(lambda: "step" in widget.text.value)
    widget.cancel.native.click()
    until(ended)
    assert widget.text.value == "cancelled; no layer is added"
    assert len(viewer.layers) == count


def test_of_a_stack_what_is_complete_is_kept(viewer):
    viewer.add_image(STACK)
    viewer.add_image(STACK, name="guide")
    options = {"guide": viewer.layers[1], "steps": 5}
    job = Job(KINDS["flash"], viewer.layers[0], options, viewer, every=True)

    def seen():
        if job.progress[0] == "slice 1: step 2 of 5":
            job.stop.set()
        return False

    job.cancelled = seen
    outcome = job()
    assert outcome.said[:2] == [
        "not complete, the best so far is kept: stopped",
        "1 of 3 slices are restored, the others are as they were",
    ]
    np.testing.assert_array_equal(outcome.data[1:], STACK[1:])
    assert (outcome.data[0] != STACK[0]).mean() > 0.9


def test_low_confidence_is_loud_and_warnings_are_shown(viewer, heard, quick_fills):
    labels = np.zeros((32, 32), int)
    labels[6:26] = 1
    viewer.add_image(BYTES, name="photo")
    viewer.add_labels(labels, name="most of it")
    widget = form(viewer, "inpaint")
    layer = restored(widget)
    assert layer.metadata[KEY]["confidence"] == "low"
    assert "confidence: low" in widget.text.value
    assert "bold" in widget.text.native.styleSheet()
    messages = [each.message for each in heard]
    assert any("62.50% of the pixels are missing" in each for each in messages)
    assert "the confidence in photo inpainted is low: look at it closely" in messages
    widget.task.value = "enhance"
    widget.form["steps"].value = "2"
    assert restored(widget) is not None
    assert "bold" not in widget.text.native.styleSheet()


@pytest.mark.parametrize(
    ("task", "options", "line"),
    [
        ("denoise", {"steps": "x"}, "steps is 'x', but must be a whole number at least 1"),
        ("deblur", {}, "there is no kernel or file ''; give gaussian:SIGMA, disk:RADIUS"),
        ("inpaint", {}, "mask is a layer, and there is none; add one first"),
    ],
)
def test_what_cannot_be_used_is_one_line(viewer, task, options, line):
    viewer.add_image(BYTES, name="photo")
    widget = form(viewer, task, **options)
    assert restored(widget) is None
    assert widget.text.value.startswith(line)
    assert "\n" not in widget.text.value


def test_without_a_picture_it_says_so(viewer):
    widget = form(viewer, "denoise")
    assert restored(widget) is None
    assert widget.text.value == "there is no image layer; open an image first"


def test_a_fault_of_the_program_is_shown_as_one(viewer, heard, monkeypatch):
    def fail(*_):
        raise RuntimeError("a fault")

    monkeypatch.setattr("deep_image_prior.restoration.restore", fail)
    viewer.add_image(BYTES, name="photo")
    widget = form(viewer, "denoise")
    assert restored(widget) is None
    assert widget.text.value == "RuntimeError: a fault"
    assert "a fault" in [each.message for each in heard]


DRIVE = """
import sys, time
from qtpy.QtCore import QThreadPool
from qtpy.QtWidgets import QApplication

def until(done):
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        QApplication.processEvents()
        time.sleep(0.002)

widget.task.value = "enhance"
widget.form["steps"].value = "2"
widget.start.native.click()
until(lambda: widget.start.enabled)
assert [layer.name for layer in viewer.layers] == ["camera", "camera enhanced"]
assert viewer.layers[-1].metadata["deep-image-prior"]["task"] == "enhance"
widget.task.value = "flash"
assert widget.form["guide"].value.name == "camera enhanced"
viewer.screenshot(sys.argv[1], canvas_only=False, flash=False)
widget.form["steps"].value = "100000"
widget.start.native.click()
until(lambda: "step" in widget.text.value)
viewer.close()
until(lambda: not widget._worker.is_running)
assert QThreadPool.globalInstance().waitForDone(60000)  # as napari.run does before it returns
print("closed in the middle")
"""


@pytest.mark.long
@pytest.mark.skipif(not shutil.which("xvfb-run"), reason="a viewer needs a screen: install xvfb")
def test_the_example_of_the_document_in_a_whole_viewer(tmp_path):
    [code] = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    script = tmp_path / "example.py"
    script.write_text(code.replace("napari.run()", DRIVE))
    command = ["xvfb-run", "-a", sys.executable, str(script), str(tmp_path / "shown.png")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if "Failed to create context" in ended.stderr:
        pytest.skip("the screen that was made has no OpenGL")
    assert ended.stdout.endswith("closed in the middle\n"), ended.stderr
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    assert (tmp_path / "shown.png").stat().st_size > 10000
