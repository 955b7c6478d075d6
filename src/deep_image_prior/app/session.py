"""One command: every door checked, the pictures made, written and reported."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from os.path import lexists, realpath
from pathlib import Path
from typing import Any

from .. import files
from ..errors import BadInput
from ..files import Picture
from ..restoration import Result
from .progress import Watcher
from .record import fingerprint, record, surroundings
from .say import answer, say
from .signals import interruptible, undisturbed

Made = Mapping[str, Result]


@dataclass(frozen=True)
class Output:
    """Where a command writes, and how much it says. places: of pictures that are not written beside
    the first, by name.
    """

    path: Path
    record: Path | None
    overwrite: bool
    quiet: bool
    places: Mapping[str, Path] = field(default_factory=dict)

    def paths(self, names: Sequence[str]) -> dict[str, Path]:
        """Where pictures of these names go."""
        return {**paths_of(self.path, names), **self.places}

    def written(self, names: Sequence[str]) -> list[Path]:
        """All files."""
        return [*self.paths(names).values(), *([self.record] if self.record else [])]

    def beside(self, names: Sequence[str]) -> "Output":
        """The same with another name for each, at which there is nothing."""

        def renamed(end: str) -> Output:
            return Output(
                self.path.with_stem(self.path.stem + end),
                self.record and self.record.with_stem(self.record.stem + end),
                overwrite=False,
                quiet=self.quiet,
                places={
                    name: path.with_stem(path.stem + end) for name, path in self.places.items()
                },
            )

        ends = ("-so-far" if k == 1 else f"-so-far-{k}" for k in count(1))
        return next(each for each in map(renamed, ends) if not _there(each.written(names)))


@dataclass(frozen=True)
class Request:
    """What a command asks for.

    makers: of the pictures, by name. joined: the results -> what is written, by name, the first as
    Output.path, the others beside it. like: a picture as the first one will be; enlargement: but
    for that, to a side. inputs: the files that it depends on; in_place: whether the first of them,
    the image, may be replaced. choices and content (of the results) go into the record, report (of
    the same) to the person.
    """

    task: str
    makers: Mapping[str, Callable[[Watcher], Result]]
    joined: Callable[[Made], Mapping[str, Picture]]
    names: Sequence[str]
    like: Picture
    enlargement: int
    inputs: Mapping[str, Path]
    in_place: bool
    choices: Mapping[str, Any]
    content: Callable[[Made], Mapping[str, Any]]
    report: Callable[[Made], Sequence[str]]


def check(request: Request, output: Output) -> None:
    """Every door. Raises BadInput."""
    files.check_format(output.path, request.like, request.enlargement)
    check_places(output, request.names, request.inputs, request.in_place)


def paths_of(path: Path, names: Sequence[str]) -> dict[str, Path]:
    """Where pictures of these names go: the first to `path`, the others beside it."""
    first, *others = names
    return {first: path} | {name: path.with_stem(f"{path.stem}-{name}") for name in others}


def check_places(
    output: Output, names: Sequence[str], inputs: Mapping[str, Path], in_place: bool
) -> None:
    """Raise BadInput unless all can be written and no input is lost; see `Request`."""
    written = output.written(names)
    for path in written:
        files.check_free(path, output.overwrite)
    for number, path in enumerate(written):
        if realpath(path) in map(realpath, written[:number]):
            raise BadInput(f"{path} would be written twice; give each file a name of its own")
    read = set(map(realpath, inputs.values()))
    if in_place and realpath(output.path) == realpath(inputs["image"]):
        written.remove(output.path)
    for path in written:
        if realpath(path) in read:
            raise BadInput(f"{path} is an input; write to another name")


def run(request: Request, output: Output, watcher: Watcher) -> int:
    """Make and write what `request` asks for; returns the exit code. What ends it early goes on
    once the others are written. What is not complete replaces no file, even if others may be.
    """
    check(request, output)
    inputs = {name: fingerprint(path) for name, path in request.inputs.items()}
    interruptible()
    made, failure = _made(request, watcher)
    complete = len(made) == len(request.makers) and all(each.complete for each in made.values())
    with undisturbed():
        pictures = request.joined(made)
        kept = [] if complete else _there(output.written(request.names))
        if kept:
            output = output.beside(request.names)
        every = output.paths(request.names)
        paths = {name: path for name, path in every.items() if name in pictures}
        for name, picture in pictures.items():
            save(paths[name], picture, output.overwrite)
        if output.record:
            outputs = {name: fingerprint(path) for name, path in paths.items()}
            content = request.content(made)
            text = record(request.task, surroundings(), request.choices, inputs, outputs, content)
            _write_record(output, text, paths)
    if not complete:
        say(f"note: not complete, {_best(request, made)}")
    if kept:
        say(f"note: not replaced, as it is not complete: {', '.join(map(str, kept))}")
    if not output.quiet:
        answer(f"wrote {', '.join(map(str, paths.values()))}")
        for line in request.report(made):
            answer(line)
    if isinstance(failure, Exception):
        raise failure
    interrupted = failure or any(each.interrupted for each in made.values())
    return 130 if interrupted else 0 if complete else 1


def _there(paths: Sequence[Path]) -> list[Path]:
    """Those at which there is something."""
    return [path for path in paths if lexists(path)]


def _write_record(output: Output, text: str, paths: Mapping[str, Path]) -> None:
    assert output.record
    try:
        files.write_atomically(output.record, text.encode(), output.overwrite)
    except OSError as error:
        raise OSError(f"{error}; {', '.join(map(str, paths.values()))} is written") from error


def _made(request: Request, watcher: Watcher) -> tuple[Made, Exception | KeyboardInterrupt | None]:
    """The pictures, and what ended it early. Raises that, if there are none."""
    made: dict[str, Result] = {}
    try:
        with watcher:
            for name, make in request.makers.items():
                made[name] = make(watcher)
                if made[name].interrupted:
                    break
    except (Exception, KeyboardInterrupt) as failure:
        if not made:
            raise
        return made, failure
    return made, None


def _best(request: Request, made: Made) -> str:
    last = list(made.values())[-1]
    count = "" if len(request.makers) == 1 else f" of {len(made)} of {len(request.makers)} pictures"
    return f"the best so far{count} is saved{'' if last.complete else f': {last.stopped}'}"


def save(path: Path, picture: Picture, overwrite: bool) -> None:
    """Write the picture; if that fails now, write it where temporary files go, and raise OSError
    that says so.
    """
    try:
        files.write_atomically(path, partial(files.encode, picture, path.suffix), overwrite)
    except Exception as error:  # hours may have gone into it
        rescued = Path(tempfile.mkdtemp(prefix="dip-"), path.stem + ".tif")
        with rescued.open("w+b") as file:
            files.encode(Picture(picture.pixels, axes=picture.axes), ".tif", file)
        raise OSError(f"{error}; the result is saved as {rescued}") from error
