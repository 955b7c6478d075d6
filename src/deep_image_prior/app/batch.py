"""Many pictures by one command: what is missing is made, and a second run goes on."""

import glob
import json
import os
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.table import Table

from .. import files
from ..available import available
from ..errors import BadInput, Destabilised, exhausted, said
from ..options import declared
from ..tasks import Restoration
from . import restoring, session, workers
from .commands import taken
from .progress import Files, terminal
from .record import Fingerprint, fingerprint, fingerprint_of, package, record, surroundings
from .restoring import Host
from .say import answer, say
from .signals import interruptible, undisturbed

TOGETHER = ("names", "jobs", "scheduler", "recursive")  # options that are of several
ALONE = ("snapshots", "every", "checkpoint", "uncertainty")  # options that are of one picture
FAILURES = (BadInput, OSError, Destabilised, MemoryError, RuntimeError)


@dataclass(frozen=True)
class Item:
    """A picture of the batch: the file of it, where it goes and its record, and the arguments that
    its command would have.
    """

    source: Path
    output: Path
    values: Mapping[str, Any]

    @property
    def record(self) -> Path:
        return self.output.with_name(f"{self.output.name}.json")


Job = tuple[type[Restoration], Item]


@dataclass(frozen=True)
class Made:
    """What is to be written of an item.

    contents: of the files, by name. facts: the arguments of `record` but for these files. notes:
    for the person.
    """

    contents: Mapping[Path, files.Content]
    facts: Mapping[str, Any]
    notes: Sequence[str]


@dataclass(frozen=True)
class Row:
    """What became of an item: it is made, kept from an earlier run, or has failed for a reason."""

    image: str
    output: str
    state: str
    reason: str = ""
    seconds: float = 0.0
    confidence: str | None = None


Hands = Callable[[Callable[[Host, Job], Made | str], Iterator[Job]], workers.Done[Job, Made | str]]


def many(values: Mapping[str, Any]) -> bool:
    """Whether the arguments of a command name more than one picture, or a folder for it."""
    images, output = values["images"], values["output"]
    return (
        len(images) != 1
        or values["files_from"] is not None
        or values["shard"] is not None
        or _is_folder(images[0])
        or _is_pattern(images[0])
        or (output is not None and (_is_folder(output) or str(output).endswith(os.sep)))
    )


def run(kind: type[Restoration], values: Mapping[str, Any]) -> int:
    """The command for many pictures. Returns the exit code; raises BadInput if none can be made."""
    folder, quiet = values["output"], values["quiet"]
    if not values["images"] and values["files_from"] is None:
        raise BadInput(_nothing(kind, values))
    if folder is None:
        raise BadInput("several pictures need a folder to go to; give it by -o")
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is a file; several pictures need a folder to go to (-o)")
    for name in ALONE:
        if values[name] is not None:
            raise BadInput(f"--{name} is of one picture; leave it out, or give one picture")
    if values["scheduler"] is not None and values["jobs"]:
        raise BadInput("--jobs is of this machine and --scheduler of others; leave one of them out")
    items = _items(kind, values)
    summary = values["record"] or folder / f"dip-{kind.name}{_of_shard(values['shard'])}.json"
    _check_summary(summary, values, items)
    begun, rows, ended, code = time.monotonic(), [], "", 0
    try:
        with _hands(values) as hands:
            folder.mkdir(parents=True, exist_ok=True)
            interruptible()
            with (
                Files(terminal(), len(items), quiet) as progress,
                closing(_made(kind, items, hands)) as made,
            ):
                for row, notes in made:
                    rows.append(row)
                    progress.tell(row.image, row.state, row.reason, notes)
    except KeyboardInterrupt:
        ended, code = "interrupted", 130
    except workers.Gone as gone:
        ended, code = str(gone), 1
    counts = Counter(row.state for row in rows)
    text = {
        "batch": kind.name,
        "package": package(),
        "seconds": round(time.monotonic() - begun, 3),
        "pictures": len(items),
        **counts,
        "rows": [asdict(row) for row in rows],
    }
    with undisturbed():
        files.write_atomically(summary, json.dumps(text, indent=1).encode(), overwrite=True)
    if not quiet:
        _report(rows, len(items), summary)
    if ended:
        say(f"{ended} after {len(rows)} of {len(items)}; the same command goes on from there")
        return code
    return 1 if counts["failed"] else 0


@contextmanager
def _hands(values: Mapping[str, Any]) -> Iterator[Hands]:
    """Those who make the pictures: this process, several, or the workers of a cluster. Raises
    BadInput.
    """
    if values["scheduler"] is not None:
        from . import cluster

        with cluster.connected(values["scheduler"]) as crew:
            yield partial(cluster.by_crew, crew, files=_files)
    elif (jobs := values["jobs"] or 1) > 1:
        host = Host(memory=available() // jobs)
        yield lambda work, todo: workers.side_by_side(partial(work, host), todo, jobs)
    else:
        yield lambda work, todo: workers.in_turn(partial(work, Host()), todo)


def _report(rows: Sequence[Row], count: int, summary: Path) -> None:
    counts = Counter(row.state for row in rows)
    doubted = Counter(row.confidence for row in rows if row.state == "made" and row.confidence)
    table = Table("", "pictures")
    for state, words in (("made", "made"), ("kept", "there before"), ("failed", "failed")):
        if counts[state]:
            table.add_row(words, str(counts[state]))
    for confidence in ("high", "medium", "low"):
        if doubted[confidence]:
            table.add_row(f"confidence {confidence}", str(doubted[confidence]))
    if count > len(rows):
        table.add_row("not begun", str(count - len(rows)))
    console = terminal()
    with console.capture() as shown:
        console.print(table)
    answer(shown.get().rstrip())
    answer(f"the record of all is {summary}")


def _made(
    kind: type[Restoration], items: Sequence[Item], hands: Hands
) -> Generator[tuple[Row, Sequence[str]], None, None]:
    """The items as they are done and written, with notes for the person."""
    rows: list[Row] = []

    def missing() -> Iterator[Job]:
        for item in items:
            state, reason = _state(kind, item)
            if state == "missing":
                try:
                    _check_places(kind, item)
                except (BadInput, OSError) as error:
                    state, reason = "failed", str(error)
            if state == "missing":
                yield kind, item
            else:
                rows.append(_row(item, state, reason))

    with closing(hands(restored, missing())) as done:
        for (_, item), outcome in done:
            while rows:
                yield rows.pop(0), ()
            yield _written(item, outcome)
    while rows:
        yield rows.pop(0), ()


def _check_places(kind: type[Restoration], item: Item) -> None:
    """Where the results will lie is seen from here, whoever makes them. Raises BadInput."""
    item.output.parent.mkdir(parents=True, exist_ok=True)
    output = session.Output(item.output, None, item.values["overwrite"], True)
    session.check_places(output, restoring.outputs(kind), _files((kind, item)), in_place=True)


def restored(host: Host, job: Job) -> Made | str:
    """What is to be written of an item, or why it failed."""
    kind, item = job
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always", UserWarning)
        try:
            request, output, watcher = restoring.asked(kind, item.values, host)
            files.check_format(output.path, request.like, request.enlargement)
            inputs = _fingerprints(request.inputs)
            made = {}
            for name, make in request.makers.items():
                made[name] = make(watcher)
                if made[name].interrupted:
                    raise KeyboardInterrupt
                if not made[name].complete:
                    return made[name].stopped
            paths = session.paths_of(output.path, request.names)
            contents = {
                paths[name]: files.encoded(each, paths[name].suffix)
                for name, each in request.joined(made).items()
            }
        except FAILURES as error:
            if isinstance(error, RuntimeError | MemoryError):
                return "out of memory" if exhausted(error) else said(error)
            return host.told(str(error), item.values)
    facts = {
        "task": request.task,
        "surroundings": surroundings(),
        "choices": _choices(kind, item),
        "inputs": inputs,
        "content": request.content(made),
    }
    return Made(contents, facts, [host.told(str(each.message), item.values) for each in noted])


def _written(item: Item, outcome: Made | str | BaseException) -> tuple[Row, Sequence[str]]:
    """The record comes first: where there is a picture there is a record of it."""
    if isinstance(outcome, BrokenProcessPool):
        outcome = "the process that worked on it was killed; there may be too little memory for it"
    if isinstance(outcome, BaseException):
        outcome = str(outcome) if isinstance(outcome, FAILURES) else said(outcome)
    if isinstance(outcome, str):
        return _row(item, "failed", outcome), ()
    outputs = {
        path.name: fingerprint_of(content, path.name) for path, content in outcome.contents.items()
    }
    text = record(outputs=outputs, **outcome.facts)
    try:
        with undisturbed():
            files.write_atomically(item.record, text.encode(), overwrite=True)
            for path, content in outcome.contents.items():
                files.write_atomically(path, content, item.values["overwrite"])
    except (BadInput, OSError) as error:
        return _row(item, "failed", str(error)), outcome.notes
    content = outcome.facts["content"]
    row = _row(item, "made", "", content["seconds"], content["confidence"])
    return row, outcome.notes


def _row(item: Item, state: str, reason: str = "", *more: Any) -> Row:
    return Row(str(item.source), str(item.output), state, reason, *more)


def _state(kind: type[Restoration], item: Item) -> tuple[str, str]:
    """Whether an item is missing, kept or failed, and why it failed."""
    exists = item.output.exists()
    if not exists and not item.record.exists():
        return "missing", ""
    try:
        found = json.loads(item.record.read_bytes())
        ours = (found["task"], found["package"]) == (kind.name, package())
        same = ours and found["choices"] == _plain(_choices(kind, item))
        same = same and found["inputs"] == _fingerprints(_files((kind, item)))
        if not exists:
            return "missing", ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, OSError) and exists and item.record.exists():
            return "failed", f"{item.record} cannot be read: {error.strerror}"
        same = False
    if same:
        return "kept", ""
    if item.values["overwrite"]:
        return "missing", ""
    name = item.output if exists else item.record
    return "failed", (
        f"{name} exists, and is not what this command makes of the picture as it is now; allow "
        "--overwrite, or write elsewhere"
    )


def _plain(value: Any) -> Any:
    """As it comes back from JSON."""
    return json.loads(json.dumps(value))


def _choices(kind: type[Restoration], item: Item) -> dict[str, Any]:
    return restoring.choices(kind, taken(item.values, kind), item.values["page"])


def _files(job: Job) -> dict[str, Path]:
    """The files that the result depends on."""
    kind, item = job
    return restoring.inputs(kind, item.values)


def _fingerprints(paths: Mapping[str, Path]) -> dict[str, Fingerprint]:
    return {name: fingerprint(path) for name, path in paths.items()}


def _items(kind: type[Restoration], values: Mapping[str, Any]) -> list[Item]:
    """The pictures of this shard, each with a name of its own. Raises BadInput."""
    found = _sources(values)
    folder = values["output"]
    made: dict[Path, Path] = {}
    items = []
    for number, (source, place) in enumerate(found, 1):
        output = folder / place / _name(kind, values, source, number)
        if output in made:
            raise BadInput(
                f"{made[output]} and {source} would both become {output}; give names that differ, "
                "as in --names '{name}-{ending}.png'"
            )
        made[output] = source
        beside = {
            name: _partner(values[name], source)
            for name in (*_pictures(kind), "reference")
            if values.get(name) is not None
        }
        own = {**values, "image": source, "output": output, "record": None, "quiet": True, **beside}
        items.append(Item(source, output, own))
    if values["shard"]:
        first, of = values["shard"]
        items = items[first - 1 :: of]
    return items


def _pictures(kind: type[Restoration]) -> list[str]:
    """The options that are pictures beside the image."""
    return [name for name, each in declared(kind).items() if each.kind is Path]


def _name(kind: type[Restoration], values: Mapping[str, Any], source: Path, number: int) -> Path:
    pattern = values["names"] or restoring.NAMES
    known = {**restoring.fields_of_name(kind, taken(values, kind), source), "number": number}
    try:
        name = pattern.format(**known)
    except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
        raise BadInput(
            f"--names {pattern!r} cannot be used ({said(error)}); the fields are "
            f"{', '.join(f'{{{each}}}' for each in known)}"
        ) from None
    if Path(name).name != name:
        raise BadInput(f"--names {pattern!r} makes {name!r}, which is no name of a file")
    return Path(name)


def _partner(path: Path, source: Path) -> Path:
    """The file of the same stem in a folder, or the one file for all."""
    if not _is_folder(path):
        return path
    same = [each for each in sorted(path.iterdir()) if each.stem == source.stem]
    if len(same) != 1:
        raise BadInput(
            f"{path} has {len(same) or 'no'} files that are called {source.stem}, and one is "
            f"needed for {source}"
        )
    return same[0]


def _sources(values: Mapping[str, Any]) -> list[tuple[Path, Path]]:
    """The pictures, each with the folder that it lay in within one that was named. Raises BadInput
    if there are none.
    """
    found: list[tuple[Path, Path]] = []
    named = [*values["images"], *_listed(values["files_from"])]
    if not named:
        raise BadInput(f"{values['files_from']} is empty; give a file with one name a line")
    for path in named:
        if _is_folder(path):
            found += _within(path, values)
        elif _is_pattern(path):
            some = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
            if not some:
                raise BadInput(f"{path} matches nothing; look at its folder and at the pattern")
            found += [(each, Path()) for each in some if not _is_folder(each)]
        else:
            found.append((path, Path()))
    among = values["output"].resolve()
    for source, _ in found:
        if source.parent.resolve() == among:
            raise BadInput(
                f"{source} is read from where the results go, which would be read the next time; "
                "give -o a folder of its own"
            )
    return list(dict.fromkeys(found))


def _within(folder: Path, values: Mapping[str, Any]) -> list[tuple[Path, Path]]:
    output = values["output"].resolve()
    if output.is_relative_to(folder.resolve()):
        raise BadInput(
            f"{values['output']} lies in {folder}, and would be read the next time; give -o a "
            "folder outside of it"
        )
    some = [
        each
        for each in _entries(folder, values["recursive"])
        if each.suffix.lower() in files.BY_ENDING and not each.name.startswith(".")
    ]
    if not some:
        way = "" if values["recursive"] else "; --recursive looks into its folders too"
        raise BadInput(f"{folder} has no picture in a known format{way}")
    return [
        (each, each.parent.relative_to(folder))
        for each in some
        if each.is_file() or files.is_picture_folder(each)
    ]


def _entries(folder: Path, recursive: bool) -> Iterator[Path]:
    """What lies in a folder, and in its folders that are no pictures."""
    for each in sorted(folder.iterdir()):
        if recursive and _is_folder(each) and not each.is_symlink():
            yield from _entries(each, recursive)
        else:
            yield each


def _nothing(kind: type[Restoration], values: Mapping[str, Any]) -> str:
    """That no picture is named, where a single one is the last argument, a mask say."""
    for name, option in declared(kind).items():
        if option.kind is Path:
            return f"{values[name]} would be the {option.metavar}; name the IMAGE before it"
    return "there is no picture; name one, or several, or a folder"


def _is_folder(path: Path) -> bool:
    """Of pictures, and not one itself."""
    return path.is_dir() and not files.is_picture_folder(path)


def _is_pattern(path: Path) -> bool:
    return glob.has_magic(str(path)) and not path.exists()


def _listed(path: Path | None) -> list[Path]:
    """The names in a file, one a line, or from standard input."""
    if path is None:
        return []
    try:
        text = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"{path} cannot be read ({error.strerror}); give a file with one name a line"
        ) from None
    lines = [line.strip() for line in text.split(b"\n")]
    return [Path(os.fsdecode(line)) for line in lines if line]


def _of_shard(shard: tuple[int, int] | None) -> str:
    return f"-{shard[0]}-of-{shard[1]}" if shard else ""


def _check_summary(path: Path, values: Mapping[str, Any], items: Sequence[Item]) -> None:
    """Raise BadInput if something else than such a summary would be lost."""
    if path.exists() and path.is_file() and not values["overwrite"]:
        try:
            ours = "batch" in json.loads(path.read_bytes())
        except (OSError, ValueError, TypeError):
            ours = False
        if not ours:
            raise BadInput(f"{path} exists and is no record of a batch; give another --record")
    if path in {item.output for item in items}:
        raise BadInput(f"{path} would be written twice; give another --record")
