"""The command `dip`. Exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted."""

import os
import signal
import sys
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ..errors import BadInput
from ..functions import TASKS
from ..tasks import Invert, Maximise, Restoration
from . import settings_file
from .commands import FILE, WRITING, check, parameters, restoring, size
from .outcome import outcome
from .say import say


def run() -> int:
    """Run the command; every error of the user's becomes one line and an exit code here."""
    warnings.showwarning = lambda message, *_, **__: say(f"note: {message}")
    code = outcome(lambda: app(standalone_mode=False))
    # what is pressed after all is done changes nothing
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if code == 130 and _is_busy():  # tiles that are being worked on would be waited for
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _is_busy() -> bool:
    parallel = sys.modules.get("deep_image_prior.parallel")
    name = getattr(parallel, "NAME", "")  # not all of it may be there yet
    return name != "" and any(each.name.startswith(name) for each in threading.enumerate())


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="deep-image-prior", prog_name="dip")
@click.option(
    "--config",
    type=FILE,
    metavar="FILE",
    envvar="DIP_CONFIG",
    show_envvar=True,
    help=f"Defaults of options, in TOML.  [default: {settings_file.NAME}, if it is there]",
)
@click.pass_context
def app(context: click.Context, config: Path | None) -> None:
    """Restore an image with a network that has never seen another one (the deep image prior)."""
    path = config or Path(settings_file.NAME)
    if config or path.exists():
        context.obj = path
        context.default_map = settings_file.read(app, path, named=config is not None)


def _restore(kind: type[Restoration], values: Mapping[str, Any]) -> int:
    check(kind, values)
    from . import batch, pipes, restoring

    many = batch.many(values)
    values = settings_file.applied(values, useless=() if many else batch.TOGETHER)
    if many:
        return batch.run(kind, values)
    for name in batch.TOGETHER:
        if values[name]:
            raise BadInput(f"--{name} is for several pictures; leave it out, or give more of them")
    alone = {**values, "image": values["images"][0]}
    return pipes.run(kind, alone) if pipes.used(alone) else restoring.run(kind, alone)


for each in TASKS.values():
    if issubclass(each, Restoration):
        app.add_command(restoring(each, _restore))


MODEL = (
    click.Option(
        ["--model"],
        required=True,
        help="One of torchvision's, or package.module:factory, without softmax.",
    ),
    click.Option(
        ["--weights"],
        type=FILE,
        help="Its weights: safetensors, or a state dict of torch.save.",
    ),
    click.Option(
        ["--size"], type=int, help="Pixels a side that it takes.  [default: the model's, or 224]"
    ),
    click.Option(
        ["--mean"],
        type=float,
        nargs=3,
        help="Subtracted from red, green, blue.  [default: ImageNet's]",
    ),
    click.Option(
        ["--std"], type=float, nargs=3, help="What they are divided by.  [default: ImageNet's]"
    ),
    click.Option(
        ["--classes"],
        type=FILE,
        help="Names of its outputs, one a line.  [default: ImageNet's]",
    ),
)


def _looking(name: str, help: str, *params: click.Parameter) -> click.Command:
    """A command of classifiers.py."""

    def callback(**values: Any) -> int:
        from . import classifiers

        return int(getattr(classifiers, name)(settings_file.applied(values)))

    return click.Command(name, params=list(params), callback=callback, help=help, short_help=help)


def _common(kind: Any) -> list[click.Parameter]:
    """The options of a task but for those that its command has in another form."""
    own = kind.own()
    return [*(each for each in parameters(kind) if each.name not in own), *WRITING]


app.add_command(
    _looking(
        "invert",
        Invert.summary,
        click.Argument(["image"], type=FILE),
        click.Option(["--layer"], help="The layer to invert; see: dip layers."),
        click.Option(
            ["--layers"], help="Several, with commas between: one labelled picture of all."
        ),
        *MODEL,
        *_common(Invert),
    )
)
app.add_command(
    _looking(
        "maximise",
        Maximise.summary,
        click.Option(["--label"], help="The class to draw."),
        click.Option(
            ["--labels"], help="Several, with commas between: one labelled picture of all."
        ),
        click.Option(
            ["--unit"],
            type=int,
            help="The output, or map of --layer, to excite, by its number from 0.",
        ),
        click.Option(
            ["--layer"], help="Where the unit is; without it, among the outputs before softmax."
        ),
        *MODEL,
        *_common(Maximise),
    )
)
app.add_command(
    _looking(
        "layers",
        "List the layers of a classifier in the order they are done, with the shapes of what they "
        "give.",
        *MODEL,
    )
)


@app.command()
@click.argument("pictures", type=FILE, nargs=-1, metavar="[IMAGE]...")
@click.option(
    "--folder",
    type=FILE,
    default=Path("dip-page"),
    show_default=True,
    help="Where pictures and results are kept: one that is new, or of a page before.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Of this machine.  [default: one that is free]",
)
@click.option("--no-browser", is_flag=True, help="Print the address, and open no browser.")
@click.option(
    "--limit", callback=size, default="4GiB", show_default=True, help="The largest file it takes."
)
def page(pictures: tuple[Path, ...], folder: Path, port: int, no_browser: bool, limit: int) -> int:
    """Restore pictures in the browser, on this machine: nothing leaves it."""
    settings_file.applied(click.get_current_context().params)
    try:
        from .page.server import run
    except ModuleNotFoundError as missing:
        raise BadInput(
            f"the page needs {missing.name}: pip install 'deep-image-prior[page]'"
        ) from None
    return run(pictures, folder, port, not no_browser, limit)


@app.command()
@click.option(
    "-o",
    "--output",
    type=FILE,
    default=Path("dip-demo.png"),
    show_default=True,
    help="Picture to write.",
)
@click.option("--overwrite", is_flag=True, help="Allow it to replace another.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def demo(output: Path, overwrite: bool, quiet: bool) -> int:
    """Add noise to a photograph, restore it, and show it beside non-local means."""
    from .demo import run

    return run(output, overwrite, quiet)
