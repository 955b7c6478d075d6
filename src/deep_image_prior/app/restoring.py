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
    asks = _read(kind, host.placed(values), host)
    every = asks.values["every"] or SNAPSHOT_EVERY
    shots = snapshots.writer(asks.values, asks.picture)
    output, quiet = asks.output(), asks.values["quiet"]
    return asks.request(), output, host.watcher(len(asks.tasks), quiet, every, shots, host.heed)


def _read(kind: type[Restoration], values: Mapping[str, Any], host: Host) -> "_Asked":
    source = values["image"]
    picture, guides = files.read(source, values["page"]), _guides(kind, values)
    finite = _finite(picture.pixels)
    if not finite.size:
        raise BadInput(f"{source} has no finite value: there is nothing in it")
    scale = images.scale_of(finite)
    options = taken(values, kind)
    pages = stacks.parts(picture, kind.together)
    count = prod(picture.pixels.shape[:-3])
    told = {**_of_file(kind, picture), **options, **_sigma(options, scale), **host.limit(options)}
    tasks = {
        name: kind(channel_axis=-1, **{**told, **_pixels(guides, values, numbers, count)})
        for name, numbers in pages.items()
    }
    _check_alone(values, picture, len(tasks))
    enlargement = next(iter(tasks.values())).enlargement
    reference = _reference(values, picture, enlargement)
    return _Asked(kind, values, options, picture, scale, pages, tasks, reference)


@dataclass(frozen=True, eq=False)
class _Asked:
    """What a command asks for.

    values: all arguments. options: those of the task that were given. pages: numbers of the pages
    that each fit restores, by its name. tasks: by the same names.
    """

    kind: type[Restoration]
    values: Mapping[str, Any]
    options: Mapping[str, Any]
    picture: Picture
    scale: Scale
    pages: Mapping[str, Sequence[int]]
    tasks: Mapping[str, Restoration]
    reference: Picture | None

    @property
    def source(self) -> Path:
        return Path(self.values["image"])

    @property
    def task(self) -> Restoration:
        """Any of them: they differ in their pixels."""
        return next(iter(self.tasks.values()))

    def output(self) -> Output:
        """Where the results go."""
        values, source = self.values, self.source
        name = NAMES.format(**fields_of_name(self.kind, self.options, source))
        return Output(
            values["output"] or source.with_name(name),
            values["record"],
            values["overwrite"],
            values["quiet"],
            maps.places(values, self.picture, self.task.enlargement),
        )

    def request(self) -> Request:
        """What is to be made, and what is told of it."""
        joined = cache(self._joined)  # kept as long as the request

        @cache
        def scores(*results: Result) -> comparison.Scores:
            if not self.reference:
                return {}
            return comparison.scores(self.reference, self.picture, joined(*results)["image"])

        return Request(
            task=self.task.name,
            makers={name: partial(self._made, name) for name in self.tasks},
            joined=lambda made: joined(*made.values()),
            names=outputs(self.kind),
            like=self.picture,
            enlargement=self.task.enlargement,
            inputs=inputs(self.kind, self.values),
            in_place=True,
            choices=choices(self.kind, self.options, self.values["page"]),
            content=lambda made: _content(made, scores(*made.values())),
            report=lambda made: _report(made, scores(*made.values()), self.scale),
        )

    def _made(self, name: str, watch: Watcher) -> Result:
        """The result of one fit; of several pages, cut into them again (pages, H, W, C)."""
        scale, task, source = self.scale, self.tasks[name], str(self.source)
        shared = scale if scale.dtype == np.uint16 else None  # the pages of others have one each
        if shared and shared.white < 65535 and not watch.quiet:
            say(f"note: no 16-bit value is above {shared.white:.0f}, which counts as white")
        numbers, count = self.pages[name], prod(self.picture.pixels.shape[:-3])
        pixels = stacks.tall(self.picture, numbers, count, source)
        watched = replace(task, watch=watch, tell=watch.tell)
        result = restore_page(watched, pixels, source, shared)
        cut = partial(stacks.cut, count=len(numbers), enlargement=task.enlargement)
        parts = {name: cut(each) for name, each in result.parts.items()}
        map = None if result.uncertainty is None else cut(result.uncertainty)
        return replace(result, image=cut(result.image), parts=parts, uncertainty=map)

    def _joined(self, *results: Result) -> dict[str, Picture]:
        """The pictures that are written, by name."""
        pages, enlargement = list(self.pages.values()), self.task.enlargement
        made = _pictures(self.picture, pages, results, enlargement)
        if self.values["uncertainty"]:
            values, scale = self.values, self.scale
            made |= maps.pictures(values, self.picture, pages, results, enlargement, scale)
        return made


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
