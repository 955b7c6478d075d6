"""Figures of a section: curves along the steps, PSNR against seconds, and pictures as they are
embedded in a page.
"""

import base64
import io
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from deep_image_prior.images import Pixels

from . import records
from .items import column
from .records import Record
from .report import Section

matplotlib.rcParams.update(
    {"font.size": 9, "svg.fonttype": "none", "svg.hashsalt": "deep-image-prior"}
)


def learning_curves(section: Section) -> str | None:
    """The first metric of last (thin) and averaged image along the steps, a panel a method, as
    SVG.
    """
    methods = _first_runs(section)
    methods = {
        name: [r for r in found if len(r["curve"]["step"]) > 1] for name, found in methods.items()
    }
    methods = {
        name: found
        for name, found in methods.items()
        if found and found[0]["curve"]["last"][0] is not None
    }
    if not methods:
        return None
    figure = Figure(figsize=(4.2 * len(methods), 3.2), layout="constrained")
    axes = figure.subplots(1, len(methods), squeeze=False)[0]
    for axis, (method, found) in zip(axes, methods.items(), strict=True):
        for number, curve in enumerate(record["curve"] for record in found):
            axis.plot(curve["step"], curve["last"], color=f"C{number}", linewidth=0.6, alpha=0.6)
            axis.plot(
                curve["step"], curve["average"], color=f"C{number}", label=found[number]["picture"]
            )
        _label(axis, f"{method}: last (thin), averaged", "step", f"{section.metrics[0]}, dB")
    axes[0].legend(fontsize=7, ncols=2)
    return svg(figure)


def energies(section: Section) -> str | None:
    """E along the steps, a line a picture, as SVG: figure 4."""
    figure = Figure(figsize=(5, 3.4), layout="constrained")
    axis = figure.subplots()
    for record in (record for found in _first_runs(section).values() for record in found):
        axis.plot(record["curve"]["step"], record["curve"]["energy"], label=record["picture"])
    axis.set_yscale("log")
    _label(axis, "squared error to the target", "step", "E")
    axis.legend()
    return svg(figure)


def frontier(section: Section) -> str | None:
    """The first metric against seconds, means over the common pictures, as SVG: who dominates
    whom.
    """
    figure = Figure(figsize=(7, 4.6), layout="constrained")
    axis = figure.subplots()
    metric = section.metrics[0]
    lowest = math.inf
    for number, (method, every) in enumerate(_first_runs(section).items()):
        found = [record for record in every if record["picture"] in section.common]
        if len(found) < len(section.common) or not found:
            continue
        name = (
            column(method, "average")
            if column(method, "average") in found[0]["scores"]
            else column(method, "")
        )
        seconds = max(1e-3, fmean(record["seconds"] for record in found))
        score = fmean(record["scores"][name][metric] for record in found)
        lowest = min(lowest, score)
        axis.plot(seconds, score, "o", color=f"C{number}")
        axis.annotate(method, (seconds, score), (5, 4), textcoords="offset points", fontsize=8)
        if found[0]["curve"]["step"]:
            times = np.mean([record["curve"]["seconds"] for record in found], axis=0)
            axis.plot(
                times,
                np.mean([record["curve"]["average"] for record in found], axis=0),
                color=f"C{number}",
            )
    axis.set_xscale("log")
    axis.margins(x=0.2)
    if math.isfinite(lowest):
        axis.set_ylim(bottom=lowest - 2)  # curves start far below
    _label(axis, f"mean of {', '.join(section.common)}", "seconds", f"{metric}, dB")
    return svg(figure)


DRAW: dict[str, Sequence[Callable[[Section], str | None]]] = {
    "learning": (learning_curves,),
    "energies": (energies,),
    "frontier": (frontier, learning_curves),
}


def of(section: Section) -> Sequence[str]:
    """The figures of a section, as SVG."""
    return [drawn for draw in DRAW[section.item.figure] if (drawn := draw(section))]


def _first_runs(section: Section) -> dict[str, list[Record]]:
    """The complete records of the first seed, by method."""
    methods: dict[str, list[Record]] = defaultdict(list)
    for record in section.records:
        if record["seed"] == 0 and record["complete"]:
            methods[record["method"]].append(record)
    return methods


def strip(folder: Path, section: Section, picture: str) -> list[tuple[str, str]]:
    """Caption and data address of every image of a picture: degraded, clean, and what each method
    made of it.
    """
    found = [record for record in section.records if record["picture"] == picture]
    shown: list[tuple[str, str | Pixels]] = [
        (name, path) for name, path in found[0]["problem"].items() if name != "known"
    ]
    for name in section.columns:
        for record in section.of(picture, name):
            value = record["scores"][name].get(section.metrics[0]) if section.metrics else None
            caption = name + (f", seed {record['seed']}" if section.seeds > 1 else "")
            shown.append(
                (
                    f"{caption}{f': {value:.2f}' if value is not None else ''}",
                    record["images"][name],
                )
            )
    return [
        (
            caption,
            data_address(records.load_image(folder, image) if isinstance(image, str) else image),
        )
        for caption, image in shown
    ]


def data_address(image: Pixels) -> str:
    """(H, W, C) in [0, 1] as an embedded WebP picture."""
    pixels = np.rint(image * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(
        buffer, "WEBP", quality=90
    )
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def svg(figure: Figure) -> str:
    """The figure as an element of a page."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()[buffer.getvalue().index("<svg") :]


def _label(axis: Axes, title: str, x: str, y: str) -> None:
    axis.set(title=title, xlabel=x, ylabel=y)
    axis.grid(alpha=0.3)
