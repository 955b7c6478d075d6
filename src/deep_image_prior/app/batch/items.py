"""The pictures that a command names, and where each of them goes."""

import glob
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import files
from ...errors import BadInput, said
from ...options import declared
from ...tasks import Restoration
from .. import restoring
from ..commands import taken


@dataclass(frozen=True)
class Item:
    """A picture of the batch: the file of it, where it goes and its record, the arguments that its
    command would have, and why it cannot be made, if that is known.
    """

    source: Path
    output: Path
    values: Mapping[str, Any]
    fault: str = ""

    @property
    def record(self) -> Path:
        return self.output.with_name(f"{self.output.name}.json")


def many(values: Mapping[str, Any]) -> bool:
    """Whether the arguments of a command name more than one picture, or a folder for it."""
    images, output = values["images"], values["output"]
    return (
        len(images) != 1
        or values["files_from"] is not None
        or values["shard"] is not None
        or _is_folder(images[0])
        or _is_pattern(images[0])
        or (output is not None and _is_folder(output))
    )


def items_of(kind: type[Restoration], values: Mapping[str, Any]) -> list[Item]:
    """The pictures of this shard, each with a name of its own. Raises BadInput."""
    found = _sources(values)
    if not found:
        raise BadInput("there is no picture among what is named, folders are left out")
    folder = values["output"]
    made: dict[Path, Path] = {}
    items = []
    for number, (source, place) in enumerate(found, 1):
        output = folder / place / _name(kind, values, source, number)
        if output in made:
            apart = "{number}-" if made[output].name == source.name else ""
            raise BadInput(
                f"{made[output]} and {source} would both become {output}; give names that differ, "
                f"as in --names '{apart}{{name}}-{{ending}}.png'"
            )
        made[output] = source
        own = {**values, "image": source, "output": output, "record": None, "quiet": True}
        try:
            partners = {
                name: _partner(values[name], source, place)
                for name in (*_pictures(kind), "reference")
                if values.get(name) is not None
            }
            items.append(Item(source, output, {**own, **partners}))
        except BadInput as error:  # the others go on
            items.append(Item(source, output, own, fault=str(error)))
    if all(each.fault for each in items):  # there may be a mistake in the command
        raise BadInput(items[0].fault)
    if values["shard"]:
        first, of = values["shard"]
        items = items[first - 1 :: of]
        if not items:
            raise BadInput(f"the shard {first}/{of} of {len(made)} pictures is empty; leave it out")
    return items


def _pictures(kind: type[Restoration]) -> list[str]:
    """The options that are pictures beside the image."""
    return [name for name, each in declared(kind).items() if each.kind is Path]


def _name(kind: type[Restoration], values: Mapping[str, Any], source: Path, number: int) -> Path:
    pattern = values["names"] or restoring.NAMES
    known = {**restoring.fields_of_name(kind, taken(values, kind), source), "number": number}
    try:
        name = pattern.format(**known)
    except (LookupError, ValueError, AttributeError, TypeError, MemoryError) as error:
        raise BadInput(
            f"--names {pattern!r} cannot be used ({said(error)}); the fields are "
            f"{', '.join(f'{{{each}}}' for each in known)}"
        ) from None
    if Path(name).name != name:
        raise BadInput(f"--names {pattern!r} makes {name!r}, which is no name of a file")
    files.check_ending(Path(name))
    return Path(name)


def _partner(path: Path, source: Path, place: Path) -> Path:
    """The file of the same stem in a folder, and in the same folder of it if there is such a one;
    or the one file for all. Raises BadInput.
    """
    if not _is_folder(path):
        return path
    path = path / place if _is_folder(path / place) else path
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
        if each.is_file() or files.is_picture_folder(each) or _leads_nowhere(each)
    ]


def _entries(folder: Path, recursive: bool) -> Iterator[Path]:
    """What lies in a folder, and in its folders that are no pictures."""
    for each in sorted(folder.iterdir()):
        if recursive and _is_folder(each) and not each.is_symlink():
            yield from _entries(each, recursive)
        else:
            yield each


def nothing_named(kind: type[Restoration], values: Mapping[str, Any]) -> str:
    """That no picture is named, where a single one is the last argument, a mask say."""
    for name, option in declared(kind).items():
        if option.kind is Path:
            return f"{values[name]} would be the {option.metavar}; name the IMAGE before it"
    return "there is no picture; name one, or several, or a folder"


def _is_folder(path: Path) -> bool:
    """Of pictures, and not one itself."""
    return path.is_dir() and not files.is_picture_folder(path)


def _leads_nowhere(path: Path) -> bool:
    return path.is_symlink() and not path.exists()


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
