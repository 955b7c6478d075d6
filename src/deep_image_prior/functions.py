"""The table of tasks, each as a function on arrays, with the options of the task as its own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from .options import Option
from .settings import SETTINGS
from .tasks import (
    Deblur,
    Dejpeg,
    Denoise,
    Enhance,
    Flash,
    Inpaint,
    Invert,
    Maximise,
    Restoration,
    Solve,
    Task,
    Upscale,
)

if TYPE_CHECKING:
    from torch import Tensor

    from .images import Pixels
    from .restoration import Result

P = ParamSpec("P")
Function = TypeVar("Function", bound=Callable[..., Any])

TASKS: dict[str, type[Task]] = {}  # by name, in the order of the lines below

IMAGE = (
    "image : array (H, W), or with channels along `channel_axis`\n"
    "    Of any real dtype. NaN is missing, and stays so unless it is drawn."
)
MEASURED = "x0 : array or tensor\n    The measurements, real or complex, of any shape."
ENDING = """
Returns
-------
Result
    The image, in the dtype of the one given if there is one, and how it came about.

Raises
------
BadInput
    If something given cannot be used; its message says what, and the way out.
"""


def restoring(kind: Callable[P, Restoration]) -> Callable[Concatenate[Pixels, P], Result]:
    """The function of a task that restores an image."""

    def function(image: Pixels, *values: P.args, **options: P.kwargs) -> Result:
        from .restoration import restore

        return restore(kind(*values, **options), image)

    return _documented(function, kind)  # type: ignore[return-value]  # image by name, too


def _documented(function: Function, kind: Any, first: str = IMAGE) -> Function:
    """`function` with the name, the signature and the documentation of the task `kind`, which goes
    into the table. first: what is said of its first argument, if it has one beside the options.

    Called with other arguments it raises TypeError, which names it and not the class of the task.
    """
    TASKS[kind.name] = kind
    own: list[Field[Any]] = sorted(fields(kind), key=lambda each: each.name not in kind.own())
    parameters = [_parameter(each) for each in own]
    names = [first.partition(" :")[0]] if first else []
    given = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    parameters.sort(key=lambda each: each.kind)
    signature = inspect.Signature([*given, *parameters], return_annotation="Result")

    def checked(*values: Any, **options: Any) -> Any:
        try:
            signature.bind(*values, **options)
        except TypeError as error:
            raise TypeError(f"{kind.name}() {error}") from None
        return function(*values, **options)

    described = [*([first] if first else []), *map(_described, own)]
    text = inspect.cleandoc(kind.__doc__ or "")
    listed = "\n".join(["Parameters", "----------", *described])
    checked.__doc__ = f"{text}\n\n{listed}\n{ENDING}"
    checked.__name__ = checked.__qualname__ = kind.name
    checked.__module__ = function.__module__
    checked.__signature__ = signature  # type: ignore[attr-defined]
    return checked  # type: ignore[return-value]


def _parameter(each: Field[Any]) -> inspect.Parameter:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    default = inspect.Parameter.empty if each.default is MISSING else each.default
    return inspect.Parameter(
        each.name, kinds[bool(each.kw_only)], default=default, annotation=each.type
    )


def _described(each: Field[Any]) -> str:
    """Type, range, default and meaning, as NumPy's documents have them."""
    option: Option = each.metadata["option"]
    default = "" if each.default is MISSING else f", default {_shown(each.default)}"
    preset = " None: the preset's." if each.name in SETTINGS else ""
    return f"{each.name} : {each.type}{default}\n    {option.help}{_allowed(option)}{preset}"


def _shown(default: Any) -> str:
    return default.__name__ if callable(default) else repr(default)


def _allowed(option: Option) -> str:
    """The values there are, as a sentence."""
    if names := option.choices or option.names:
        return f" One of {', '.join(map(repr, names))}."
    return f" A {option.numbers}." if option.kind in (int, float) else ""


denoise = restoring(Denoise)
dejpeg = restoring(Dejpeg)
deblur = restoring(Deblur)
upscale = restoring(Upscale)
inpaint = restoring(Inpaint)
enhance = restoring(Enhance)
flash = restoring(Flash)


def _invert(kind: Callable[P, Invert]) -> Callable[Concatenate[Pixels, P], Result]:
    def function(image: Pixels, *values: P.args, **options: P.kwargs) -> Result:
        from .visualisation import invert

        return invert(kind(*values, **options), image)

    return _documented(function, kind)  # type: ignore[return-value]  # image by name, too


def _maximise(kind: Callable[P, Maximise]) -> Callable[P, Result]:
    def function(*values: P.args, **options: P.kwargs) -> Result:
        from .visualisation import maximise

        return maximise(kind(*values, **options))

    return _documented(function, kind, first="")


def _solve(kind: Callable[P, Solve]) -> Callable[Concatenate[Pixels | Tensor, P], Result]:
    def function(x0: Pixels | Tensor, *values: P.args, **options: P.kwargs) -> Result:
        from .solving import solve

        return solve(kind(*values, **options), x0)

    return _documented(function, kind, MEASURED)  # type: ignore[return-value]  # x0 by name, too


invert, maximise = _invert(Invert), _maximise(Maximise)
solve = _solve(Solve)
