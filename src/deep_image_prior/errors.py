"""The exceptions, their message one line that names the thing and the way out; and others'
errors.
"""

import re


class BadInput(ValueError):
    """Something given from outside cannot be used."""


class Destabilised(ArithmeticError):
    """The energy jumped or turned non-finite more often than `Settings.max_rollbacks` allows."""


def said(error: BaseException) -> str:
    """What the error of other people's code says, in one line of at most 160 letters, its kind
    first.
    """
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:160].removesuffix(": ")


def exhausted(error: BaseException) -> bool:
    """Whether `error` says that there was not enough memory, of any device."""
    return isinstance(error, MemoryError) or bool(
        re.search("out of memory|DefaultCPUAllocator", str(error))
    )
