"""One restoration of files: read, check every door, restore, write, report."""

import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from . import files, images, metrics
from .descent import Settings, Step
from .errors import BadInput
from .files import FORMATS, LOSSY, Picture
from .images import Pixels, Scale
from .job import Options, Result
from .progress import Watcher
from .record import described, fingerprint, record
from .windows import WHOLE

SNAPSHOT_EVERY = 100  # steps
FAINT = 0.25  # of white: floats that stay below it are in units of their own, such as flux


@dataclass(frozen=True)
class CommandOptions:
    """What every task's command takes: files and how to fit."""

    output: Path | None
    record: Path | None
    overwrite: bool
    quiet: bool
    fitting: Mapping[str, Any]  # fields of Options and Settings, sigma as on the command line
    reference: Path | None = None
    snapshots: Path | None = None
    every: int | None = None


@dataclass(frozen=True)
class Request:
    """What a task's command asks for: the picture, the function that restores its pixels, and the
    file's ending.

    choices go to the function and into the record, notes into the record only; parts are written
    beside the result.
    """

    task: str
    ending: str
    inputs: Mapping[str, Path]
    picture: Picture
    restore: Callable[..., Result]
    choices: Mapping[str, Any]
    notes: Mapping[str, Any]
    parts: tuple[str, ...] = ()


def run(request: Request, options: CommandOptions, messages: Console, answers: Console) -> int:
    """Restore and write what `request` asks for. Returns the exit code. Raises BadInput before
    anything is written.
    """
    picture, factor = request.picture, request.choices.get("factor", 1)
    images.check_pixels(picture.pixels, -1, str(request.inputs["image"]))
    paths = _outputs(request, options, factor)
    reference = _reference(options.reference, picture, factor)
    inputs = {**request.inputs, **({"reference": options.reference} if options.reference else {})}
    fingerprints = {name: fingerprint(path) for name, path in inputs.items()}
    scale = images.scale_of(picture.pixels)
    fitting = dict(options.fitting)
    if fitting.get("sigma", 0) > 0 and scale.one:  # others are refused as they were given
        fitting["sigma"] /= 255
    if scale.dtype == np.uint16 and scale.white < 65535 and not options.quiet:
        messages.print(
            f"dip: note: the greatest 16-bit value is {picture.pixels.max()}: {scale.white:.0f} "
            "counts as white"
        )

    runs = fitting.get("runs", Settings().runs)
    with Watcher(
        messages,
        runs,
        options.quiet,
        options.every or SNAPSHOT_EVERY,
        _snapshots(request, options, scale),
    ) as watch:
        result = request.restore(
            picture.pixels,
            channel_axis=-1,
            watch=watch,
            tell=watch.tell,
            **request.choices,
            **fitting,
        )

    with undisturbed():
        pictures = {"image": result.image, **result.parts}
        for name, path in paths.items():
            save(path, picture.with_pixels(pictures[name]), options.overwrite)
        scores = _scores(reference, picture, result) if reference else {}
        if options.record:
            defaults = {
                "preset": Options().preset,
                "device": Options().device,
                "sigma": Options().sigma,
            }
            defaults["stop"] = Options().stop
            choices = {**defaults, **options.fitting, **request.choices, **request.notes}
            outputs = {name: fingerprint(path) for name, path in paths.items()}
            text = record(request.task, choices, fingerprints, outputs, described(result, scores))
            files.write_atomically(options.record, text.encode(), options.overwrite)
    if not result.complete:
        messages.print(f"dip: note: not complete, the best so far is saved: {result.stopped}")
    if not options.quiet:
        _report(answers, paths, result, scores, scale)
    return 130 if result.interrupted else 0 if result.complete else 1


def _outputs(request: Request, options: CommandOptions, factor: int) -> dict[str, Path]:
    """Where the result and its parts go, every door checked."""
    source = request.inputs["image"]
    lossless = (
        source.suffix
        if source.suffix.lower() in FORMATS and source.suffix.lower() not in LOSSY
        else ".png"
    )
    output = options.output or source.with_name(f"{source.stem}-{request.ending}{lossless}")
    files.check_format(output, request.picture, factor)
    paths = {
        "image": output,
        **{name: output.with_stem(f"{output.stem}-{name}") for name in request.parts},
    }
    written = [*paths.values(), *([options.record] if options.record else [])]
    for path in written:
        files.check_free(path, options.overwrite)
    if len({path.resolve() for path in written}) < len(written):
        raise BadInput(f"{options.record} would be written twice; give the record another name")
    others = {
        path.resolve()
        for path in (*request.inputs.values(), *([options.reference] if options.reference else []))
    }
    for path in written:
        if path.resolve() in others and not (path == output and path.resolve() == source.resolve()):
            raise BadInput(f"{path} is an input; write to another name")
    return paths


def _reference(path: Path | None, picture: Picture, factor: int) -> Picture | None:
    """The clean image at `path`, of the size and channels of the result."""
    if path is None:
        return None
    clean = files.read(path)
    height, width, channels = picture.pixels.shape
    if clean.pixels.shape != (factor * height, factor * width, channels):
        found = "{1} x {0} with {2} channels".format(*clean.pixels.shape)
        raise BadInput(
            f"{path} is {found}, the result {factor * width} x {factor * height} with {channels}"
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
    request: Request, options: CommandOptions, scale: Scale
) -> Callable[[int, Step], None] | None:
    """A writer of averaged images into the folder for snapshots. Raises BadInput if that is not
    empty.
    """
    folder = options.snapshots
    if folder is None:
        if options.every:
            raise BadInput("--every needs --snapshots and a folder")
        return None
    if folder.is_dir() and any(folder.iterdir()) and not options.overwrite:
        raise BadInput(
            f"{folder} exists and is not an empty folder; give another --snapshots, or --overwrite"
        )
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is a file; give --snapshots a folder")
    if not folder.exists():
        files.check_free(folder, options.overwrite)
    pixels = request.picture.pixels
    deep = pixels.dtype not in (np.uint8, np.uint16) or pixels.shape[2] not in (1, 3)
    suffix = ".tif" if deep else ".png"

    def save(run: int, step: Step) -> None:
        if step.window is not WHOLE:
            raise ValueError("a step sees only windows of the picture; paper sees it all")
        folder.mkdir(exist_ok=True)
        snapshot = replace(
            request.picture.with_pixels(images.from_tensor(step.average, -1, scale)), exif=None
        )
        path = folder / f"run{run}-step{step.index:06d}{suffix}"
        files.write_atomically(path, partial(files.encode, snapshot, suffix), options.overwrite)

    return save


@contextmanager
def undisturbed() -> Iterator[None]:
    """What is being saved is saved, however often Ctrl-C is pressed."""
    before = {kind: signal.signal(kind, signal.SIG_IGN) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def save(path: Path, picture: Picture, overwrite: bool) -> None:
    """Write the picture; if that fails now, write it where temporary files go, and raise OSError
    that says so.
    """
    try:
        files.write_atomically(path, partial(files.encode, picture, path.suffix), overwrite)
    except Exception as error:  # hours may have gone into it
        rescued = Path(tempfile.mkdtemp(prefix="dip-"), path.stem + ".tif")
        with rescued.open("w+b") as file:
            files.encode(Picture(picture.pixels), ".tif", file)
        raise OSError(f"{error}; the result is saved as {rescued}") from error


def _report(
    answers: Console,
    paths: Mapping[str, Path],
    result: Result,
    scores: Mapping[str, float | None],
    scale: Scale,
) -> None:
    answers.print(f"wrote {', '.join(map(str, paths.values()))}")
    answers.print(
        f"{sum(result.steps)} steps in {result.seconds:.1f} s on {result.device}; {result.stopped}"
    )
    if any(chosen < steps for chosen, steps in zip(result.chosen, result.steps, strict=False)):
        answers.print(f"the image is the average at step {', '.join(map(str, result.chosen))}")
    if result.confidence:
        doubt = (
            ""
            if result.uncertainty_db is None or result.clean or result.cautions
            else f"; the fit is about {result.uncertainty_db:.1f} dB in doubt"
        )
        answers.print(f"confidence: {result.confidence}{doubt}")
    for caution in result.cautions:
        answers.print(f"caution: {caution}")
    if result.compression:
        answers.print(f"compression: JPEG of quality {result.compression.quality}")
    unit, of = (255.0, "of 255") if scale.one else (1.0, "in the units of the file")
    if result.clean:
        answers.print("clean: what was taken out as noise is less than can be seen")
    for damage in (result.noise, result.stripes):
        for line in damage.sentences(unit, of) if damage else ():
            answers.print(line)
    for name in ("psnr", "ssim"):
        after, before = scores.get(name), scores.get(f"{name}_input")
        if after is not None:
            answers.print(
                f"{name.upper()} {f'{before:.4g} -> ' if before is not None else ''}{after:.4g}"
            )
