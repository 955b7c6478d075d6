"""A short text for a value, to know it again in another process."""

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

import numpy as np
from torch import Tensor, nn


def digest(value: Any) -> str:
    """The same text for the same value, and another for every other one.

    A path is the content of its file; an object the values it has; a function that no module names
    its code, and the values that it sees.
    """
    match value:
        case Tensor():
            return digest(value.detach().cpu().numpy())
        case np.ndarray():
            return f"{value.dtype} {value.shape} {_sha256(np.ascontiguousarray(value).data)}"
        case Path() if value.is_file():
            return _sha256(value.read_bytes())
        case str():
            return repr(value)
        case Mapping():
            return f"{{{digest(list(value.items()))}}}"
        case list() | tuple():
            return f"[{', '.join(map(digest, value))}]"
        case partial():
            return digest([value.func, value.args, value.keywords])
        case MethodType():
            return digest([value.__func__, value.__self__])
        case FunctionType():
            return f"{value.__module__}.{value.__qualname__}{_of_local(value)}"
        case nn.Module():
            return f"{value}{digest(value.state_dict())}"
    if is_dataclass(value) and not isinstance(value, type):
        return _of_object(value, {each.name: getattr(value, each.name) for each in fields(value)})
    if repr(value) == object.__repr__(value) and hasattr(value, "__dict__"):
        return _of_object(value, vars(value))
    return str(value)


def _of_local(function: FunctionType) -> str:
    """What tells a function that no module names from others; nothing for one that has a name."""
    if function.__qualname__.isidentifier():
        return ""
    code, seen = function.__code__, [cell.cell_contents for cell in function.__closure__ or ()]
    return digest([code.co_code.hex(), code.co_names, code.co_consts, function.__defaults__, seen])


def _of_object(value: Any, values: Mapping[str, Any]) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}{digest(values)}"


def _sha256(content: Any) -> str:
    return hashlib.sha256(content).hexdigest()
