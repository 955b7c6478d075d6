"""Where files go: nothing is lost, and nothing is there by half."""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from ..errors import BadInput

NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)  # the answers of file systems without them
LONGEST = 230  # bytes of a name, that of a file in the making has some more


def check_free(path: Path, overwrite: bool) -> None:
    """Raise BadInput unless a file can be written at `path` now."""
    if not path.parent.is_dir():
        raise BadInput(f"{path.parent} is not a folder; make it first, or write elsewhere")
    if path.is_dir():
        raise BadInput(f"{path} is a folder; give the name of a file")
    if path.exists() and not path.is_file():
        raise BadInput(f"{path} is no plain file; give the name of one")
    if (path.exists() or path.is_symlink()) and not overwrite:
        raise BadInput(f"{path} exists; choose another name, or allow --overwrite")
    if len(os.fsencode(path.name)) > LONGEST:
        raise BadInput(f"{path.name} is longer than {LONGEST} bytes; give a shorter name")
    try:
        with tempfile.TemporaryFile(dir=path.parent):  # without a name, if it can be
            pass
    except OSError as error:
        raise BadInput(
            f"{path.parent} cannot be written to ({error.strerror}); write elsewhere"
        ) from None


def write_atomically(
    path: Path, content: bytes | Callable[[BinaryIO], None], overwrite: bool
) -> None:
    """Write all of `content` to `path`, or what it writes to a file, or nothing. Raises BadInput if
    it exists and may not be overwritten, OSError that names it if it cannot be written.

    A link that is overwritten stays one, and a file keeps its permissions. Where the system has
    files without a name, not even a killed process leaves a part.
    """
    path = path.resolve() if overwrite and path.is_symlink() else path
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        nameless = _nameless(path)
        with nameless or part.open("w+b") as file:
            if callable(content):
                content(file)
            else:
                file.write(content)
            file.flush()
            os.fsync(file.fileno())
            if nameless:
                _name(nameless, part if overwrite else path)
        if part.exists():
            _put(part, path, overwrite)
    except FileExistsError:
        raise BadInput(f"{path} exists; choose another name, or allow --overwrite") from None
    except OSError as error:  # a full disk does not name the file
        raise OSError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def _nameless(path: Path) -> BinaryIO | None:
    """A new file in the folder of `path` that is gone with this process unless it is named; None
    where there are no such files.
    """

    def opened(name: str, flags: int) -> int:
        return os.open(path.parent, os.O_RDWR | os.O_TMPFILE, 0o666)

    try:
        return open(path, "w+b", opener=opened)  # Path.open has no opener
    except (AttributeError, OSError):
        return None


def _name(file: BinaryIO, path: Path) -> None:
    """Raises FileExistsError if there is a file of that name."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.link(
            f"/proc/self/fd/{file.fileno()}", path.name, dst_dir_fd=folder, follow_symlinks=True
        )
    finally:
        os.close(folder)


def _put(part: Path, path: Path, overwrite: bool) -> None:
    """Call it `path`. Raises FileExistsError if there is one and it may not be overwritten."""
    if overwrite:
        if path.exists():
            shutil.copymode(path, part)
    else:
        try:
            os.link(part, path)
            return
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
        path.touch(exist_ok=False)  # ours from here on
    part.replace(path)
