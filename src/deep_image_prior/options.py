"""Options: the fields of dataclasses, each declared once with its default, kind, range and help."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import Any

from .errors import BadInput

HUGE = 2**60  # nobody needs to be told such a limit


@dataclass(frozen=True, kw_only=True)
class Option:
    """What is said of an option beside its name and default.

    help: what it means, with its unit; command_help: on the command line, if it is another there.
    kind: of its values, Path for an image, or None if it has no place on the command line. choices:
    its values, if they are few; names: those that are text, where others are objects. least, above,
    most, below: its range. file: whether it may name one. flags: on the command line, where they
    are not --name. metavar: what stands for the value in the help.
    """

    help: str
    command_help: str = ""
    kind: type | None = None
    choices: Sequence[Any] = ()
    names: Sequence[str] = ()
    least: float = -math.inf
    above: float = -math.inf
    most: float = math.inf
    below: float = math.inf
    file: bool = False
    flags: str = ""
    metavar: str | None = None

    def check(self, name: str, value: Any) -> None:
        """Raises BadInput if `value` is none for the option called `name`."""
        if self.choices and not (isinstance(value, str | Integral) and value in self.choices):
            raise BadInput(unknown(name, value, self.choices))
        if self.names and isinstance(value, str) and value not in self.names:
            raise BadInput(unknown(name, value, self.names))
        if self.choices or self.names:
            return
        if self.kind in (int, float) and not self._is_number(value):
            raise BadInput(f"{name} is {value!r}, but must be a {self.numbers}")
        if self.kind is bool and not isinstance(value, bool):
            raise BadInput(f"{name} is {value!r}, but must be True or False")

    def _is_number(self, value: Any) -> bool:
        right = isinstance(value, Integral if self.kind is int else Real)
        if not right or isinstance(value, bool):
            return False
        inside = self.least <= value <= self.most and self.above < value < self.below
        return inside and -math.inf < value < math.inf

    @property
    def numbers(self) -> str:
        """The kind and range of its values, in words."""
        kind = "whole number" if self.kind is int else "number"
        if math.isfinite(self.least) and math.isfinite(self.most):
            return f"{kind} from {self.least:g} to {self.most:g}"
        bounds = {
            "at least": self.least,
            "above": self.above,
            "at most": self.most,
            "below": self.below,
        }
        limits = [f"{words} {at:g}" for words, at in bounds.items() if abs(at) < HUGE]
        return " ".join([kind, " and ".join(limits)]).strip()


def unknown(name: str, value: Any, choices: Sequence[Any]) -> str:
    """What to say of a `value` that is none of the `choices`."""
    return f"unknown {name} {value!r}; choose one of {', '.join(map(str, choices))}"


def option(*, default: Any, kw_only: bool = True, help: str, **how: Any) -> Any:
    """A field that may be left out; how: the fields of `Option`."""
    return field(default=default, kw_only=kw_only, metadata={"option": Option(help=help, **how)})


def given(*, kw_only: bool = False, help: str, **how: Any) -> Any:
    """A field that has no default."""
    return field(kw_only=kw_only, metadata={"option": Option(help=help, **how)})


def declared(kind: Any) -> Mapping[str, Option]:
    """The options of a class or a value by name, those that must be given first."""
    return {each.name: each.metadata["option"] for each in fields(kind)}


def check(value: Any) -> None:
    """Raises BadInput if a field of `value` is out of its range; None is in it where it is the
    default.
    """
    for each in fields(value):
        given = getattr(value, each.name)
        if given is not None or each.default is not None:
            each.metadata["option"].check(each.name, given)
