"""A picture from standard input, a result to standard output: `... | dip denoise - > x.png`."""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import files
from ..errors import BadInput
from ..tasks import Restoration
from . import restoring

PIPE = Path("-")


def used(values: Mapping[str, Any]) -> bool:
    """Whether the image comes, or the result goes, by a pipe."""
    return PIPE in (values["image"], values["output"])


def run(kind: type[Restoration], values: Mapping[str, Any]) -> int:
    """The command of one picture. A result to standard output has the format of the image, or PNG
    or TIFF where something would be lost by that.
    """
    with tempfile.TemporaryDirectory(prefix="dip-") as folder:
        source, output = values["image"], values["output"]
        if source == PIPE:
            source = Path(folder, "standard input")
            content = sys.stdin.buffer.read()
            if not content:
                raise BadInput("standard input is empty; pipe an image file into it")
            source.write_bytes(content)
        if output is not None and output != PIPE:
            return _run(kind, {**values, "image": source})
        if sys.stdout is None:
            raise BadInput("standard output is closed; name a file by -o")
        if sys.stdout.isatty():
            raise BadInput("the result would go to the terminal; name a file by -o, or use a pipe")
        if source.is_dir():
            raise BadInput(f"{source} is a folder, and so is its result; name it by -o")
        made = Path(folder, f"result{files.ending_for(source)}")
        code = _run(kind, {**values, "image": source, "output": made, "quiet": True})
        if made.exists():
            _pass_on(made)
        return code


def _run(kind: type[Restoration], values: Mapping[str, Any]) -> int:
    """Messages name what the person knows. Raises BadInput."""
    try:
        return restoring.run(kind, values)
    except BadInput as error:
        raise BadInput(str(error).replace(str(values["image"]), values["image"].name)) from None


def _pass_on(made: Path) -> None:
    """To standard output; if it cannot be written to, nothing is lost. Raises OSError."""
    try:
        sys.stdout.buffer.write(made.read_bytes())
        sys.stdout.buffer.flush()
    except OSError as error:
        with tempfile.NamedTemporaryFile(prefix="dip-", suffix=made.suffix, delete=False) as kept:
            kept.write(made.read_bytes())
        raise OSError(
            f"standard output cannot be written to: {error.strerror}; the result is {kept.name}"
        ) from None
