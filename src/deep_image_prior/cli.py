"""The command `dip`: arguments -> a task -> files. Exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted."""

import atexit
import inspect
import re
import signal
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from . import demo as demonstration
from . import files, images, restore, session, tasks
from .descent import Destabilised, Settings
from .errors import BadInput
from .files import Picture
from .job import DEVICES, STOPS, Options, Result
from .progress import Watcher
from .session import SNAPSHOT_EVERY, Common, Errand

plain = partial(Console, markup=False, highlight=False, soft_wrap=True)
messages, answers = plain(stderr=True), plain()

FILE = click.Path(path_type=Path)


def main() -> None:
    """Run the command; every error of the user's becomes one line and an exit code here."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)  # what is pressed after all is done changes nothing
    warnings.showwarning = lambda message, *_, **__: messages.print(f"dip: note: {message}")
    try:
        code = app(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        answers.print(error.ctx.get_help())
        code = 2
    except click.ClickException as error:
        code = _complain(" ".join(error.format_message().split()), 2)
    except (KeyboardInterrupt, click.Abort):
        code = _complain("interrupted before there was anything to save", 130)
    except BadInput as error:
        code = _complain(str(error), 2)
    except (OSError, Destabilised) as error:
        code = _complain(str(error), 1)
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not re.search("out of memory|DefaultCPUAllocator", str(error)):
            raise
        code = _complain("out of memory; use the preset fast, a smaller image, or a part of it", 1)
    sys.exit(code)


def _complain(message: str, code: int) -> int:
    messages.print(f"dip: {message}")
    return code


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="deep-image-prior", prog_name="dip")
def app() -> None:
    """Restore an image with a network that has never seen another one (the deep image prior)."""


def _option(flag: str, function: Callable[..., Any], **how: Any) -> Callable[..., Any]:
    """The flag of an argument of `function`, with the default that stands there."""
    name = flag.split("/")[0].removeprefix("--").replace("-", "_")
    return click.option(flag, default=inspect.signature(function).parameters[name].default, show_default=True, **how)


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give `command` the options that all tasks share, as one argument `common`; settings' flags come from Settings."""

    def gathered(**values: Any) -> Any:
        own = {each.name: values.pop(each.name) for each in fields(Common) if each.name != "fitting"}
        names = [each.name for each in (*fields(Settings), *fields(Options)) if each.name in values]
        chosen = {name: values.pop(name) for name in names}
        given = {name: value for name, value in chosen.items() if value is not None}
        return command(common=Common(**own, fitting=given), **values)

    gathered.__name__, gathered.__doc__ = command.__name__, command.__doc__
    gathered.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    default = Options()
    options = [
        click.option("-o", "--output", type=FILE, help="File to write; its ending names the format."),
        click.option(
            "--preset",
            type=click.Choice(list(tasks.denoise.PRESETS)),
            help=f"fast, best, or the published settings.  [default: {default.preset}]",
        ),
        click.option(
            "--sigma",
            type=float,
            help="Noise, white being 255 (float files beyond 0 to 1: in their units), if it is known.",
        ),
        click.option(
            "--stop",
            type=click.Choice(STOPS),
            help=f"By itself, or never before all steps are done.  [default: {default.stop}]",
        ),
        click.option(
            "--device",
            type=click.Choice(DEVICES),
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


def _restore(
    task: str,
    ending: str,
    inputs: Mapping[str, Path],
    function: Callable[..., Result],
    common: Common,
    choices: Mapping[str, Any] = {},
    parts: tuple[str, ...] = (),
) -> int:
    errand = Errand(task, ending, inputs, files.read(inputs["image"]), function, choices, {}, parts)
    return session.run(errand, common, messages, answers)


@app.command()
@click.argument("image", type=FILE)
@_option("--noise", restore.denoise, type=click.Choice(restore.NOISES), help="What kind of noise.")
@common
def denoise(image: Path, noise: str, common: Common) -> int:
    """Remove noise from IMAGE."""
    return _restore("denoise", "denoised", {"image": image}, restore.denoise, common, {"noise": noise})


@app.command()
@click.argument("image", type=FILE)
@_option("--quality", restore.dejpeg, type=int, help="Of the compression, 1 to 100; else it is found.")
@common
def dejpeg(image: Path, quality: int | None, common: Common) -> int:
    """Remove the compression artefacts of IMAGE."""
    return _restore("dejpeg", "dejpeg", {"image": image}, restore.dejpeg, common, {"quality": quality})


@app.command()
@click.argument("image", type=FILE)
@click.option(
    "--factor", type=click.Choice([str(t) for t in tasks.upscale.FACTORS]), required=True, help="Enlargement."
)
@common
def upscale(image: Path, factor: str, common: Common) -> int:
    """Make IMAGE larger by an integer factor, with sharp edges."""
    return _restore("upscale", f"x{factor}", {"image": image}, restore.upscale, common, {"factor": int(factor)})


@app.command()
@click.argument("image", type=FILE)
@click.argument("mask", type=FILE)
@_option("--holes", restore.inpaint, type=click.Choice(list(tasks.inpaint.HOLES)), help="What is missing.")
@_option("--mask-marks", restore.inpaint, type=click.Choice(["known", "missing"]), help="What white in MASK means.")
@_option("--keep-known/--redraw-known", restore.inpaint, help="Paste the known pixels back.")
@common
def inpaint(image: Path, mask: Path, holes: str, mask_marks: str, keep_known: bool, common: Common) -> int:
    """Draw the pixels of IMAGE that are missing in MASK."""
    picture, marks = files.read(image), files.read(mask).pixels
    gray = marks[..., 0] if (marks == marks[..., :1]).all() else marks.mean(axis=2).astype(marks.dtype)
    known = restore.known_pixels(gray, picture.pixels, -1, mask_marks)
    errand = Errand(
        "inpaint",
        "inpainted",
        {"image": image, "mask": mask},
        picture.with_pixels(restore.blanked(picture.pixels, known, -1)),
        partial(restore.inpaint, mask=known),
        choices={"holes": holes, "keep_known": keep_known},
        notes={"mask_marks": mask_marks},
    )
    return session.run(errand, common, messages, answers)


@app.command()
@click.argument("image", type=FILE)
@_option("--boost", restore.enhance, type=float, help="How much detail to add.")
@common
def enhance(image: Path, boost: float, common: Common) -> int:
    """Boost the fine detail of IMAGE; the coarse image and the detail are written beside the result."""
    parts = ("coarse", "detail")
    return _restore("enhance", "enhanced", {"image": image}, restore.enhance, common, {"boost": boost}, parts)


@app.command()
@click.argument("noflash", type=FILE)
@click.argument("flash_photo", metavar="FLASH", type=FILE)
@common
def flash(noflash: Path, flash_photo: Path, common: Common) -> int:
    """Remove the noise of NOFLASH, guided by the photo FLASH of the same scene."""
    guide = files.read(flash_photo).pixels
    images.check_pixels(guide, -1, str(flash_photo))
    inputs = {"image": noflash, "flash": flash_photo}
    return _restore("flash", "restored", inputs, partial(restore.flash, guide=guide), common)


@app.command()
@click.option("-o", "--output", type=FILE, default=Path("dip-demo.png"), show_default=True, help="Picture to write.")
@click.option("--overwrite", is_flag=True, help="Allow it to replace another.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def demo(output: Path, overwrite: bool, quiet: bool) -> None:
    """Add noise to a photograph, restore it, and show it beside non-local means."""
    picture = Picture(np.zeros((2, 2, 3), np.uint8))
    files.check_format(output, picture)
    files.check_free(output, overwrite)
    with Watcher(messages, 1, quiet) as watch:
        rows = demonstration.demonstrate(watch)
    panel = picture.with_pixels(demonstration.panel(rows))
    files.write_atomically(output, files.encode(panel, output.suffix), overwrite)
    table = Table("", "PSNR dB", "SSIM", "seconds", title="256 x 256, sigma 25, clipped, RGB")
    for row in rows[1:]:
        table.add_row(row.name, f"{row.psnr:.2f}", f"{row.ssim:.3f}", f"{row.seconds:.1f}")
    answers.print(table)
    answers.print(f"wrote {output}")
