"""One picture of many: what it depends on, how it is made, and what is written of it."""

import json
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import files
from ...errors import BadInput, Destabilised, exhausted, said
from ...tasks import Restoration
from .. import restoring, session
from ..commands import taken
from ..record import Fingerprint, fingerprint, fingerprint_of, package, record, surroundings
from ..restoring import Host
from ..signals import undisturbed
from .items import Item

FAILURES = (BadInput, OSError, Destabilised, MemoryError, RuntimeError)

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


def written(item: Item, outcome: Made | str | BaseException) -> tuple[Row, Sequence[str]]:
    """The record comes first: where there is a picture there is a record of it."""
    if isinstance(outcome, BrokenProcessPool):
        outcome = "the process that worked on it was killed; there may be too little memory for it"
    if isinstance(outcome, BaseException):
        outcome = str(outcome) if isinstance(outcome, FAILURES) else said(outcome)
    if isinstance(outcome, str):
        return row_of(item, "failed", outcome), ()
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
        return row_of(item, "failed", str(error)), outcome.notes
    content = outcome.facts["content"]
    row = row_of(item, "made", "", content["seconds"], content["confidence"])
    return row, outcome.notes


def row_of(item: Item, state: str, reason: str = "", *more: Any) -> Row:
    return Row(str(item.source), str(item.output), state, reason, *more)


def state_of(kind: type[Restoration], item: Item) -> tuple[str, str]:
    """Whether an item is missing, kept, in part there, or failed, and why it failed."""
    if item.fault:
        return "failed", item.fault
    exists = item.output.exists()
    paths = session.paths_of(item.output, restoring.outputs(kind)).values()
    there = {path.name: path for path in paths if path.exists()}
    if not there and not item.record.exists():
        return "missing", ""
    try:
        found = json.loads(item.record.read_bytes())
        ours = (found["task"], found["package"]) == (kind.name, package())
        same = ours and found["choices"] == _plain(_choices(kind, item))
        same = same and found["inputs"] == _fingerprints(files_of((kind, item)))
        # else the record was written before its pictures, and they were not
        same = same and _fingerprints(there).items() <= found["outputs"].items()
        if same and len(there) < len(paths):
            return "in part", ""
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


def files_of(job: Job) -> dict[str, Path]:
    """The files that the result depends on."""
    kind, item = job
    return restoring.inputs(kind, item.values)


def _fingerprints(paths: Mapping[str, Path]) -> dict[str, Fingerprint]:
    return {name: fingerprint(path) for name, path in paths.items()}


def check_places(kind: type[Restoration], item: Item) -> None:
    """Where the results will lie is seen from here, whoever makes them. Raises BadInput."""
    item.output.parent.mkdir(parents=True, exist_ok=True)
    output = session.Output(item.output, None, item.values["overwrite"], True)
    session.check_places(output, restoring.outputs(kind), files_of((kind, item)), in_place=True)
