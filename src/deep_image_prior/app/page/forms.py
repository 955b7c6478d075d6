"""The form of a task, and the arguments of its command that a filled form stands for."""

import math
from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from functools import cache
from pathlib import Path
from typing import Any

import click

from ...errors import BadInput
from ...files import BY_ENDING
from ...functions import TASKS
from ...options import Option, declared
from ...tasks import Restoration
from ..commands import WATCHING, check, default_of, parameters, restoring

FIRST = ("preset", "stop", "sigma")  # of the options that all tasks have
KINDS = {int: "whole", float: "number", bool: "yesno", str: "text", Path: "file"}
OURS = ("checkpoint",)  # the page gives them
PAGE = next(each for each in WATCHING if each.name == "page")

RESTORING: dict[str, type[Restoration]] = {
    name: kind for name, kind in TASKS.items() if issubclass(kind, Restoration)
}


def forms() -> list[dict[str, Any]]:
    """The tasks that the page offers, with their options."""
    return [
        {
            "name": kind.name,
            "summary": _plain(kind.summary),
            "options": [*_options(kind), _of_page()],
            "parts": list(kind.parts),
            "mixes": kind.enlargement is Restoration.enlargement,
        }
        for kind in RESTORING.values()
    ]


def _plain(summary: str) -> str:
    """With words for the names of arguments."""
    words = {"IMAGE": "the picture", "MASK": "a mask", "the photo FLASH": "a photo with flash"}
    for name, word in words.items():
        summary = summary.replace(name, word)
    return summary


def _options(kind: type[Restoration]) -> list[dict[str, Any]]:
    own = kind.own()
    offered = parameters_of(kind)
    each = {field.name: field for field in fields(kind) if field.name in offered}
    ordered = sorted(each, key=lambda name: (name not in own, name not in FIRST))
    return [_option(kind, each[name], offered[name], own) for name in ordered]


def _option(
    kind: type[Restoration], each: Field[Any], parameter: click.Parameter, own: list[str]
) -> dict[str, Any]:
    option: Option = each.metadata["option"]
    choices = list(parameter.type.choices) if isinstance(parameter.type, click.Choice) else []
    plain = KINDS[str if each.name == "memory" else option.kind or str]
    return {
        "name": each.name,
        "label": each.name.replace("_", " ").capitalize(),
        "help": option.command_help or option.help,
        "kind": "choice" if choices else "text-or-file" if option.file else plain,
        "choices": choices,
        **{name: _limit(getattr(option, name)) for name in ("least", "above", "most", "below")},
        "default": default_of(kind, each),
        "required": parameter.required,
        "group": "own" if each.name in own else "how" if each.name in FIRST else "more",
        "metavar": option.metavar or "",
    }


def _of_page() -> dict[str, Any]:
    return {
        "name": PAGE.name,
        "label": "Page",
        "help": "Only this page of a stack, counted from 1.",
        "kind": "whole",
        "choices": [],
        **{"least": 1, "above": None, "most": None, "below": None},
        "default": "all",
        "required": False,
        "group": "how",
        "metavar": "",
    }


def _limit(value: float) -> float | None:
    """JSON has no infinity, and nobody needs to be told of 2^60."""
    return value if math.isfinite(value) and abs(value) < 2**53 else None


@cache
def parameters_of(kind: type[Restoration]) -> Mapping[str, click.Parameter]:
    """The options of its command that the page offers, by name."""
    every = {each.name: each for each in (*parameters(kind), PAGE) if each.name not in OURS}
    return {name: each for name, each in every.items() if name}


def command_of(name: str, run: Callable[..., int]) -> click.Command:
    """The command of the task called `name`; run: as in `restoring`. Raises BadInput."""
    if name not in RESTORING:
        raise BadInput(f"there is no task {name!r}; choose one of {', '.join(RESTORING)}")
    return restoring(RESTORING[name], run)


def arguments(
    task: str, image: Path, options: Mapping[str, Any], path_of: Callable[[str], Path | None]
) -> list[str]:
    """Of the command, for the picture at `image`; path_of: of a file of the page by its id, or
    None. Raises BadInput if the command would refuse them.
    """

    def run(kind: type[Restoration], values: Mapping[str, Any]) -> int:
        check(kind, values)
        return 0

    command = command_of(task, run)
    kind = RESTORING[task]
    offered, told = parameters_of(kind), declared(kind)
    flags, places = [], {}
    for name, value in options.items():
        if name not in offered:
            raise BadInput(f"{task} has no option {name!r}")
        if not str(value).isprintable():
            raise BadInput(f"{name} is {value!r}, which is no text")
        parameter, option = offered[name], told.get(name)
        path = path_of(value) if isinstance(value, str) else None
        if isinstance(parameter, click.Argument):
            if path is None:
                raise BadInput(f"{name} is a file that is not here; choose it again")
            places[name] = str(path)
        elif option and option.kind is bool:
            if not isinstance(value, bool):
                raise BadInput(f"{name} is {value!r}, but must be true or false")
            flags += (parameter.opts if value else parameter.secondary_opts)[:1]
        else:
            if option and option.file and path is None and _is_path(str(value)):
                raise BadInput(f"{name} is a file of this machine; open it on the page instead")
            flags.append(
                f"{parameter.opts[-1]}={path if path and option and option.file else value}"
            )
    missing = [name for name in offered if _is_missing(offered[name], places)]
    if missing:
        raise BadInput(f"{task} needs a {missing[0]}; choose a file, or paint one")
    made = [*flags, "--", str(image), *(places[name] for name in offered if name in places)]
    try:
        command.main(made, prog_name=task, standalone_mode=False)
    except click.MissingParameter as error:
        raise BadInput(f"{task} needs {error.param.name if error.param else 'more'}") from None
    except click.BadParameter as error:
        name = error.param.name if error.param else "a value"
        raise BadInput(f"{name}: {' '.join(error.message.split())}") from None
    return made


def _is_path(text: str) -> bool:
    return "/" in text or "\\" in text or Path(text).suffix.lower() in BY_ENDING


def _is_missing(parameter: click.Parameter, places: Mapping[str, str]) -> bool:
    return isinstance(parameter, click.Argument) and parameter.name not in places
