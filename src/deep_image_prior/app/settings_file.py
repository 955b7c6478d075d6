"""dip.toml: a person's own defaults of options, by command."""

import json
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from ..errors import BadInput, said
from ..functions import TASKS
from ..options import unknown
from .commands import check
from .say import say

NAME = "dip.toml"  # in the current folder
ALL = "all"  # the table of every command that takes what it says
# what one command is about: its pictures, where results go, what it may replace, what it says
STAY = {
    *("files_from", "recursive", "shard", "page", "reference"),
    *("layer", "layers", "label", "labels", "unit"),
    *("output", "folder", "record", "overwrite", "snapshots", "every", "checkpoint"),
    *("uncertainty", "quiet"),
}
# what may run the code of others: not by a file that came with a folder of pictures
TRUSTED = ("model", "scheduler")
RIVALS = {"jobs": "scheduler", "scheduler": "jobs"}  # one of them as a flag is in place of both

Options = Mapping[str, click.Option]  # by their names in the file


def options(command: click.Command) -> Options:
    """The options of a command that the file may give."""
    return {
        _key(each): each
        for each in command.params
        if isinstance(each, click.Option) and each.name not in STAY
    }


def _key(option: click.Option) -> str:
    """As on the command line: learning-rate."""
    return option.opts[-1].removeprefix("--")


def read(app: click.Group, path: Path, named: bool) -> dict[str, dict[str, Any]]:
    """The defaults in the file at `path`, by command and option, for click. named: whether the
    person named it. Raises BadInput that names the file, the table and the key.
    """
    known = {name: options(command) for name, command in app.commands.items()}
    known = {name: some for name, some in known.items() if some}
    defaults: dict[str, dict[str, Any]] = {name: {} for name in known}
    tables = _tables(path)
    for table in sorted(tables, key=lambda name: name != ALL):  # what is said of one holds
        values = tables[table]
        if not isinstance(values, Mapping):
            raise BadInput(f"{path}: {table} is in no table; write it below [{ALL}], or a command")
        if table not in (ALL, *known):
            raise BadInput(f"{path}: {unknown('table', table, (ALL, *known))}")
        takers = list(known) if table == ALL else [table]
        for key, value in values.items():
            try:
                having = _having(key, {name: known[name] for name in takers}, named)
                for name, given in _takers(having, value).items():
                    defaults[name][having[name].name or key] = given
            except BadInput as error:
                raise BadInput(f"{path}, [{table}]: {error}") from None
    return defaults


def _tables(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        reason = str(error.strerror)
    except (ValueError, RecursionError) as error:
        reason = said(error)
    raise BadInput(f"{path} cannot be read ({reason}); give a file of TOML in UTF-8")


def _having(key: str, takers: Mapping[str, Options], named: bool) -> dict[str, click.Option]:
    """The option of each command that has it."""
    having = {name: some[key] for name, some in takers.items() if key in some}
    if key.replace("-", "_") in STAY:
        raise BadInput(f"{key} is said on the command line alone; give --{key} there")
    if not having:
        raise BadInput(unknown("option", key, sorted(set().union(*takers.values()))))
    if key in TRUSTED and not named:
        raise BadInput(
            f"{key} may run code of others, so the file must be named; give dip --config {NAME}, "
            f"or --{key}"
        )
    return having


def _takers(having: Mapping[str, click.Option], value: Any) -> dict[str, Any]:
    """The value for click of each command that takes it. Raises BadInput if none does."""
    taken, errors = {}, []
    for name, option in having.items():
        try:
            taken[name] = _checked(name, option, value)
        except BadInput as error:
            errors.append(error)
    if not taken:
        raise errors[0]
    return taken


def _checked(name: str, option: click.Option, value: Any) -> Any:
    """`value` for click, as it would take it as a flag of the command."""
    key, several = _key(option), option.nargs > 1
    kinds, words = _kinds(option)
    given = value if several and isinstance(value, list) else [value]
    if several != isinstance(value, list) or any(type(each) not in kinds for each in given):
        words = f"a list of {option.nargs} numbers" if several else words
        raise BadInput(f"{key} is {_shown(value)}, but must be {words}")
    text = str(value) if isinstance(option.type, click.Choice) else value
    context = click.Context(click.Command(name))
    try:
        converted = option.process_value(context, text)
    except click.BadParameter as error:
        raise BadInput(f"{key}: {error.message}") from None
    if name in TASKS:
        check(TASKS[name], {option.name or key: converted})
    return text


def _kinds(option: click.Option) -> tuple[Collection[type], str]:
    """The types of TOML that its values may have, and what they are called."""
    if option.is_flag:
        return (bool,), "true or false"
    if isinstance(option.type, click.types.IntParamType):
        return (int,), "a whole number"
    if isinstance(option.type, click.types.FloatParamType):
        return (int, float), "a number"
    if isinstance(option.type, click.Choice):
        return (str, int), f"one of {', '.join(option.type.choices)}"
    return (str,), 'text, as in "this"'


def _shown(value: Any) -> str:
    """As in the file."""
    return json.dumps(value, default=str, ensure_ascii=False)


def applied(values: Mapping[str, Any], useless: Collection[str] = ()) -> dict[str, Any]:
    """The arguments of the command that runs, without those of the file that are `useless` to it;
    what the file gave is said.
    """
    context = click.get_current_context()
    given = {
        name for name in values if context.get_parameter_source(name) is ParameterSource.DEFAULT_MAP
    }
    flags = {name for name, value in values.items() if value is not None} - given
    left = given & {*useless, *(name for name, rival in RIVALS.items() if rival in flags)}
    used = [
        f"{_key(each)} = {_shown(context.lookup_default(each.name))}"
        for each in context.command.params
        if isinstance(each, click.Option) and each.name in given - left
    ]
    if used and not values.get("quiet"):
        say(f"note: from {context.obj}: {', '.join(used)}")
    return {**values, **dict.fromkeys(left)}
