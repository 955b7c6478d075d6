"""The command of a task that restores a picture."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cache, partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from .. import files, images
from ..device import find_device
from ..errors import BadInput
from ..files import Picture
from ..images import Pixels, Scale
from ..options import declared
from ..restoration import Result, restore_page
from ..summary import DOUBTS, summary
from ..tasks import Restoration, Task
from . import comparison, maps, session, snapshots, stacks
from .commands import SNAPSHOT_EVERY, taken
from .progress import Bar, Watcher
from .record import described
from .say import say
from .session import Made, Output, Request

NAMES = "{stem}-{ending}{suffix}"  # of results


@dataclass(frozen=True)
class Host:
    """What is particular to the process that a picture is made in.

    memory: bytes, where the command says none and the CPU computes. files: where inputs lie, by the
    names of their options, if that is elsewhere. watcher, heed: what follows the work; see
    `Watcher`.
    """

    memory: int | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    watcher: Callable[..., Watcher] = Bar
    heed: Callable[[], None] | None = None

    def placed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of a command with the files where they lie here."""
        there = {name: type(values[name])(path) for name, path in self.files.items()}
        return {**values, **there}

    def limit(self, options: Mapping[str, Any]) -> dict[str, int]:
        """The option memory, if there is something to say of it."""
        if self.memory is None or "memory" in options:
            return {}
        on_cpu = find_device(options.get("device", Task.device)).type == "cpu"
        return {"memory": self.memory} if on_cpu else {}

    def told(self, text: str, values: Mapping[str, Any]) -> str:
        """The same text with the names that the person knows."""
        for name, path in self.files.items():
            text = text.replace(str(path), str(values[name]))
        return text


def run(kind: type[Restoration], values: Mapping[str, Any]) -> int:
    """`kind` with the arguments of its command. Returns the exit code; raises BadInput before
    anything is written.
    """
    return session.run(*asked(kind, values))


def asked(
    kind: type[Restoration], values: Mapping[str, Any], host: Host = Host()
) -> tuple[Request, Output, Watcher]:
    """What the command asks for, its files read. Raises BadInput."""
    values = host.placed(values)
    source, quiet = values["image"], values["quiet"]
    picture, guides = files.read(source, values["page"]), _guides(kind, values)
    finite = _finite(picture.pixels)
    if not finite.size:
        raise BadInput(f"{source} has no finite value: there is nothing in it")
    scale = images.scale_of(finite)
    options = taken(values, kind)
    places = stacks.parts(picture, kind.together)
    count = prod(picture.pixels.shape[:-3])
    told = {**_of_file(kind, picture), **options, **_sigma(options, scale), **host.limit(options)}
    tasks = {
        name: kind(channel_axis=-1, **{**told, **_pixels(guides, values, numbers, count)})
        for name, numbers in places.items()
    }
    task = next(iter(tasks.values()))
    _check_alone(values, picture, len(tasks))
    output = Output(
        values["output"] or source.with_name(NAMES.format(**fields_of_name(kind, options, source))),
        values["record"],
        values["overwrite"],
        quiet,
        maps.places(values, picture, task.enlargement),
    )
    reference = _reference(values, picture, task.enlargement)

    def maker(name: str) -> Callable[[Watcher], Result]:
        pixels = partial(stacks.tall, picture, places[name], count, str(source))
        return lambda watch: _made(tasks[name], watch, pixels(), len(places[name]), scale, source)

    @cache
    def joined(*results: Result) -> dict[str, Picture]:
        pages = list(places.values())
        made = _pictures(picture, pages, results, task.enlargement)
        if values["uncertainty"]:
            made |= maps.pictures(values, picture, pages, results, task.enlargement, scale)
        return made

    @cache
    def compared(*results: Result) -> comparison.Scores:
        return comparison.scores(reference, picture, joined(*results)["image"]) if reference else {}

    request = Request(
        task=task.name,
        makers={name: maker(name) for name in tasks},
        joined=lambda made: joined(*made.values()),
        names=outputs(kind),
        like=picture,
        enlargement=task.enlargement,
        inputs=inputs(kind, values),
        in_place=True,
        choices=choices(kind, options, values["page"]),
        content=lambda made: _content(made, compared(*made.values())),
        report=lambda made: _report(made, compared(*made.values()), scale),
    )
    every = values["every"] or SNAPSHOT_EVERY
    shots = snapshots.writer(values, picture)
    watcher = host.watcher(len(tasks), quiet, every, shots, host.heed)
    return request, output, watcher


def _made(
    task: Restoration, watch: Watcher, pixels: Pixels, pages: int, scale: Scale, source: Path
) -> Result:
    """Of `pages` in one picture, cut into them again (pages, H, W, C) if there are several."""
    shared = scale if scale.dtype == np.uint16 else None  # the pages of others have one each
    if shared and shared.white < 65535 and not watch.quiet:
        say(f"note: no 16-bit value is above {shared.white:.0f}, which counts as white")
    watched = replace(task, watch=watch, tell=watch.tell)
    result = restore_page(watched, pixels, str(source), shared)
    cut = partial(stacks.cut, count=pages, enlargement=task.enlargement)
    parts = {name: cut(each) for name, each in result.parts.items()}
    map = None if result.uncertainty is None else cut(result.uncertainty)
    return replace(result, image=cut(result.image), parts=parts, uncertainty=map)


def _check_alone(values: Mapping[str, Any], picture: Picture, parts: int) -> None:
    """Raise BadInput if something is asked for that only one picture, or one fit, has."""
    for name, several in (("snapshots", picture.axes), ("checkpoint", parts > 1)):
        if values[name] is not None and several:
            raise BadInput(f"--{name} is of one picture; choose one of the stack by --page")


def _guides(kind: type[Restoration], values: Mapping[str, Any]) -> dict[str, Picture]:
    """The pictures beside the image, by the names of their options."""
    names = [name for name, option in declared(kind).items() if option.kind is Path]
    guides = {name: _guide(values[name], values["page"]) for name in names}
    for name, picture in guides.items():
        if picture.alpha is not None:
            say(f"note: the transparency of {values[name]} is not looked at, its colours are")
    return guides


def _guide(path: Path, page: int | None) -> Picture:
    """The page that is chosen of the image, if there are several."""
    picture = files.read(path)
    return picture.page(page) if page and picture.axes else picture


def _pixels(
    guides: Mapping[str, Picture], values: Mapping[str, Any], numbers: Sequence[int], count: int
) -> dict[str, Pixels]:
    return {
        name: stacks.tall(picture, numbers, count, str(values[name]))
        for name, picture in guides.items()
    }


def _finite(pixels: Pixels) -> Pixels:
    """What may be compared; missing values may be NaN."""
    return pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels


def _sigma(options: Mapping[str, Any], scale: Scale) -> dict[str, float]:
    """In units of full scale, for files that have one; what is no sigma is refused as it is."""
    if options.get("sigma", 0) > 0 and scale.one:
        return {"sigma": options["sigma"] / 255}
    return {}


def _of_file(kind: type[Restoration], picture: Picture) -> dict[str, Any]:
    """What the file says of itself, for a task to which it makes a difference."""
    told = {"raw": picture.raw, "coding": picture.coding}
    return {name: value for name, value in told.items() if name in declared(kind)}


def inputs(kind: type[Restoration], values: Mapping[str, Any]) -> dict[str, Path]:
    """The files that the result depends on, and the reference, by name."""
    options = declared(kind)
    named = [name for name, each in options.items() if each.kind is Path or each.file]
    paths = {name: Path(values[name]) for name in (*named, "reference") if values.get(name)}
    there = {
        name: path
        for name, path in paths.items()
        if path.is_file() or files.is_picture_folder(path)
    }
    return {"image": values["image"], **there}


def outputs(kind: type[Restoration]) -> tuple[str, ...]:
    """The names of the pictures that are written."""
    return ("image", *kind.parts)


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


def _pictures(
    picture: Picture, places: Sequence[Sequence[int]], results: Sequence[Result], factor: int
) -> dict[str, Picture]:
    """What is written, by name. Pages that were not begun are as they were."""
    if len(results) < len(places):
        say("note: pages that were not begun are as they were")
    names = ("image", *results[0].parts)

    def whole(name: str) -> Pixels:
        made = (result.image if name == "image" else result.parts[name] for result in results)
        return stacks.whole(picture, zip(places, made), factor)  # noqa: B905

    return {name: picture.with_pixels(whole(name)) for name in names}


def _reference(values: Mapping[str, Any], picture: Picture, enlargement: int) -> Picture | None:
    """The clean image, of the size, pages and channels of the result."""
    path = values["reference"]
    if path is None:
        return None
    clean = _guide(path, values["page"])
    comparison.check(clean, path, picture, enlargement)
    return clean


def choices(
    kind: type[Restoration], options: Mapping[str, Any], page: int | None = None
) -> dict[str, Any]:
    """The options as they were given, and what those were that others might take for granted."""
    shown = ("preset", "device", "sigma", "stop", *kind.own())
    given = {name: str(v) if isinstance(v, Path) else v for name, v in options.items()}
    defaults = {each.name: each.default for each in fields(kind) if each.name in shown}
    plain = {name: value for name, value in defaults.items() if value is not MISSING}
    return {**plain, **given, **({"page": page} if page else {})}


def _content(made: Made, scores: comparison.Scores) -> dict[str, Any]:
    """For the record; of a stack whose parts were restored each by itself, of all parts."""
    if list(made) == ["image"]:
        return described(made["image"], scores)
    levels = [each.confidence for each in made.values()]
    return {
        "seconds": round(sum(each.seconds for each in made.values()), 3),
        "confidence": next((level for level in DOUBTS if level in levels), None),
        "scores": dict(scores),
        "parts": {name: described(each) for name, each in made.items()},
    }


def _report(made: Made, scores: comparison.Scores, scale: Scale) -> list[str]:
    """What a person wants to know, a line each."""
    lines = []
    for name, result in made.items():
        start = "" if len(made) == 1 else f"{name}: "
        lines += [start + line for line in summary(result, scale)]
    return [*lines, *comparison.lines(scores)]
