"""The command of a task, with its options as flags."""

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import click

from ..errors import BadInput
from ..options import Option, declared
from ..settings import SETTINGS, Settings
from ..tasks import Restoration, Task

FILE = click.Path(path_type=Path)
SNAPSHOT_EVERY = 100  # steps


def size(context: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
    """4GiB, 500MB, 2G as a number of bytes."""
    if text is None:
        return None
    parts = re.fullmatch(r"(\d+\.?\d*) *([kmgt]?)(i?)b?", text.strip().lower())
    if not parts:
        raise BadInput(f"{parameter.opts[0]} {text} is no size; give one as in 4GiB or 500MB")
    number, prefix, binary = parts.groups()
    return int(float(number) * (1024 if binary else 1000) ** " kmgt".index(prefix or " "))


def _shard(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> tuple[int, int] | None:
    """3/10 as (3, 10)."""
    if text is None:
        return None
    parts = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", text.strip())
    if not parts or int(parts[1]) > int(parts[2]):
        raise BadInput(f"--shard {text} is none; give one as in 3/10, the third of ten")
    return int(parts[1]), int(parts[2])


WRITING = (
    click.Option(["-o", "--output"], type=FILE, help="File to write; its ending names the format."),
    click.Option(
        ["--record"],
        type=FILE,
        help="JSON file to write: settings, files, times, energies, scores.",
    ),
    click.Option(["--overwrite"], is_flag=True, help="Allow the files written to replace others."),
    click.Option(["-q", "--quiet"], is_flag=True, help="No progress and no summary."),
)
WATCHING = (
    click.Option(
        ["--page"],
        type=click.IntRange(min=1),
        help="Only this page of a stack, counted from 1.  [default: all]",
    ),
    click.Option(["--reference"], type=FILE, help="Clean image: report PSNR and SSIM against it."),
    click.Option(
        ["--uncertainty"],
        type=FILE,
        help="File for the standard deviation of the result, pixel by pixel: its numbers as .tif "
        "or .npy, a picture of them as .png.",
    ),
    click.Option(
        ["--snapshots"],
        type=FILE,
        help="Folder for what would be restored if every K-th step were the last.",
    ),
    click.Option(
        ["--every"],
        type=click.IntRange(min=1),
        help=f"K, the steps between snapshots.  [default: {SNAPSHOT_EVERY}]",
    ),
)


MANY = (
    click.Option(
        ["--files-from"],
        type=FILE,
        metavar="FILE",
        help="Names of more pictures, one a line; - for standard input.",
    ),
    click.Option(["--recursive"], is_flag=True, help="Look into the folders of folders, too."),
    click.Option(
        ["--names"],
        metavar="PATTERN",
        help="Names of the results of several pictures, of {stem}, {name}, {ending}, {suffix} and "
        "{number}.  [default: {stem}-{ending}{suffix}]",
    ),
    click.Option(
        ["--jobs"],
        type=click.IntRange(min=1),
        help="Pictures at a time, each in a process with its share of the cores.  [default: 1]",
    ),
    click.Option(
        ["--scheduler"],
        metavar="ADDRESS",
        help="Dask scheduler, as in tcp://10.0.0.1:8786, whose workers make the pictures.",
    ),
    click.Option(
        ["--shard"],
        metavar="I/N",
        callback=_shard,
        help="Only every N-th of several pictures, from the I-th on: a part of the work for each "
        "of N machines.",
    ),
)


def restoring(kind: type[Restoration], run: Callable[..., int]) -> click.Command:
    """The command of a task: run(kind, its arguments) is what it does."""
    images = click.Argument(["images"], type=FILE, nargs=-1, metavar="IMAGE...")
    return click.Command(
        kind.name,
        params=[images, *parameters(kind), *WATCHING, *WRITING, *MANY],
        callback=lambda **values: run(kind, values),
        help=kind.summary,
        short_help=kind.summary,
    )


def parameters(kind: type[Task]) -> list[click.Parameter]:
    """The options of a task: its own, then those of all."""
    own = kind.own()
    ordered = sorted(fields(kind), key=lambda each: (each.name not in own, each.name in SETTINGS))
    made = [_parameter(kind, each) for each in ordered]
    return [each for each in made if each]


def _parameter(kind: type[Task], each: Field[Any]) -> click.Parameter | None:
    option: Option = each.metadata["option"]
    if option.kind is None:
        return None
    if option.kind is Path and each.default is MISSING:
        return click.Argument([each.name], type=FILE, metavar=option.metavar)
    names = [option.flags or f"--{each.name.replace('_', '-')}"]
    # a flag that is not given would be False
    unset: dict[str, Any] = {"default": None} if option.kind is bool else {}
    return click.Option(
        [*names, each.name],
        type=_type(kind, each.name, option),
        required=each.default is MISSING,
        **unset,
        metavar=option.metavar,
        callback=size if each.name == "memory" else None,
        help=f"{option.command_help or option.help}{_bracketed(default_of(kind, each))}",
    )


def _type(kind: type[Task], name: str, option: Option) -> Any:
    if name == "preset":
        return click.Choice(list(kind.steps_of))
    if name == "memory":
        return str
    if option.choices or option.names:
        return click.Choice([str(each) for each in option.choices or option.names])
    return option.kind


def _bracketed(default: str) -> str:
    return f"  [default: {default}]" if default else ""


def default_of(kind: type[Task], each: Field[Any]) -> str:
    """The default of an option in words, or nothing."""
    if each.name == "steps":
        steps = ", ".join(f"{name} {count}" for name, count in kind.steps_of.items())
        return f"as a rule {steps}"
    if each.name in SETTINGS:
        return "the preset's"
    if each.default is MISSING or each.default is None:
        return ""
    if each.default is True:
        return str(each.metadata["option"].flags.split("/")[0].removeprefix("--"))
    return str(each.default)


def check(kind: type[Task], values: Mapping[str, Any]) -> None:
    """Raises BadInput for a value out of its range, before anything is loaded."""
    given, options = taken(values, kind), declared(kind)
    for name, value in given.items():
        options[name].check(name, value)
    Settings(**{name: value for name, value in given.items() if name in SETTINGS})


def taken(values: Mapping[str, Any], kind: type[Task]) -> dict[str, Any]:
    """Those of the values that are options of the task and were given: presets hold for others."""
    given = {name: value for name, value in values.items() if value is not None}
    options = {name: each for name, each in declared(kind).items() if name in given}
    return {
        name: int(given[name]) if each.choices and each.kind is int else given[name]
        for name, each in options.items()
    }
