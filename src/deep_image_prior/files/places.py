"""Where files, and folders that are pictures, go: nothing is lost, and nothing is there by half."""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import BadInput

Content = bytes | Mapping[str, bytes]  # of a file, or of the files in a folder, by their names
ZARR = ".zarr"  # the ending of a picture that is a folder
MARKS = ("zarr.json", ".zgroup", ".zarray")  # one of them is in it
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)  # the answers of file systems without them
LONGEST = 230  # bytes of a name, that of a file in the making has some more


def is_picture_folder(folder: Path) -> bool:
    """Whether there is a folder that is one picture."""
    return any((folder / name).is_file() for name in MARKS)


def names_folder(path: Path) -> bool:
    """Whether a picture of that name is a folder."""
    return path.suffix.lower() == ZARR


def names_in(folder: Path) -> list[str]:
    """Of all files, also those in its folders, sorted."""
    return sorted(
        each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()
    )


def check_free(path: Path, overwrite: bool) -> None:
    """Raise BadInput unless a file, or a folder if `path` names one, can be written there now."""
    if not path.parent.is_dir():
        raise BadInput(f"{path.parent} is not a folder; make it first, or write elsewhere")
    if path.is_dir() and not (names_folder(path) and is_picture_folder(path)):
        raise BadInput(f"{path} is a folder; give the name of a file")
    if path.exists() and not path.is_dir() and (names_folder(path) or not path.is_file()):
        kind = "folder that is a picture" if names_folder(path) else "plain file"
        raise BadInput(f"{path} is no {kind}; give the name of one")
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


def write_atomically(path: Path, content: Content | Callable[[Any], None], overwrite: bool) -> None:
    """Write all of `content` to `path`, or nothing. Raises BadInput if it exists and may not be
    overwritten, OSError that names it if it cannot be written.

    content: of a file or a folder, or what writes to an open file, or into a new folder if `path`
    names one. A link that is overwritten stays one, and permissions stay. A killed process leaves
    no part of a file where the system has files without a name, and hidden parts of a folder.
    """
    path = path.resolve() if overwrite and path.is_symlink() else path
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    _remove(part)  # of a killed process that had our number
    try:
        if names_folder(path) and not isinstance(content, bytes):
            _write_folder(path, part, content, overwrite)
        else:
            _write_file(path, part, content, overwrite)
    except FileExistsError:
        raise BadInput(f"{path} exists; choose another name, or allow --overwrite") from None
    except OSError as error:  # a full disk does not name the file
        raise OSError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        _remove(part)


def _write_file(path: Path, part: Path, content: Any, overwrite: bool) -> None:
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


def _write_folder(path: Path, part: Path, content: Any, overwrite: bool) -> None:
    part.mkdir()
    if callable(content):
        content(part)
    else:
        for name, each in content.items():
            (part / name).parent.mkdir(parents=True, exist_ok=True)
            (part / name).write_bytes(each)
    for name in names_in(part):
        with (part / name).open("r+b") as file:
            os.fsync(file.fileno())
    if not path.exists():
        part.rename(path)
    elif overwrite:
        _exchange(part, path)
    else:
        raise FileExistsError


def _exchange(part: Path, path: Path) -> None:
    """Put a folder in the place of another, which is there again if that fails."""
    before = part.with_suffix(".before")
    shutil.copymode(path, part)
    path.rename(before)
    try:
        part.rename(path)
    except OSError:
        before.rename(path)
        raise
    _remove(before)


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part)
    else:
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
