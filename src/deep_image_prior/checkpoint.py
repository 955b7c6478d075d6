"""What a long job has made so far, in a folder, so that the same call goes on after a power cut."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from .errors import BadInput
from .files import write_atomically

KEY = "checkpoint.json"  # the file that says what the others depend on


@dataclass(frozen=True)
class Checkpoint:
    """A folder of tensors, numbers and texts, by names that begin with `prefix`."""

    folder: Path
    prefix: str = ""

    def within(self, name: str) -> "Checkpoint":
        """The same folder, for a part of the job."""
        return Checkpoint(self.folder, f"{self.prefix}{name}-")

    def remove(self) -> None:
        """Removes the folder, if it has nothing else in it."""
        for path in (*self.folder.glob("*.pt"), *self.folder.glob("*.part"), self.folder / KEY):
            path.unlink(missing_ok=True)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()


def open_checkpoint(folder: Path, key: Mapping[str, str]) -> Checkpoint:
    """The checkpoint in `folder`, which is made if it is not there; key: what all in it depends on.

    Raises BadInput if the folder is of another key, or no checkpoint.
    """
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is a file; give a folder for the checkpoint")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not any(folder.iterdir()):
            content = json.dumps(dict(key), indent=1).encode()
            write_atomically(folder / KEY, content, overwrite=True)
        found = dict(json.loads((folder / KEY).read_text()))
    except FileNotFoundError:
        raise BadInput(
            f"{folder} is a folder of other files; give the checkpoint one of its own"
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise BadInput(
            f"{folder} cannot be used for a checkpoint ({error}); give another folder, or remove "
            "it to start anew"
        ) from None
    for name in key:  # others follow from the first
        if found.get(name) != key[name]:
            raise BadInput(
                f"the checkpoint {folder} was made with another {name}; give another folder, or "
                "remove it to start anew"
            )
    return Checkpoint(folder)


def kept(
    checkpoint: Checkpoint | None,
    name: str,
    make: Callable[[], Any],
    done: Callable[[Any], bool] = lambda made: True,
) -> Any:
    """What the checkpoint has by that name, or else make(), which it has from now on if that is
    `done`. What cannot be read is made once more.
    """
    if checkpoint is None:
        return make()
    path = checkpoint.folder / f"{checkpoint.prefix}{name}.pt"
    if path.exists():
        with suppress(Exception):  # torch raises many for what is damaged
            return torch.load(path, weights_only=True)
    made = make()
    if done(made):
        write_atomically(path, lambda file: torch.save(made, file), overwrite=True)
    return made
