"""Figures of a section: curves along the steps, PSNR against seconds, and pictures as they are embedded in a page."""

import base64
import io
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from deep_image_prior.images import Pixels

from . import records
from .report import Record, Section

matplotlib.rcParams.update({"font.size": 9, "svg.fonttype": "none", "svg.hashsalt": "deep-image-prior"})


def learning_curves(section: Section) -> str | None:
    """The first metric of last (thin) and averaged image along the steps, a panel a method, as SVG."""
    methods: dict[str, list[Record]] = defaultdict(list)
    for record in section.records:
        if len(record["curve"]) > 1 and record["curve"][0][3] is not None and record["seed"] == 0:
            methods[record["method"]].append(record)
    if not methods:
        return None
    figure = Figure(figsize=(4.2 * len(methods), 3.2), layout="constrained")
    axes = figure.subplots(1, len(methods), squeeze=False)[0]
    for axis, (method, found) in zip(axes, methods.items(), strict=True):
        for number, record in enumerate(found):
            steps, _, _, last, average = zip(*record["curve"], strict=True)
            axis.plot(steps, last, color=f"C{number}", linewidth=0.6, alpha=0.6)
            axis.plot(steps, average, color=f"C{number}", label=record["picture"])
        _label(axis, f"{method}: last (thin), averaged", "step", f"{section.metrics[0]}, dB")
    axes[0].legend(fontsize=7, ncols=2)
    return svg(figure)


def energies(section: Section) -> str | None:
    """E along the steps, a line a picture, as SVG: figure 4."""
    figure = Figure(figsize=(5, 3.4), layout="constrained")
    axis = figure.subplots()
    for record in section.records:
        steps, _, energy, *_ = zip(*record["curve"], strict=True)
        axis.plot(steps, energy, label=record["picture"])
    axis.set_yscale("log")
    _label(axis, "squared error to the target", "step", "E")
    axis.legend()
    return svg(figure)


def frontier(section: Section) -> str | None:
    """The first metric against seconds, means over the pictures, as SVG: who dominates whom."""
    figure = Figure(figsize=(7, 4.6), layout="constrained")
    axis = figure.subplots()
    metric = section.metrics[0]
    for number, method in enumerate(dict.fromkeys(record["method"] for record in section.records)):
        found = [record for record in section.records if record["method"] == method and record["seed"] == 0]
        best = [max(scores[metric] for scores in record["scores"].values()) for record in found]
        seconds = fmean(record["seconds"] for record in found)
        axis.plot(max(seconds, 1e-3), fmean(best), "o", color=f"C{number}")
        axis.annotate(method, (max(seconds, 1e-3), fmean(best)), (5, 4), textcoords="offset points", fontsize=8)
        if all(record["curve"] for record in found):
            points = [[(point[1], point[4]) for point in record["curve"]] for record in found]
            times, values = np.mean(points, axis=0).T
            axis.plot(times, values, color=f"C{number}")
    axis.set_xscale("log")
    _label(axis, f"mean of {', '.join(section.pictures)}", "seconds", f"{metric}, dB")
    return svg(figure)


def strip(folder: Path, section: Section, picture: str) -> list[tuple[str, str]]:
    """Caption and data address of every image of a picture: degraded, clean, and what each method made of it."""
    found = [record for record in section.records if record["picture"] == picture]
    shown = [(name, path) for name, path in found[0]["problem"].items() if name != "known"]
    for name in section.columns:
        for record in section.of(picture, name):
            value = record["scores"][name].get(section.metrics[0]) if section.metrics else None
            caption = name + (f", seed {record['seed']}" if section.seeds > 1 else "")
            shown.append((f"{caption}{f': {value:.2f}' if value is not None else ''}", record["images"][name]))
    return [(caption, data_address(records.load_image(folder, path))) for caption, path in shown]


def data_address(image: Pixels) -> str:
    """(H, W, C) in [0, 1] as an embedded WebP picture."""
    pixels = np.rint(image * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(buffer, "WEBP", quality=90)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def svg(figure: Figure) -> str:
    """The figure as an element of a page."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()[buffer.getvalue().index("<svg") :]


def of(section: Section) -> Sequence[str]:
    """The figures of a section, as SVG."""
    draw = {"frontier": (frontier, learning_curves), "curves": (energies,)}.get(section.item.name, (learning_curves,))
    return [drawn for function in draw if (drawn := function(section))]


def _label(axis: Axes, title: str, x: str, y: str) -> None:
    axis.set(title=title, xlabel=x, ylabel=y)
    axis.grid(alpha=0.3)
