"""The command of a task that restores a picture."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from .. import files, images, metrics
from ..errors import BadInput
from ..files import Picture
from ..images import Pixels, Scale
from ..options import declared
from ..restoration import Result, restore
from ..settings import Settings
from ..step import Step
from ..tasks import Restoration
from ..windows import WHOLE
from . import session
from .commands import SNAPSHOT_EVERY, taken
from .progress import Watcher, terminal
from .record import described
from .say import say
from .session import Output, Request

SHOWN = 0.05  # decibels: less is 0.0 in the report
NAMES = "{stem}-{ending}{suffix}"  # of results
FAINT = 0.25  # of white: floats that stay below it are in units of their own, such as flux
Scores = Mapping[str, float | None]


def run(kind: type[Restoration], values: Mapping[str, Any]) -> int:
    """`kind` with the arguments of its command. Returns the exit code; raises BadInput before
    anything is written.
    """
    return session.run(*asked(kind, values))


def asked(kind: type[Restoration], values: Mapping[str, Any]) -> tuple[Request, Output, Watcher]:
    """What the command asks for, its files read. Raises BadInput."""
    source, quiet = values["image"], values["quiet"]
    picture, guides = files.read(source), _guides(kind, values)
    scale = images.scale_of(_finite(picture.pixels))
    options = taken(values, kind)
    told = {**_raw(kind, picture), **options, **_pixels(guides), **_sigma(options, scale)}
    task = kind(channel_axis=-1, **told)
    output = Output(
        values["output"] or source.with_name(NAMES.format(**fields_of_name(kind, options, source))),
        values["record"],
        values["overwrite"],
        quiet,
    )
    reference = _reference(values["reference"], picture, task.enlargement)
    scores = cache(lambda result: _scores(reference, picture, result) if reference else {})
    request = Request(
        task=task.name,
        makers={"image": lambda watch: _made(task, watch, picture.pixels, scale, source)},
        joined=lambda made: _pictures(picture, made["image"]),
        names=("image", *task.parts),
        like=picture,
        enlargement=task.enlargement,
        inputs=inputs(kind, values),
        in_place=True,
        choices=choices(kind, options),
        content=lambda made: described(made["image"], scores(made["image"])),
        report=lambda made: _report(made["image"], scores(made["image"]), scale),
    )
    runs = task.runs or Settings().runs
    snapshots = _snapshots(values, picture, scale)
    watcher = Watcher(terminal(), runs, quiet, values["every"] or SNAPSHOT_EVERY, snapshots)
    return request, output, watcher


def _made(task: Restoration, watch: Watcher, pixels: Pixels, scale: Scale, source: Path) -> Result:
    if scale.dtype == np.uint16 and scale.white < 65535 and not watch.quiet:
        greatest = pixels.max()
        say(f"note: the greatest 16-bit value is {greatest}: {scale.white:.0f} counts as white")
    return restore(replace(task, watch=watch, tell=watch.tell), pixels, str(source))


def _guides(kind: type[Restoration], values: Mapping[str, Any]) -> dict[str, Picture]:
    """The pictures beside the image, by the names of their options."""
    names = [name for name, option in declared(kind).items() if option.kind is Path]
    guides = {name: files.read(values[name]) for name in names}
    for name, picture in guides.items():
        if picture.alpha is not None:
            say(f"note: the transparency of {values[name]} is not looked at, its colours are")
    return guides


def _pixels(guides: Mapping[str, Picture]) -> dict[str, Pixels]:
    return {name: picture.pixels for name, picture in guides.items()}


def _finite(pixels: Pixels) -> Pixels:
    """What may be compared; missing values may be NaN."""
    return pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels


def _sigma(options: Mapping[str, Any], scale: Scale) -> dict[str, float]:
    """In units of full scale, for files that have one; what is no sigma is refused as it is."""
    if options.get("sigma", 0) > 0 and scale.one:
        return {"sigma": options["sigma"] / 255}
    return {}


def _raw(kind: type[Restoration], picture: Picture) -> dict[str, bool]:
    """For a task to which it makes a difference."""
    return {"raw": picture.raw} if "raw" in declared(kind) else {}


def inputs(kind: type[Restoration], values: Mapping[str, Any]) -> dict[str, Path]:
    """The files that the result depends on, and the reference, by name."""
    options = declared(kind)
    named = [name for name, each in options.items() if each.kind is Path or each.file]
    paths = {name: Path(values[name]) for name in (*named, "reference") if values.get(name)}
    there = {name: path for name, path in paths.items() if path.is_file()}
    return {"image": values["image"], **there}


def fields_of_name(
    kind: type[Restoration], options: Mapping[str, Any], source: Path
) -> dict[str, str]:
    """What the name of a result may be made of; its suffix is that of the input, if nothing is lost
    by it.
    """
    return {
        "stem": source.stem,
        "name": source.name,
        "ending": kind.ending.format_map(choices(kind, options)),
        "suffix": files.suffix_for(source),
    }


def _pictures(picture: Picture, result: Result) -> dict[str, Picture]:
    pixels = {"image": result.image, **result.parts}
    return {name: picture.with_pixels(each) for name, each in pixels.items()}


def choices(kind: type[Restoration], options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as they were given, and what those were that others might take for granted."""
    shown = ("preset", "device", "sigma", "stop", *kind.own())
    given = {name: str(v) if isinstance(v, Path) else v for name, v in options.items()}
    defaults = {each.name: each.default for each in fields(kind) if each.name in shown}
    plain = {name: value for name, value in defaults.items() if value is not MISSING}
    return {**plain, **given}


def _reference(path: Path | None, picture: Picture, enlargement: int) -> Picture | None:
    """The clean image at `path`, of the size and channels of the result."""
    if path is None:
        return None
    clean = files.read(path)
    height, width, channels = picture.pixels.shape
    if clean.pixels.shape != (enlargement * height, enlargement * width, channels):
        found = "{1} x {0} with {2} channels".format(*clean.pixels.shape)
        raise BadInput(
            f"{path} is {found}, the result {enlargement * width} x {enlargement * height} with "
            f"{channels}"
        )
    images.check_pixels(clean.pixels, -1, str(path))
    return clean


def _scores(clean: Picture, picture: Picture, result: Result) -> dict[str, float | None]:
    """PSNR and SSIM of what is written, and of the input if it has that size; all channels, no
    crop, no alpha.

    The peak is the white of the clean image; its range if it has no white, or stays below FAINT of
    it.
    """
    truth, scale = images.scale_of(clean.pixels), images.scale_of(picture.pixels)
    one = truth.one or 1.0
    own = scale.one if scale.one and truth.one and truth.dtype != scale.dtype else one
    bright = truth.one is not None and truth.white > FAINT * truth.one
    peak, black = (1.0, 0.0) if bright else (truth.span, truth.black / one)

    def compare(pixels: Pixels, name: str) -> dict[str, float | None]:
        pair = (clean.pixels.astype(float) / one - black, pixels.astype(float) / own - black)
        return {
            f"psnr{name}": metrics.psnr(*pair, peak=peak),
            f"ssim{name}": metrics.ssim(*pair, peak=peak),
        }

    same_size = picture.pixels.shape == clean.pixels.shape
    return {**compare(result.image, ""), **(compare(picture.pixels, "_input") if same_size else {})}


def _snapshots(
    values: Mapping[str, Any], picture: Picture, scale: Scale
) -> Callable[[int, Step], None] | None:
    """A writer of averaged images into the folder for snapshots. Raises BadInput if that is not
    empty.
    """
    folder, overwrite = values["snapshots"], values["overwrite"]
    if folder is None:
        if values["every"]:
            raise BadInput("--every needs --snapshots and a folder")
        return None
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise BadInput(
            f"{folder} exists and is not an empty folder; give another --snapshots, or --overwrite"
        )
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is a file; give --snapshots a folder")
    if not folder.exists():
        files.check_free(folder, overwrite)
    if values["record"] and values["record"].resolve() == folder.resolve():
        raise BadInput(f"{folder} would be the record and the snapshots; give two names")
    pixels = picture.pixels
    deep = pixels.dtype not in (np.uint8, np.uint16) or pixels.shape[2] not in (1, 3)
    suffix = ".tif" if deep else ".png"

    def save(run: int, step: Step) -> None:
        if step.window is not WHOLE:
            raise ValueError("a step sees only windows of the picture; paper sees it all")
        folder.mkdir(exist_ok=True)
        snapshot = replace(
            picture.with_pixels(images.from_tensor(step.average, -1, scale)), exif=None
        )
        path = folder / f"run{run}-step{step.index:06d}{suffix}"
        files.write_atomically(path, partial(files.encode, snapshot, suffix), overwrite)

    return save


def _report(result: Result, scores: Scores, scale: Scale) -> list[str]:
    """What a person wants to know, a line each."""
    unit, of = (255.0, "of 255") if scale.one else (1.0, "in the units of the file")
    lines = [
        f"{sum(result.steps)} steps in {result.seconds:.1f} s on {result.device}; {result.stopped}"
    ]
    if any(0 < at < steps for at, steps in zip(result.chosen, result.steps, strict=True)):
        chosen = ", ".join(str(at) for at in result.chosen if at)
        lines.append(f"the image is the average at step {chosen}")
    if result.confidence:
        lines.append(f"confidence: {result.confidence}{_doubt(result)}")
    lines += [f"caution: {caution}" for caution in result.cautions]
    if result.compression:
        lines.append(f"compression: JPEG of quality {result.compression.quality}")
    if result.clean:
        lines.append("clean: what was taken out as noise is less than can be seen")
    for damage in (result.noise, result.stripes):
        lines += damage.sentences(unit, of) if damage else ()
    return [*lines, *_compared(scores)]


def _doubt(result: Result) -> str:
    """How much, where that is what the confidence is about."""
    doubt = result.uncertainty_db
    if doubt is None or doubt < SHOWN or result.clean or result.cautions:
        return ""
    return f"; the fit is about {doubt:.1f} dB in doubt"


def _compared(scores: Scores) -> list[str]:
    lines = []
    for name in ("psnr", "ssim"):
        after, before = scores.get(name), scores.get(f"{name}_input")
        if after is not None:
            given = f"{before:.4g} -> " if before is not None else ""
            lines.append(f"{name.upper()} {given}{after:.4g}")
    return lines
