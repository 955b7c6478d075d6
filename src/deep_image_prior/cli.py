"""The command `dip`: arguments -> a task -> files. Exit codes: 0 done, 1 failed, 2 bad input, 130
interrupted.
"""

import atexit
import os
import re
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from . import demo as demonstration
from . import files, gallery, images, restore, session, tasks, visualise
from .descent import Destabilised
from .errors import BadInput, exhausted
from .features import Features, shapes
from .files import Picture
from .gallery import Gallery
from .job import Result
from .options import FILE, Model, looking, option, restoring, visualising
from .parallel import NAME
from .progress import Watcher
from .session import CommandOptions, Request

plain = partial(Console, markup=False, emoji=False, highlight=False, soft_wrap=True)
messages, answers = plain(stderr=True), plain()


def main() -> None:
    """Run the command; every error of the user's becomes one line and an exit code here."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    atexit.register(
        signal.signal, signal.SIGINT, signal.SIG_IGN
    )  # what is pressed after all is done changes nothing
    warnings.showwarning = lambda message, *_, **__: messages.print(f"dip: note: {message}")
    try:
        code = app(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        answers.print(error.ctx.get_help())
        code = 2
    except click.ClickException as error:
        code = _complain(" ".join(error.format_message().split()), 2)
    except (KeyboardInterrupt, click.Abort):
        code = _complain("interrupted; nothing was written", 130)
    except BadInput as error:
        code = _complain(str(error), 2)
    except (OSError, Destabilised) as error:
        code = _complain(str(error), 1)
    except (MemoryError, RuntimeError) as error:
        if not exhausted(error):
            raise
        code = _complain(
            "out of memory; use the preset fast, a smaller image or size, or a part of the image", 1
        )
    if code == 130 and any(t.name.startswith(NAME) for t in threading.enumerate()):
        # tiles that are being worked on would be waited for
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _complain(message: str, code: int) -> int:
    messages.print(f"dip: {message}")
    return code


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="deep-image-prior", prog_name="dip")
def app() -> None:
    """Restore an image with a network that has never seen another one (the deep image prior)."""


def _restore(
    task: str,
    ending: str,
    inputs: Mapping[str, Path],
    function: Callable[..., Result],
    options: CommandOptions,
    choices: Mapping[str, Any] = {},
    parts: tuple[str, ...] = (),
) -> int:
    request = Request(
        task, ending, inputs, files.read(inputs["image"]), function, choices, {}, parts
    )
    return session.run(request, options, messages, answers)


@app.command()
@click.argument("image", type=FILE)
@option("--noise", restore.denoise, type=click.Choice(restore.NOISES), help="What kind of noise.")
@option(
    "--strength",
    restore.denoise,
    type=float,
    help="How much of the noise is taken out, 0 to 1; less keeps some grain.",
)
@restoring
def denoise(image: Path, noise: str, strength: float, options: CommandOptions) -> int:
    """Remove noise from IMAGE."""
    choices = {"noise": noise, "strength": strength}
    return _restore("denoise", "denoised", {"image": image}, restore.denoise, options, choices)


@app.command()
@click.argument("image", type=FILE)
@option(
    "--quality", restore.dejpeg, type=int, help="Of the compression, 1 to 100; else it is found."
)
@restoring
def dejpeg(image: Path, quality: int | None, options: CommandOptions) -> int:
    """Remove the compression artefacts of IMAGE."""
    return _restore(
        "dejpeg", "dejpeg", {"image": image}, restore.dejpeg, options, {"quality": quality}
    )


@app.command()
@click.argument("image", type=FILE)
@click.option(
    "--factor",
    type=click.Choice([str(t) for t in tasks.upscale.FACTORS]),
    required=True,
    help="Enlargement.",
)
@restoring
def upscale(image: Path, factor: str, options: CommandOptions) -> int:
    """Make IMAGE larger by an integer factor, with sharp edges."""
    return _restore(
        "upscale", f"x{factor}", {"image": image}, restore.upscale, options, {"factor": int(factor)}
    )


@app.command()
@click.argument("image", type=FILE)
@click.argument("mask", type=FILE)
@option(
    "--holes",
    restore.inpaint,
    type=click.Choice(list(tasks.inpaint.HOLES)),
    help="What is missing.",
)
@option(
    "--mask-marks",
    restore.inpaint,
    type=click.Choice(["known", "missing"]),
    help="What white in MASK means.",
)
@option("--keep-known/--redraw-known", restore.inpaint, help="Paste the known pixels back.")
@restoring
def inpaint(
    image: Path, mask: Path, holes: str, mask_marks: str, keep_known: bool, options: CommandOptions
) -> int:
    """Draw the pixels of IMAGE that are missing in MASK."""
    picture, marks = files.read(image), files.read(mask).pixels
    gray = (
        marks[..., 0] if (marks == marks[..., :1]).all() else marks.mean(axis=2).astype(marks.dtype)
    )
    known = restore.known_pixels(gray, picture.pixels, -1, mask_marks)
    request = Request(
        "inpaint",
        "inpainted",
        {"image": image, "mask": mask},
        picture.with_pixels(restore.blanked(picture.pixels, known, -1)),
        partial(restore.inpaint, mask=known),
        choices={"holes": holes, "keep_known": keep_known},
        notes={"mask_marks": mask_marks},
    )
    return session.run(request, options, messages, answers)


@app.command()
@click.argument("image", type=FILE)
@option("--boost", restore.enhance, type=float, help="How much detail to add.")
@restoring
def enhance(image: Path, boost: float, options: CommandOptions) -> int:
    """Boost the fine detail of IMAGE; the coarse image and the detail are written beside the
    result.
    """
    parts = ("coarse", "detail")
    return _restore(
        "enhance", "enhanced", {"image": image}, restore.enhance, options, {"boost": boost}, parts
    )


@app.command()
@click.argument("noflash", type=FILE)
@click.argument("flash_photo", metavar="FLASH", type=FILE)
@restoring
def flash(noflash: Path, flash_photo: Path, options: CommandOptions) -> int:
    """Remove the noise of NOFLASH, guided by the photo FLASH of the same scene."""
    guide = files.read(flash_photo).pixels
    images.check_pixels(guide, -1, str(flash_photo))
    inputs = {"image": noflash, "flash": flash_photo}
    return _restore("flash", "restored", inputs, partial(restore.flash, guide=guide), options)


@app.command()
@click.argument("image", type=FILE)
@click.option("--layer", help="The layer to invert; see: dip layers.")
@click.option("--layers", help="Several, with commas between: one labelled picture of all.")
@looking
@visualising
def invert(
    image: Path, layer: str | None, layers: str | None, model: Model, options: CommandOptions
) -> int:
    """Show what a layer of a classifier still knows of IMAGE: a natural image with the same
    features there.
    """
    names = _either("--layer", layer, "--layers", layers)
    picture = files.read(image)
    pixels = picture.pixels
    images.check_pixels(pixels, -1, str(image))
    phi = model.architecture()
    for name in names:
        Features(phi, name).dry_run()
    images.check_square(pixels.shape[0], pixels.shape[1], phi.size, str(image))
    ending = ".png" if layers or pixels.dtype.name in files.FORMATS[".png"][0].split() else ".tif"
    blank = np.zeros((phi.size, phi.size, pixels.shape[2]), pixels.dtype)
    return gallery.run(
        Gallery(
            "invert",
            phi,
            model.with_weights,
            {
                name: partial(visualise.invert, pixels, layer=name, channel_axis=-1)
                for name in names
            },
            Picture(blank, profile=picture.profile),
            images.scale_of(pixels),
            image.with_name(
                f"{image.stem}-{_file_name(names[0]) if layer else 'inverted'}{ending}"
            ),
            {"image": image, **model.files},
            {**model.choices, "layers": names},
        ),
        options,
        messages,
        answers,
    )


@app.command()
@click.option("--label", help="The class to draw.")
@click.option("--labels", help="Several, with commas between: one labelled picture of all.")
@click.option(
    "--unit", type=int, help="The output, or map of --layer, to excite, by its number from 0."
)
@click.option("--layer", help="Where the unit is; without it, among the outputs before softmax.")
@looking
@visualising
def maximise(
    label: str | None,
    labels: str | None,
    unit: int | None,
    layer: str | None,
    model: Model,
    options: CommandOptions,
) -> int:
    """Draw what excites an output, or a unit of a layer, of a classifier most."""
    if unit is not None and (label is not None or labels is not None):
        raise BadInput("--unit and a label both say what to excite; give one of them")
    named = [] if unit is not None else _either("--label (or --unit)", label, "--labels", labels)
    phi = model.architecture()
    units: dict[str, int | str] = (
        {name: name for name in named} if unit is None else {f"unit {unit}": unit}
    )
    operator = Features(phi, layer)
    features = operator.dry_run()
    for each in units.values():
        visualise.numbered(operator, each, features)
    where = f"{layer}, " if layer else ""
    ending = "labels" if labels else next(iter(units))
    return gallery.run(
        Gallery(
            "maximise",
            phi,
            model.with_weights,
            {
                f"{where}{name}": partial(visualise.maximise, unit=each, layer=layer)
                for name, each in units.items()
            },
            Picture(np.zeros((phi.size, phi.size, 3), np.uint8)),
            images.EIGHT_BITS,
            Path(f"{_file_name(phi.name)}-{_file_name(where + ending)}.png"),
            model.files,
            {**model.choices, "layer": layer, "units": list(units.values())},
        ),
        options,
        messages,
        answers,
    )


def _either(one_name: str, one: str | None, several_name: str, several: str | None) -> list[str]:
    """The names that one of two options gives, each once."""
    if (one is None) == (several is None):
        raise BadInput(f"give either {one_name} or {several_name}")
    names = [one] if one is not None else [name.strip() for name in (several or "").split(",")]
    names = list(dict.fromkeys(name for name in names if name))
    if not names:
        raise BadInput(
            f"{one_name if several is None else several_name} is empty; name at least one"
        )
    return names


def _file_name(text: str) -> str:
    """`text` with nothing in it that a file name should not have."""
    return re.sub(r"[^\w.]+", "-", text).strip("-.")


@app.command()
@looking
def layers(model: Model) -> None:
    """List the layers of a classifier in the order they are done, with the shapes of what they
    give.
    """
    phi = model.architecture()
    published = {path: name for name, path in phi.published.items()}
    found = shapes(phi)
    width = max(map(len, found), default=0)
    for path, shape in found.items():
        name = f"  {published[path]}" if path in published else ""
        answers.print(f"{path:<{width}}  {' x '.join(map(str, shape)):<16}{name}".rstrip())
    answers.print(f"{phi.name} takes {phi.size} x {phi.size} pixels")


@app.command()
@click.option(
    "-o",
    "--output",
    type=FILE,
    default=Path("dip-demo.png"),
    show_default=True,
    help="Picture to write.",
)
@click.option("--overwrite", is_flag=True, help="Allow it to replace another.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def demo(output: Path, overwrite: bool, quiet: bool) -> None:
    """Add noise to a photograph, restore it, and show it beside non-local means."""
    picture = Picture(np.zeros((2, 2, 3), np.uint8))
    files.check_format(output, picture)
    files.check_free(output, overwrite)
    with Watcher(messages, 1, quiet) as watch:
        rows = demonstration.demonstrate(watch)
    panel = picture.with_pixels(demonstration.picture(rows))
    files.write_atomically(output, partial(files.encode, panel, output.suffix), overwrite)
    table = Table("", "PSNR dB", "SSIM", "seconds", title="256 x 256, sigma 25, clipped, RGB")
    for row in rows[1:]:
        table.add_row(row.name, f"{row.psnr:.2f}", f"{row.ssim:.3f}", f"{row.seconds:.1f}")
    answers.print(table)
    answers.print(f"wrote {output}")
