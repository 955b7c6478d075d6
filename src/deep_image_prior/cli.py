"""The command `dip`: arguments -> a task -> files. Exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted."""

import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from . import demo as demonstration
from . import images, metrics, restore, tasks
from .descent import Destabilised, Settings, Step
from .errors import BadInput
from .images import FORMATS, LOSSY, Picture
from .progress import Watcher
from .record import record
from .restore import Options, Result

plain = {"markup": False, "highlight": False, "soft_wrap": True}
messages = Console(stderr=True, **plain)  # type: ignore[arg-type]
answers = Console(**plain)  # type: ignore[arg-type]

FILE = click.Path(path_type=Path)
SNAPSHOT_EVERY = 100


def main() -> None:
    """Run the command; every error of the user's becomes one line and an exit code here."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    warnings.showwarning = lambda message, *_, **__: messages.print(f"dip: note: {message}")
    try:
        code = app(standalone_mode=False)
    except click.ClickException as error:
        code = _complain(error.format_message().replace("\n", " "), 2)
    except (KeyboardInterrupt, click.Abort):
        code = _complain("interrupted before the first step was done: nothing to save", 130)
    except BadInput as error:
        code = _complain(str(error), 2)
    except (OSError, Destabilised) as error:
        code = _complain(str(error), 1)
    except (MemoryError, torch.OutOfMemoryError):
        code = _complain("out of memory; use the preset quick, a smaller image, or a part of it", 1)
    sys.exit(code)


def _complain(message: str, code: int) -> int:
    messages.print(f"dip: {message}")
    return code


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="deep-image-prior", prog_name="dip")
def app() -> None:
    """Restore an image with a network that has never seen another one (the deep image prior)."""


@dataclass(frozen=True)
class Common:
    """What every task's command takes: files and how to fit."""

    output: Path | None
    reference: Path | None
    record: Path | None
    snapshots: Path | None
    every: int | None
    overwrite: bool
    quiet: bool
    fitting: Mapping[str, Any]

    @property
    def runs(self) -> int:
        return int(self.fitting.get("runs", Settings().runs))


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give `command` the options that all tasks share, as one argument `common`; settings' flags come from Settings."""

    def gathered(**values: Any) -> Any:
        own = {each.name: values.pop(each.name) for each in fields(Common) if each.name != "fitting"}
        names = [each.name for each in fields(Settings)] + ["preset", "device", "sigma"]
        chosen = {name: values.pop(name) for name in names}
        given = {name: value for name, value in chosen.items() if value is not None}
        if "sigma" in given:
            given["sigma"] /= 255
        return command(common=Common(**own, fitting=given), **values)

    gathered.__name__, gathered.__doc__ = command.__name__, command.__doc__
    gathered.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    default = Options()
    options = [
        click.option("-o", "--output", type=FILE, help="File to write; its ending names the format."),
        click.option(
            "--preset",
            type=click.Choice(sorted(tasks.denoise.PRESETS)),
            help=f"paper: the published settings; quick: about a minute at 256 x 256.  [default: {default.preset}]",
        ),
        click.option("--sigma", type=float, help="Noise, in 0-255 units; stops when the residual reaches it."),
        click.option(
            "--device",
            type=click.Choice(["auto", "cpu", "cuda", "mps"]),
            help=f"Where to compute.  [default: {default.device}]",
        ),
        *(
            click.option(f"--{each.name.replace('_', '-')}", type=each.type, help=f"{each.metadata['help']}.")
            for each in fields(Settings)
        ),
        click.option("--reference", type=FILE, help="Clean image: report PSNR and SSIM against it."),
        click.option("--record", type=FILE, help="JSON file to write: settings, files, times, energies, scores."),
        click.option("--snapshots", type=FILE, help="Folder for the averaged image of every K-th step."),
        click.option(
            "--every", type=click.IntRange(min=1), help=f"K, the steps between snapshots.  [default: {SNAPSHOT_EVERY}]"
        ),
        click.option("--overwrite", is_flag=True, help="Allow the files written to replace others."),
        click.option("-q", "--quiet", is_flag=True, help="No progress and no summary."),
    ]
    decorated: Callable[..., Any] = gathered
    for option in reversed(options):
        decorated = option(decorated)
    return decorated


@app.command()
@click.argument("image", type=FILE)
@common
def denoise(image: Path, common: Common) -> int:
    """Remove noise from IMAGE."""
    return run("denoise", "denoised", {"image": image}, restore.denoise, {}, common)


@app.command()
@click.argument("image", type=FILE)
@common
def dejpeg(image: Path, common: Common) -> int:
    """Remove the compression artefacts of IMAGE."""
    return run("dejpeg", "dejpeg", {"image": image}, restore.dejpeg, {}, common)


@app.command()
@click.argument("image", type=FILE)
@click.option(
    "--factor", type=click.Choice([str(t) for t in tasks.upscale.FACTORS]), required=True, help="How many times larger."
)
@common
def upscale(image: Path, factor: str, common: Common) -> int:
    """Make IMAGE larger by an integer factor, with sharp edges."""
    choices = {"factor": int(factor)}
    return run("upscale", f"x{factor}", {"image": image}, restore.upscale, choices, common)


@app.command()
@click.argument("image", type=FILE)
@click.argument("mask", type=FILE)
@click.option(
    "--holes", type=click.Choice(list(tasks.inpaint.HOLES)), default="text", show_default=True, help="What is missing."
)
@click.option(
    "--mask-marks",
    type=click.Choice(["known", "missing"]),
    default="known",
    show_default=True,
    help="What white in MASK means.",
)
@click.option("--keep-known/--redraw-known", default=True, show_default=True, help="Paste the known pixels back.")
@common
def inpaint(image: Path, mask: Path, holes: str, mask_marks: str, keep_known: bool, common: Common) -> int:
    """Draw the pixels of IMAGE that are missing in MASK."""

    choices = {"holes": holes, "mask_marks": mask_marks, "keep_known": keep_known}
    marks = images.read(mask).pixels.mean(axis=2)
    return run(
        "inpaint", "inpainted", {"image": image, "mask": mask}, partial(restore.inpaint, mask=marks), choices, common
    )


@app.command()
@click.argument("image", type=FILE)
@click.option("--boost", type=float, default=1.0, show_default=True, help="How much detail to add.")
@common
def enhance(image: Path, boost: float, common: Common) -> int:
    """Boost the fine detail of IMAGE; the coarse image and the detail are written beside the result."""
    return run("enhance", "enhanced", {"image": image}, restore.enhance, {"boost": boost}, common)


@app.command()
@click.argument("noflash", type=FILE)
@click.argument("flash_photo", metavar="FLASH", type=FILE)
@common
def flash(noflash: Path, flash_photo: Path, common: Common) -> int:
    """Remove the noise of NOFLASH, guided by the photo FLASH of the same scene."""

    guide = images.read(flash_photo).pixels
    images.check_pixels(guide, -1, str(flash_photo))
    inputs = {"image": noflash, "flash": flash_photo}
    return run("flash", "restored", inputs, partial(restore.flash, guide=guide), {}, common)


@app.command()
@click.option("-o", "--output", type=FILE, default=Path("dip-demo.png"), show_default=True, help="Picture to write.")
@click.option("--overwrite", is_flag=True, help="Allow it to replace another.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def demo(output: Path, overwrite: bool, quiet: bool) -> None:
    """Add noise to a photograph, restore it, and show it beside non-local means."""
    picture = Picture(np.zeros((2, 2, 3), np.uint8))
    images.check_format(output, picture)
    images.check_free(output, overwrite)
    with Watcher(messages, 1, quiet) as watch:
        rows = demonstration.demonstrate(watch)
    panel = picture.with_pixels(demonstration.panel(rows))
    images.write_atomically(output, images.encode(panel, output.suffix), overwrite)
    table = Table("", "PSNR dB", "SSIM", "seconds", title="256 x 256, sigma 25, clipped, RGB")
    for row in rows[1:]:
        table.add_row(row.name, f"{row.psnr:.2f}", f"{row.ssim:.3f}", f"{row.seconds:.1f}")
    answers.print(table)
    answers.print(f"wrote {output}")


def run(
    task: str,
    ending: str,
    inputs: Mapping[str, Path],
    call: Callable[..., Result],
    choices: Mapping[str, Any],
    common: Common,
) -> int:
    """Read, check every door, restore, write, report. Returns the exit code."""
    source = inputs["image"]
    picture = images.read(source)
    images.check_pixels(picture.pixels, -1, str(source))
    output = common.output or source.with_name(f"{source.stem}-{ending}{_lossless(source.suffix)}")
    parts = {
        name: output.with_stem(f"{output.stem}-{name}") for name in (("coarse", "detail") if task == "enhance" else ())
    }
    images.check_format(output, picture)
    for path in (output, *parts.values(), *([common.record] if common.record else [])):
        images.check_free(path, common.overwrite)
    reference = _reference(common.reference, picture, choices.get("factor", 1))
    if common.every and not common.snapshots:
        raise BadInput("--every needs --snapshots and a folder")
    snapshot = _snapshots(common.snapshots, picture, output, common.overwrite) if common.snapshots else None

    with Watcher(messages, common.runs, common.quiet, common.every or SNAPSHOT_EVERY, snapshot) as watch:
        result = call(picture.pixels, channel_axis=-1, watch=watch, **choices, **common.fitting)

    outputs = {"image": _save(output, picture.with_pixels(result.image), common.overwrite)}
    for name, path in parts.items():
        outputs[name] = _save(path, picture.with_pixels(result.parts[name]), common.overwrite)
    scores = _scores(reference, picture, result) if reference else {}
    if common.record:
        given = {"preset": Options().preset, **common.fitting, **choices}
        text = record(task, given, inputs, outputs, result, scores)
        images.write_atomically(common.record, text.encode(), common.overwrite)
    if not common.quiet:
        _report(outputs, result, scores)
    return 130 if result.interrupted else 0


def _lossless(suffix: str) -> str:
    return suffix if suffix.lower() in FORMATS and suffix.lower() not in LOSSY else ".png"


def _reference(path: Path | None, picture: Picture, factor: int) -> Picture | None:
    """The clean image at `path`, of the size and channels of the result."""
    if path is None:
        return None
    clean = images.read(path)
    height, width, channels = picture.pixels.shape
    if clean.pixels.shape != (factor * height, factor * width, channels):
        found = "{1} x {0} with {2} channels".format(*clean.pixels.shape)
        raise BadInput(f"{path} is {found}, the result {factor * width} x {factor * height} with {channels}")
    return clean


def _scores(clean: Picture, picture: Picture, result: Result) -> dict[str, float | None]:
    """PSNR and SSIM of what is written, and of the input if it has that size; all channels, no crop, no alpha."""
    scale = images.scale_of(picture.pixels)
    own = scale if clean.pixels.dtype == scale.dtype else images.scale_of(clean.pixels)
    truth, restored, given = own.unit(clean.pixels), scale.unit(result.image), scale.unit(picture.pixels)
    scores = {"psnr": metrics.psnr(truth, restored, peak=1), "ssim": metrics.ssim(truth, restored, peak=1)}
    if given.shape == truth.shape:
        scores |= {"psnr_input": metrics.psnr(truth, given, peak=1), "ssim_input": metrics.ssim(truth, given, peak=1)}
    return scores


def _snapshots(folder: Path, picture: Picture, output: Path, overwrite: bool) -> Callable[[int, Step], None]:
    """A writer of the averaged image into `folder`, made if its parent exists. Raises BadInput if it is not empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())) and not overwrite:
        raise BadInput(f"{folder} exists and is not an empty folder; give another --snapshots, or --overwrite")
    if not folder.exists():
        images.check_free(folder, overwrite)
        folder.mkdir()
    scale = images.scale_of(picture.pixels)

    def save(run: int, step: Step) -> None:
        pixels = images.from_tensor(step.average, -1, scale)
        path = folder / f"run{run}-step{step.index:06d}{output.suffix}"
        images.write_atomically(path, images.encode(picture.with_pixels(pixels), output.suffix), overwrite)

    return save


def _save(path: Path, picture: Picture, overwrite: bool) -> Path:
    """Write the picture; if that fails now, write it where temporary files go, and raise OSError that says so."""
    content = images.encode(picture, path.suffix)
    try:
        images.write_atomically(path, content, overwrite)
    except (OSError, BadInput) as error:
        rescued = Path(tempfile.mkdtemp(prefix="dip-")) / path.name
        rescued.write_bytes(content)
        raise OSError(f"{error}; the result is saved as {rescued}") from None
    return path


def _report(outputs: Mapping[str, Path], result: Result, scores: Mapping[str, float | None]) -> None:
    answers.print(f"wrote {', '.join(map(str, outputs.values()))}")
    answers.print(f"{sum(result.steps)} steps in {result.seconds:.1f} s on {result.device}; {result.stopped}")
    for name in ("psnr", "ssim"):
        after, before = scores.get(name), scores.get(f"{name}_input")
        if after is not None:
            answers.print(f"{name.upper()} {f'{before:.4g} -> ' if before is not None else ''}{after:.4g}")
