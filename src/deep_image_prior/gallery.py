"""Pictures of the inside of a classifier: made one after the other, joined if they are several,
written, reported.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from . import files
from .classifiers import Classifier
from .descent import Settings
from .errors import BadInput
from .files import Picture
from .images import Pixels, Scale
from .job import Options, Result
from .panels import Tile, panel
from .progress import Watcher
from .record import described, fingerprint, record
from .session import CommandOptions, save, undisturbed

COLUMNS = 5


@dataclass(frozen=True)
class Gallery:
    """What a command asks for: the pictures by name, all of one kind, each made of the classifier.

    architecture: the classifier, perhaps without its weights; fill: brings them, once all else is
    known to be right. blank: a picture such as they will be; scale: what its values mean. output:
    where they go if nobody says. choices go into the record.
    """

    task: str
    architecture: Classifier
    fill: Callable[[Classifier], Classifier]
    makers: Mapping[str, Callable[..., Result]]
    blank: Picture
    scale: Scale
    output: Path
    inputs: Mapping[str, Path]
    choices: Mapping[str, Any]


def run(gallery: Gallery, options: CommandOptions, messages: Console, answers: Console) -> int:
    """Make and write the pictures; returns the exit code. What ends it early goes on once the
    others are written.
    """
    output = options.output or gallery.output
    _check_doors(gallery, options, output)
    inputs = {name: fingerprint(path) for name, path in gallery.inputs.items()}
    results, failure = _made(gallery, gallery.fill(gallery.architecture), options, messages)
    with undisturbed():
        save(output, _picture(gallery, results), options.overwrite)
        if options.record:
            choices = {
                "preset": Options().preset,
                "device": Options().device,
                **options.fitting,
                **gallery.choices,
            }
            phi = gallery.architecture
            about = {
                "name": phi.name,
                "size": phi.size,
                "mean": list(phi.mean),
                "std": list(phi.std),
            }
            content = {
                "classifier": about,
                "pictures": {name: described(result) for name, result in results.items()},
            }
            text = record(gallery.task, choices, inputs, {"image": fingerprint(output)}, content)
            files.write_atomically(options.record, text.encode(), options.overwrite)
    complete = len(results) == len(gallery.makers) and all(
        result.complete for result in results.values()
    )
    if not complete:
        last = list(results.values())[-1]
        reason = f": {last.stopped}" if not last.complete else ""
        count = f"{len(results)} of {len(gallery.makers)} pictures"
        messages.print(f"dip: note: not complete, the best so far of {count} is saved{reason}")
    if not options.quiet:
        answers.print(f"wrote {output}")
        for name, result in results.items():
            steps = f"{sum(result.steps)} steps in {result.seconds:.1f} s on {result.device}"
            answers.print(f"{name}: {', '.join(_measured(result))}; {steps}; {result.stopped}")
    if isinstance(failure, Exception):
        raise failure
    interrupted = failure or any(result.interrupted for result in results.values())
    return 130 if interrupted else 0 if complete else 1


def _check_doors(gallery: Gallery, options: CommandOptions, output: Path) -> None:
    alone = len(gallery.makers) == 1
    files.check_format(output, gallery.blank if alone else Picture(np.zeros((2, 2, 3), np.uint8)))
    written = [output, *([options.record] if options.record else [])]
    for path in written:
        files.check_free(path, options.overwrite)
        if path.resolve() in {each.resolve() for each in gallery.inputs.values()}:
            raise BadInput(f"{path} is an input; write to another name")
    if options.record and options.record.resolve() == output.resolve():
        raise BadInput(f"{output} would be written twice; give the record another name")


def _made(
    gallery: Gallery, phi: Classifier, options: CommandOptions, messages: Console
) -> tuple[dict[str, Result], Exception | KeyboardInterrupt | None]:
    """The pictures, and what ended it early. Raises that, if there are none."""
    runs = options.fitting.get("runs", Settings().runs)
    results: dict[str, Result] = {}
    try:
        with Watcher(messages, runs * len(gallery.makers), options.quiet) as watch:
            for name, make in gallery.makers.items():
                results[name] = make(phi, watch=watch, **options.fitting)
                if results[name].interrupted:
                    break
    except (Exception, KeyboardInterrupt) as failure:
        if not results:
            raise
        return results, failure
    return results, None


def _measured(result: Result) -> list[str]:
    return [f"{name.replace('_', ' ')} {value:.3g}" for name, value in result.measures.items()]


def _picture(gallery: Gallery, results: Mapping[str, Result]) -> Picture:
    """The picture, if only one is asked for; otherwise all in one, what the classifier was shown at
    the head.
    """
    if len(gallery.makers) == 1:
        return gallery.blank.with_pixels(next(iter(results.values())).image)
    parts = next(iter(results.values())).parts
    tiles = [Tile((name, ""), _eight_bits(gallery, image)) for name, image in parts.items()]
    tiles += [
        Tile((name, _caption(result)), _eight_bits(gallery, result.image))
        for name, result in results.items()
    ]
    return Picture(panel(tiles, COLUMNS))


def _caption(result: Result) -> str:
    return ", ".join(_measured(result)[-2:])


def _eight_bits(gallery: Gallery, image: Pixels) -> Pixels:
    unit = gallery.scale.unit(image).clip(0, 1)
    return np.broadcast_to(np.rint(255 * unit), (*image.shape[:2], 3)).astype(np.uint8)
