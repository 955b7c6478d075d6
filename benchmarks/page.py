"""The report: one self-contained HTML page, and Markdown tables."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from jinja2 import Environment, PackageLoader

from deep_image_prior import files

from . import figures
from .items import BUDGETS
from .report import NOTABLE, Cell, Section

MARKER = b"<!-- results -->\n"


def html(folder: Path, sections: Sequence[Section]) -> str:
    """The page, its pictures embedded."""
    return _render(
        "report.html.jinja", sections, figures=figures.of, strip=partial(figures.strip, folder)
    )


def markdown(sections: Sequence[Section]) -> str:
    """The tables."""
    return _render("report.md.jinja", sections)


def write_below_marker(path: Path, text: str, overwrite: bool) -> None:
    """Write `text` to `path`; of a file that has a line `<!-- results -->` only what is below it is
    replaced.
    """
    content = text.encode()
    if path.is_file() and MARKER in (before := path.read_bytes()):
        content, overwrite = before[: before.index(MARKER) + len(MARKER)] + b"\n" + content, True
    files.check_free(path, overwrite)
    files.write_atomically(path, content, overwrite)


def write_figures(folder: Path, sections: Sequence[Section], overwrite: bool) -> None:
    """Every figure as FOLDER/ITEM-BUDGET-CROP-NUMBER.svg."""
    folder.mkdir(parents=True, exist_ok=True)
    for section in sections:
        for number, drawn in enumerate(figures.of(section), start=1):
            path = folder / f"{section.item.name}-{section.budget}-{section.crop}-{number}.svg"
            files.write_atomically(path, drawn.encode(), overwrite)


def _render(template: str, sections: Sequence[Section], **more: object) -> str:
    environment = Environment(
        loader=PackageLoader("benchmarks"),
        autoescape=template.endswith("html.jinja"),
        trim_blocks=True,
    )
    environment.globals.update(
        heading=_heading, cell=_cell, budget_note=_budget_note, cost=_cost, notable=NOTABLE, **more
    )
    return environment.get_template(template).render(sections=sections)


def _heading(section: Section) -> str:
    crop = f", centre crops of {section.crop}" if section.crop else ""
    return f", budget {section.budget}{crop}"


def _budget_note(section: Section) -> str:
    if BUDGETS[section.budget].exact:
        of = f", of centre crops of {section.crop} pixels" if section.crop else ""
        return f"Every step was taken{of}, but where fast or best stopped by itself."
    return (
        f"Budget small: centre crops of {section.crop} pixels at the most and a share of the "
        "steps; the paper's "
        "numbers, of whole pictures and every step, stand beside ours for orientation only."
    )


def _cost(section: Section, column: str, which: int) -> str:
    cost = section.cost(column)
    return f"{cost[which]:{('.3g', 'd', '.0f')[which]}}" if cost and cost[which] else ""


def _cell(cell: Cell, metric: str = "", pictures: int = 1) -> str:
    """Ours / the paper's; of a mean over fewer than `pictures`, over how many."""
    papers = f"/ {cell.published:.2f}" if cell.published is not None else ""
    if cell.value is None:
        return papers
    digits = (
        4
        if metric.startswith("feature error")
        else 3
        if metric in ("SSIM", "LPIPS", "sharpness")
        else 2
    )
    fewer = f" (of {cell.pictures})" if cell.pictures < pictures else ""
    return f"{cell.value:.{digits}f}{'†' if cell.partial else ''}{fewer} {papers}".rstrip()
