"""Options of the command that several tasks share, gathered into one argument each."""

import inspect
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click
import torch

from . import classifiers, tasks
from .classifiers import Classifier
from .descent import Settings
from .errors import BadInput
from .job import DEVICES, STOPS, Options
from .session import SNAPSHOT_EVERY, CommandOptions
from .tasks import Preset

Command = Callable[..., Any]
FILE = click.Path(path_type=Path)


def _bytes(context: click.Context, parameter: click.Parameter, size: str | None) -> int | None:
    """4GiB, 500MB, 2G as a number of bytes."""
    if size is None:
        return None
    parts = re.fullmatch(r"(\d+\.?\d*) *([kmgt]?)(i?)b?", size.strip().lower())
    if not parts:
        raise BadInput(f"--memory {size} is no size; give one as in 4GiB or 500MB")
    number, prefix, binary = parts.groups()
    return int(float(number) * (1024 if binary else 1000) ** " kmgt".index(prefix or " "))


def option(flag: str, function: Command, **how: Any) -> Command:
    """The flag of an argument of `function`, with the default that stands there."""
    name = flag.split("/")[0].removeprefix("--").replace("-", "_")
    return click.option(
        flag, default=inspect.signature(function).parameters[name].default, show_default=True, **how
    )


def _gathering(
    command: Command, options: Sequence[Command], gather: Callable[[dict[str, Any]], Any]
) -> Command:
    """`command` with `options` besides its own; `gather` takes their values out and gives arguments
    for them.
    """

    def gathered(**values: Any) -> Any:
        arguments = gather(values)
        return command(**arguments, **values)

    gathered.__name__, gathered.__doc__ = command.__name__, command.__doc__
    params = getattr(command, "__click_params__", [])
    gathered.__click_params__ = params  # type: ignore[attr-defined]
    for each in reversed(options):
        each(gathered)
    return gathered


def _command_options(values: dict[str, Any]) -> dict[str, CommandOptions]:
    own = {
        each.name: values.pop(each.name) for each in fields(CommandOptions) if each.name in values
    }
    names = [each.name for each in (*fields(Settings), *fields(Options)) if each.name in values]
    chosen = {name: values.pop(name) for name in names}
    return {
        "options": CommandOptions(
            **own, fitting={name: value for name, value in chosen.items() if value is not None}
        )
    }


def _descending(presets: Mapping[str, Preset]) -> list[Command]:
    """--preset, --device and the flags of Settings; what is not given is not passed on, so that
    presets hold.
    """
    default, names = Options(), ", ".join(name for name in presets if name != "paper")
    return [
        click.option(
            "--preset",
            type=click.Choice(list(presets)),
            help=f"{names}, or the published settings.  [default: {default.preset}]",
        ),
        click.option(
            "--device",
            metavar=f"[{'|'.join(DEVICES)}|cuda:N]",
            help=f"Where to compute.  [default: {default.device}]",
        ),
        click.option(
            "--memory",
            metavar="SIZE",
            callback=_bytes,
            help="That a fit may take, as in 4GiB; pictures too large for that are fitted in "
            "tiles.  [default: most of what is free]",
        ),
        *(
            click.option(
                f"--{each.name.replace('_', '-')}", type=each.type, help=f"{each.metadata['help']}."
            )
            for each in fields(Settings)
        ),
    ]


OUTPUT = click.option(
    "-o", "--output", type=FILE, help="File to write; its ending names the format."
)
WRITING = (
    click.option(
        "--record", type=FILE, help="JSON file to write: settings, files, times, energies, scores."
    ),
    click.option("--overwrite", is_flag=True, help="Allow the files written to replace others."),
    click.option("-q", "--quiet", is_flag=True, help="No progress and no summary."),
)


def restoring(command: Command) -> Command:
    """Give `command` the options that all restorations share, as one argument `options`."""
    stopping = (
        click.option(
            "--sigma",
            type=float,
            help="Noise, white being 255 (float files beyond 0 to 1: in their units), if it is "
            "known.",
        ),
        click.option(
            "--stop",
            type=click.Choice(STOPS),
            help=f"By itself, or never before all steps are done.  [default: {Options().stop}]",
        ),
    )
    watching = (
        click.option(
            "--reference", type=FILE, help="Clean image: report PSNR and SSIM against it."
        ),
        click.option(
            "--checkpoint",
            type=FILE,
            help="Folder that keeps what is done of a long job; the same command goes on from it, "
            "and removes it at the end.",
        ),
        click.option(
            "--snapshots",
            type=FILE,
            help="Folder for the averaged image of every K-th step, where steps see the whole.",
        ),
        click.option(
            "--every",
            type=click.IntRange(min=1),
            help=f"K, the steps between snapshots.  [default: {SNAPSHOT_EVERY}]",
        ),
    )
    options = [OUTPUT, *stopping, *_descending(tasks.denoise.PRESETS), *watching, *WRITING]
    return _gathering(command, options, _command_options)


def visualising(command: Command) -> Command:
    """Give `command` the options of pictures made of a classifier, as one argument `options`."""
    return _gathering(
        command, [OUTPUT, *_descending(tasks.invert.PRESETS), *WRITING], _command_options
    )


@dataclass(frozen=True)
class Model:
    """A classifier as the command line names it; the fields are the arguments of
    classifiers.load.
    """

    model: str
    weights: Path | None
    size: int | None
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    classes: Path | None

    def architecture(self) -> Classifier:
        """The classifier; without weights, if they would have to be downloaded."""
        if not self._downloads:
            return classifiers.load(self.model, self.weights, **self._own())
        with torch.device("meta"):
            return classifiers.load(self.model, trained=False, **self._own())

    def with_weights(self, architecture: Classifier) -> Classifier:
        """`architecture` with its weights."""
        if self.weights is None and not self._downloads:
            warnings.warn(
                f"the weights are those that {self.model} brings; --weights gives others",
                stacklevel=1,
            )
        return classifiers.load(self.model, **self._own()) if self._downloads else architecture

    @property
    def _downloads(self) -> bool:
        return ":" not in self.model and self.weights is None

    def _own(self) -> dict[str, Any]:
        classes = None if self.classes is None else _lines(self.classes)
        return {"size": self.size, "mean": self.mean, "std": self.std, "classes": classes}

    @property
    def files(self) -> dict[str, Path]:
        """What of it comes from files."""
        return {
            name: path
            for name, path in (("weights", self.weights), ("classes", self.classes))
            if path
        }

    @property
    def choices(self) -> dict[str, str]:
        """What of it a record has to say besides its files."""
        return {"model": self.model}


def _lines(path: Path) -> list[str]:
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").rstrip().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise BadInput(
            f"{path} is no text file that can be read ({reason}); give one class a line"
        ) from None
    if "" in lines or not lines:
        raise BadInput(
            f"{path} has no name on line {[*lines, ''].index('') + 1}; name every output, one a "
            "line"
        )
    return lines


def looking(command: Command) -> Command:
    """Give `command` the options that name a classifier, as one argument `model`."""
    options = [
        click.option(
            "--model",
            required=True,
            help="One of torchvision's, or package.module:factory, without softmax.",
        ),
        click.option(
            "--weights", type=FILE, help="Its weights: safetensors, or a state dict of torch.save."
        ),
        click.option(
            "--size", type=int, help="Pixels a side that it takes.  [default: the model's, or 224]"
        ),
        click.option(
            "--mean",
            type=float,
            nargs=3,
            help="Subtracted from red, green, blue.  [default: ImageNet's]",
        ),
        click.option(
            "--std", type=float, nargs=3, help="What they are divided by.  [default: ImageNet's]"
        ),
        click.option(
            "--classes", type=FILE, help="Names of its outputs, one a line.  [default: ImageNet's]"
        ),
    ]
    names = [each.name for each in fields(Model)]
    return _gathering(
        command,
        options,
        lambda values: {"model": Model(**{name: values.pop(name) for name in names})},
    )
