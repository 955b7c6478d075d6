"""The command `python -m benchmarks`. Exit codes: 0 done, 1 some runs failed, 2 bad input, 130
interrupted.
"""

import signal
import sys
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from deep_image_prior import BadInput, files
from deep_image_prior.device import find_device
from deep_image_prior.tasks.task import DEVICES

from . import data, records, run
from .items import BUDGETS, ITEMS
from .measure import Place
from .records import Run

console = Console(highlight=False, markup=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path)
records_option = click.option(
    "--records",
    "folder",
    type=FOLDER,
    default=Path("records"),
    show_default=True,
    help="Folder of records and images.",
)


@click.group()
def app() -> None:
    """Rerun the figures and tables of the paper, each beside its baselines and the published
    numbers.
    """


@app.command("run")
@click.argument("items", nargs=-1, required=True, metavar="ITEM...")
@click.option(
    "--data", "data_folder", type=FOLDER, required=True, help="Folder of the benchmark images."
)
@click.option(
    "--budget",
    type=click.Choice(list(BUDGETS)),
    default="small",
    show_default=True,
    help="How much to run.",
)
@click.option(
    "--crop", type=click.IntRange(32), help="Side of the centre crops.  [default: by budget]"
)
@click.option("--images", default="", help="Only these pictures, by name, separated by commas.")
@click.option(
    "--preset",
    "presets",
    multiple=True,
    help="Presets of the prior; may be repeated.  [default: by budget]",
)
@click.option(
    "--method",
    "methods",
    multiple=True,
    help="Only this method, by its name in the tables; may be repeated.",
)
@click.option(
    "--seeds", type=click.IntRange(1), default=1, show_default=True, help="Runs of what is random."
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Runs at a time, sharing the cores.",
)
@click.option("--device", default="auto", show_default=True, help=f"One of {', '.join(DEVICES)}.")
@records_option
def run_command(
    items: Sequence[str],
    data_folder: Path,
    budget: str,
    crop: int | None,
    images: str,
    presets: Sequence[str],
    methods: Sequence[str],
    seeds: int,
    jobs: int,
    device: str,
    folder: Path,
) -> int:
    """Run ITEMs (or "all") that are not recorded yet, and append their records."""
    named = _names("item", [name for name in items if name != "all"], ITEMS)
    chosen = list(ITEMS) if "all" in items else named
    of = [ITEMS[item] for item in chosen]
    order = run.Order(
        chosen,
        budget,
        crop,
        pictures=_names(
            "picture", images.split(","), [name for item in of for name in item.pictures]
        ),
        presets=_names(
            "preset", presets, [name for item in ITEMS.values() for name in item.presets]
        ),
        methods=_names("method", methods, [name for item in of for name in item.contenders()]),
        seeds=seeds,
    )
    device = str(find_device(device))
    plan = list(run.planned(order))
    if not plan:
        raise BadInput(
            "there is nothing to run: no item has these pictures, presets and methods together"
        )
    absent = run.missing(plan)
    for method, module in absent.items():
        errors.print(f"benchmarks: note: {method} is left out: it needs the package {module}")
    done = {records.run_of(record) for record in _known(folder) if run.is_done(record, folder)}
    plan = [each for each in plan if each.method not in absent]
    todo = [each for each in plan if each not in done]
    already = f"{len(plan) - len(todo)} of them recorded already in {folder}"
    console.print(
        f"{len(plan)} runs, {already}; the others take about {_duration(run.estimate(todo))} on "
        "two cores"
    )
    run.check_data(todo, data_folder)
    folder.mkdir(parents=True, exist_ok=True)
    files.check_free(folder / records.LINES, overwrite=True)
    place = Place(data_folder, folder, device, run.threads_each(jobs))
    return 0 if run.execute(todo, place, jobs, _tell) else 1


@app.command("report")
@records_option
@click.option("--html", "html_file", type=FILE, help="Page to write, its pictures embedded.")
@click.option(
    "--markdown",
    "markdown_file",
    type=FILE,
    help="Tables to write; below a line <!-- results --> if any.",
)
@click.option(
    "--figures", "figures_folder", type=FOLDER, help="Folder to write the curves to, as SVG."
)
@click.option("--overwrite", is_flag=True, help="Allow them to replace others.")
def report_command(
    folder: Path,
    html_file: Path | None,
    markdown_file: Path | None,
    figures_folder: Path | None,
    overwrite: bool,
) -> None:
    """Turn the records into a page, tables and figures; tables go to the terminal if nothing is
    asked for.
    """
    from . import page, report

    sections = report.sections(folder, _known(folder))
    if html_file:
        files.check_free(html_file, overwrite)
        files.write_atomically(html_file, page.html(folder, sections).encode(), overwrite)
    if markdown_file:
        page.write_below_marker(markdown_file, page.markdown(sections), overwrite)
    if figures_folder:
        page.write_figures(figures_folder, sections, overwrite)
    for path in filter(None, (html_file, markdown_file, figures_folder)):
        console.print(f"wrote {path}")
    if not (html_file or markdown_file or figures_folder):
        console.print(page.markdown(sections))


@app.command("list")
def list_command() -> None:
    """Name every item, what it shows, and about how long it takes on two cores."""
    table = Table(
        "item", "shows", *(f"--budget {name}" for name in BUDGETS), box=None, pad_edge=False
    )
    for name, item in ITEMS.items():
        times = (run.estimate(run.planned(run.Order([name], budget))) for budget in BUDGETS)
        table.add_row(name, item.shows, *(_duration(seconds) for seconds in times))
    console.print(table)


@app.command("fetch")
@click.argument("sets", nargs=-1, required=True, metavar="SET...")
@click.option("--data", "data_folder", type=FOLDER, required=True, help="Folder to put them in.")
def fetch_command(sets: Sequence[str], data_folder: Path) -> None:
    """Download the pictures of SETs (or "all") that the folder lacks, each checked against its
    checksum.
    """
    there = list(dict.fromkeys(set for set, _ in data.sources()))
    for name in there if "all" in sets else _names("set", sets, there):
        console.print(f"{data_folder / name}: {data.fetch(data_folder, name)} pictures")


def _duration(seconds: float) -> str:
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _known(folder: Path) -> list[records.Record]:
    """The records of a folder whose item and method still exist; says how many do not."""
    found = records.read(folder)
    known = [
        each
        for each in found
        if each["budget"] in BUDGETS and each["method"] in _contenders(each["item"])
    ]
    if len(known) < len(found):
        errors.print(
            f"benchmarks: note: {len(found) - len(known)} records in {folder} are of items or "
            "methods no more"
        )
    return known


def _contenders(item: str) -> Collection[str]:
    return ITEMS[item].contenders() if item in ITEMS else ()


def _tell(each: Run, answer: records.Record | str) -> None:
    if isinstance(answer, str):
        errors.print(f"benchmarks: {each}: {answer}")
        return
    scores = "; ".join(
        f"{name}: {', '.join(f'{metric} {value:.4g}' for metric, value in values.items())}"
        for name, values in answer["scores"].items()
    )
    console.print(
        f"{each.item} {each.picture}: {scores}; {answer['seconds']:.1f} s {answer['stopped']}"
    )


def _names(what: str, wanted: Sequence[str], there: Collection[str]) -> list[str]:
    """The names wanted, each once. Raises BadInput, with the nearest name, for one that is not
    there.
    """
    names = list(dict.fromkeys(name.strip() for name in wanted if name.strip()))
    for name in names:
        if name not in there:
            near = get_close_matches(name, there, 1)
            hint = (
                f"did you mean {near[0]}?"
                if near
                else f"choose from {', '.join(dict.fromkeys(there))}"
            )
            raise BadInput(f"there is no {what} {name!r}; {hint}")
    return names


def main() -> None:
    """Run the command; every error of the user's becomes one line and an exit code here."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = app(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        console.print(error.ctx.get_help())
        code = 2
    except click.ClickException as error:
        code = _complain(" ".join(error.format_message().split()), 2)
    except (KeyboardInterrupt, click.Abort):
        code = _complain(
            "interrupted; what was finished is recorded: run the same command again to go on", 130
        )
    except BadInput as error:
        code = _complain(str(error), 2)
    except OSError as error:
        code = _complain(str(error), 1)
    sys.exit(code)


def _complain(message: str, code: int) -> int:
    errors.print(f"benchmarks: {message}")
    return code


if __name__ == "__main__":
    main()
