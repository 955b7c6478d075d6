"""The command: what is missing is made by one process, several, or a cluster."""

import json
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from functools import partial
from os.path import realpath
from pathlib import Path
from typing import Any

from rich.table import Table

from ... import files
from ...available import available
from ...errors import BadInput
from ...tasks import Restoration
from .. import restoring, session, workers
from ..progress import Files, terminal
from ..record import package
from ..restoring import Host
from ..say import answer, say
from ..signals import interruptible, undisturbed
from .items import Item, items_of, nothing_named
from .picture import Job, Made, Row, check_places, files_of, restored, row_of, state_of, written

TOGETHER = ("names", "jobs", "scheduler", "recursive")  # options that are of several
ALONE = ("snapshots", "every", "checkpoint", "uncertainty")  # options that are of one picture

Hands = Callable[[Callable[[Host, Job], Made | str], Iterator[Job]], workers.Done[Job, Made | str]]


def run(kind: type[Restoration], values: Mapping[str, Any]) -> int:
    """The command for many pictures. Returns the exit code; raises BadInput if none can be made."""
    folder, quiet = values["output"], values["quiet"]
    if not values["images"] and values["files_from"] is None:
        raise BadInput(nothing_named(kind, values))
    if folder is None:
        raise BadInput("several pictures need a folder to go to; give it by -o")
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is a file; several pictures need a folder to go to (-o)")
    for name in ALONE:
        if values[name] is not None:
            raise BadInput(f"--{name} is of one picture; leave it out, or give one picture")
    if values["scheduler"] is not None and values["jobs"]:
        raise BadInput("--jobs is of this machine and --scheduler of others; leave one of them out")
    items = items_of(kind, values)
    summary = values["record"] or folder / f"dip-{kind.name}{_of_shard(values['shard'])}.json"
    _check_summary(summary, kind, values, items)
    begun, rows, ended, code = time.monotonic(), [], "", 0
    try:
        with _hands(values) as hands:
            _make(folder)
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
        from .. import cluster

        with cluster.connected(values["scheduler"]) as crew:
            yield partial(cluster.by_crew, crew, files=files_of)
    elif (jobs := values["jobs"] or 1) > 1:
        host = Host(memory=available() // jobs)
        yield lambda work, todo: workers.side_by_side(partial(work, host), todo, jobs)
    else:
        yield lambda work, todo: workers.in_turn(partial(work, Host()), todo)


def _made(
    kind: type[Restoration], items: Sequence[Item], hands: Hands
) -> Generator[tuple[Row, Sequence[str]], None, None]:
    """The items as they are done and written, with notes for the person."""
    rows: list[Row] = []

    def missing() -> Iterator[Job]:
        for item in items:
            try:
                state, reason = state_of(kind, item)
                if state == "in part":  # what there is of it is made again, the same
                    item = replace(item, values={**item.values, "overwrite": True})
                    state = "missing"
                if state == "missing":
                    check_places(kind, item)
            except (BadInput, OSError) as error:
                state, reason = "failed", str(error)
            if state == "missing":
                yield kind, item
            else:
                rows.append(row_of(item, state, reason))

    with closing(hands(restored, missing())) as done:
        for (_, item), outcome in done:
            while rows:
                yield rows.pop(0), ()
            yield written(item, outcome)
    while rows:
        yield rows.pop(0), ()


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


def _of_shard(shard: tuple[int, int] | None) -> str:
    return f"-{shard[0]}-of-{shard[1]}" if shard else ""


def _check_summary(
    path: Path, kind: type[Restoration], values: Mapping[str, Any], items: Sequence[Item]
) -> None:
    """Raise BadInput if it cannot be written, or something else than such a summary would be
    lost.
    """
    if values["record"]:
        files.check_free(path, overwrite=True)
    here = realpath(path)  # where a link leads that leads to itself, too
    for item in items:
        if here in map(realpath, (item.source, *files_of((kind, item)).values())):
            raise BadInput(f"{path} is an input; give another --record")
        made = session.paths_of(item.output, restoring.outputs(kind)).values()
        if here in map(realpath, (item.record, *made)):
            raise BadInput(f"{path} would be written twice; give another --record")
    if path.exists() and path.is_file() and not values["overwrite"]:
        try:
            ours = "batch" in json.loads(path.read_bytes())
        except (OSError, ValueError, TypeError):
            ours = False
        if not ours:
            raise BadInput(f"{path} exists and is no record of a batch; give another --record")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder} cannot be made ({error.strerror}); write elsewhere") from None
