"""The commands that look inside a classifier."""

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from .. import classifiers, files, images, visualisation
from ..classifiers import Classifier
from ..errors import BadInput
from ..features import Features, shapes
from ..files import Picture
from ..images import EIGHT_BITS, Pixels, Scale
from ..panels import Tile, panel
from ..restoration import Result
from ..tasks import Invert, Maximise, Visualisation
from . import session
from .commands import taken
from .progress import Bar, Watcher
from .record import described
from .say import answer
from .session import Made, Output, Request

COLUMNS = 5


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
        found = {"weights": self.weights, "classes": self.classes}
        return {name: path for name, path in found.items() if path}


def _model(values: Mapping[str, Any]) -> Model:
    return Model(**{each.name: values[each.name] for each in fields(Model)})


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


def layers(values: Mapping[str, Any]) -> int:
    """List the layers of a classifier, with the shapes of what they give."""
    phi = _model(values).architecture()
    published = {path: name for name, path in phi.published.items()}
    found = shapes(phi)
    width = max(map(len, found), default=0)
    for path, shape in found.items():
        name = f"  {published[path]}" if path in published else ""
        answer(f"{path:<{width}}  {' x '.join(map(str, shape)):<16}{name}".rstrip())
    answer(f"{phi.name} takes {phi.size} x {phi.size} pixels")
    return 0


def invert(values: Mapping[str, Any]) -> int:
    """Pictures with the features of an image at one layer or at several."""
    source, layer, several = (values[name] for name in ("image", "layer", "layers"))
    names = _either("--layer", layer, "--layers", several)
    picture, model = files.read(source), _model(values)
    pixels = picture.pixels
    if picture.axes:
        raise BadInput(f"{source} is a stack of pages; give one page as a file of its own")
    images.check_pixels(pixels, -1, str(source))
    phi = model.architecture()
    for name in names:
        Features(phi, name).dry_run()
    images.check_square(pixels.shape[0], pixels.shape[1], phi.size, str(source))
    eight = several or pixels.dtype.name in files.BY_ENDING[".png"].samples
    ending = f"{_file_name(names[0]) if layer else 'inverted'}{'.png' if eight else '.tif'}"
    blank = np.zeros((phi.size, phi.size, pixels.shape[2]), pixels.dtype)
    how = taken(values, Invert)
    return _run(
        {name: Invert(phi, channel_axis=-1, **{**how, "layer": name}) for name in names},
        lambda task: visualisation.invert(task, pixels),
        model,
        Drawing(
            Picture(blank, profile=picture.profile),
            images.scale_of(pixels),
            source.with_name(f"{source.stem}-{ending}"),
        ),
        {"image": source, **model.files},
        values,
        {"layers": names},
    )


def maximise(values: Mapping[str, Any]) -> int:
    """Pictures of what excites one unit or several."""
    label, labels, unit, layer = (values[name] for name in ("label", "labels", "unit", "layer"))
    if unit is not None and (label is not None or labels is not None):
        raise BadInput("--unit and a label both say what to excite; give one of them")
    named = [] if unit is not None else _either("--label (or --unit)", label, "--labels", labels)
    model = _model(values)
    phi = model.architecture()
    units: dict[str, int | str] = (
        {name: name for name in named} if unit is None else {f"unit {unit}": unit}
    )
    operator = Features(phi, layer)
    features = operator.dry_run()
    for each in units.values():
        visualisation.numbered(operator, each, features)
    where = f"{layer}, " if layer else ""
    ending = "labels" if labels else next(iter(units))
    how = taken(values, Maximise)
    return _run(
        {
            f"{where}{name}": Maximise(phi, channel_axis=-1, **{**how, "unit": each})
            for name, each in units.items()
        },
        visualisation.maximise,
        model,
        Drawing(
            Picture(np.zeros((phi.size, phi.size, 3), np.uint8)),
            EIGHT_BITS,
            Path(f"{_file_name(phi.name)}-{_file_name(where + ending)}.png"),
        ),
        model.files,
        values,
        {"layer": layer, "units": list(units.values())},
    )


@dataclass(frozen=True)
class Drawing:
    """A picture such as each will be, what its values mean, and where it goes if nobody says."""

    blank: Picture
    scale: Scale
    path: Path


Task = TypeVar("Task", bound=Visualisation)


def _run(
    tasks: Mapping[str, Task],
    make: Callable[[Task], Result],
    model: Model,
    drawing: Drawing,
    inputs: Mapping[str, Path],
    values: Mapping[str, Any],
    chosen: Mapping[str, Any],
) -> int:
    """Make the pictures, and join them if they are several."""
    task = next(iter(tasks.values()))
    phi = task.classifier
    loaded = cache(lambda: model.with_weights(phi))

    def maker(task: Task) -> Callable[[Watcher], Result]:
        return lambda watch: make(replace(task, classifier=loaded(), watch=watch, tell=watch.tell))

    alone = len(tasks) == 1
    request = Request(
        task=task.name,
        makers={name: maker(task) for name, task in tasks.items()},
        joined=lambda made: {"image": _picture(made, drawing, alone)},
        names=("image",),
        like=drawing.blank if alone else Picture(np.zeros((2, 2, 3), np.uint8)),
        enlargement=1,
        inputs=inputs,
        in_place=False,
        choices={
            "preset": task.preset,
            "device": task.device,
            **task.changes(),
            "model": model.model,
            **chosen,
        },
        content=lambda made: {
            "classifier": _facts(phi),
            "pictures": {name: described(result) for name, result in made.items()},
        },
        report=lambda made: [_said(name, result) for name, result in made.items()],
    )
    output = Output(
        values["output"] or drawing.path, values["record"], values["overwrite"], values["quiet"]
    )
    return session.run(request, output, Bar(len(tasks), output.quiet))


def _facts(phi: Classifier) -> dict[str, Any]:
    return {"name": phi.name, "size": phi.size, "mean": list(phi.mean), "std": list(phi.std)}


def _said(name: str, result: Result) -> str:
    steps = f"{sum(result.steps)} steps in {result.seconds:.1f} s on {result.device}"
    return f"{name}: {', '.join(_measured(result))}; {steps}; {result.stopped}"


def _measured(result: Result) -> list[str]:
    return [f"{name.replace('_', ' ')} {value:.3g}" for name, value in result.measures.items()]


def _picture(made: Made, drawing: Drawing, alone: bool) -> Picture:
    """The picture, if only one is asked for; otherwise all in one, what the classifier was shown at
    the head.
    """
    first = next(iter(made.values()))
    if alone:
        return drawing.blank.with_pixels(first.image)
    tiles = [Tile((name, ""), _eight_bits(part, drawing)) for name, part in first.parts.items()]
    tiles += [
        Tile((name, ", ".join(_measured(result)[-2:])), _eight_bits(result.image, drawing))
        for name, result in made.items()
    ]
    return Picture(panel(tiles, COLUMNS))


def _eight_bits(image: Pixels, drawing: Drawing) -> Pixels:
    unit = drawing.scale.unit(image).clip(0, 1)
    return np.broadcast_to(np.rint(255 * unit), (*image.shape[:2], 3)).astype(np.uint8)


def _either(one_name: str, one: str | None, several_name: str, several: str | None) -> list[str]:
    """The names that one of two options gives, each once."""
    if (one is None) == (several is None):
        raise BadInput(f"give either {one_name} or {several_name}")
    names = [one] if one is not None else [name.strip() for name in (several or "").split(",")]
    names = list(dict.fromkeys(name for name in names if name))
    if not names:
        raise BadInput(
            f"{one_name if several is None else several_name} is empty; name at least one"
        )
    return names


def _file_name(text: str) -> str:
    """`text` with nothing in it that a file name should not have."""
    return re.sub(r"[^\w.]+", "-", text).strip("-.")
