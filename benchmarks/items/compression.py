"""Section 3.1: JPEG artefacts, along the steps of the paper, in files of three qualities, and those
of other kinds of compression (figure 7).
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from deep_image_prior import tasks
from deep_image_prior.images import Pixels

from .. import data
from ..methods import prior
from ..methods.classical import best_denoisers, denoisers, untouched
from ..problems import ARTEFACTS, Problem, centred, compressed, in_file, in_video, resized
from .item import Item

NARROW = 2.0  # seconds a step and megapixel of the network of figure 6


def _figure(folder: Path, picture: str, crop: int) -> Problem:
    """The paper's snail as it is, and a picture with a truth as a JPEG file of quality 10."""
    if picture == "snail":
        return Problem(picture, centred(data.load(folder, "demo", picture), crop), sigma=ARTEFACTS)
    return compressed(picture, centred(data.load(folder, "denoise9", picture), crop))


jpeg = Item(
    name="jpeg",
    shows="JPEG artefacts along the steps: restored at 2400, fitted at the end (figure 6)",
    protocol="RGB PSNR of the whole picture to what was compressed with quality 10 (Pillow). "
    "The paper shows pictures "
    "of 100, 2400 and 50,000 steps and gives no numbers; its network is narrow (8 to 128 "
    "channels). Non-local means "
    "and total variation are told a sigma of 10/255, about that of the artefacts.",
    pictures={
        "snail": ("demo", "snail"),
        **{name: ("denoise9", name) for name in ("f16", "kodim03")},
    },
    make=_figure,
    presets=prior.tasked(prior.dejpeg, tasks.dejpeg.presets(), {**prior.PACE, "paper": NARROW}),
    baselines={
        "prior (paper) for long": prior.task(
            prior.dejpeg,
            prior.longer(tasks.dejpeg.presets()["paper"], 50_000),
            NARROW,
            share=0.05,
            keep=(100, 2400),
        ),
        "x0": untouched,
        "non-local means": denoisers["non-local means"],
        "total variation": denoisers["total variation"],
    },
)


QUALITIES = (10, 20, 40)
NAMES = ("baboon", "f16", "house", "kodim01", "kodim02", "kodim03", "kodim12", "peppers")
CASES = {f"{name}-jpeg{quality}": (name, quality) for quality in QUALITIES for name in NAMES}
SIDE = 256


def _compressed(folder: Path, picture: str, crop: int) -> Problem:
    name, quality = CASES[picture]
    scene = centred(data.load(folder, "denoise9", name), min(crop or SIDE, SIDE))
    return compressed(picture, scene, quality)


files = Item(
    name="jpeg-files",
    shows="JPEG files of quality 10, 20 and 40, colour at half the resolution",
    protocol=f"Centres of at most {SIDE} pixels a side, compressed by Pillow. RGB PSNR of the "
    "whole picture, in 8 bits' range. The prior finds the quality; total variation, non-local "
    "means and CBM3D have the strength that is best by the truth of each picture, of six, five and "
    "four, and seconds of all. What the estimates and their weights are was chosen on pictures of "
    "Set14; lena, which is among them, is left out.",
    pictures={case: ("denoise9", name) for case, (name, _) in CASES.items()},
    make=_compressed,
    presets=prior.tasked(prior.dejpeg, tasks.dejpeg.presets(), {**prior.PACE, "paper": NARROW}),
    baselines={"x0": untouched, **best_denoisers},
    metrics=("PSNR", "SSIM"),
    side=SIDE,
)


TABLES = [[24] * 64] * 2  # flat ones, as no quality of libjpeg has
OFF_GRID = (3, 5)  # rows and columns that a file loses before it is saved again


def _resized(name: str, scene: Pixels, quality: int, factor: float) -> Problem:
    """A JPEG file that was changed in size; the truth is the scene in that size."""
    x0 = resized(compressed(name, scene, quality).observation, factor)
    return Problem(name, x0, resized(scene, factor), sigma=ARTEFACTS)


def _saved_again(name: str, scene: Pixels) -> Problem:
    top, left = OFF_GRID
    first = compressed(name, scene, 20).observation[top:, left:]
    return replace(in_file(name, first, ".jpg", quality=85), clean=scene[top:, left:])


def _as_pixels(problem: Problem) -> Problem:
    """As if it had been saved again without loss."""
    return replace(problem, coding=None)


KINDS: dict[str, Callable[[str, Pixels], Problem]] = {
    "webp20": lambda name, scene: in_file(name, scene, ".webp", quality=20),
    "avif30": lambda name, scene: in_file(name, scene, ".avif", quality=30),
    "larger": lambda name, scene: _resized(name, scene, 30, 1.5),
    "smaller": lambda name, scene: _resized(name, scene, 20, 0.75),
    "again": _saved_again,
    "tables-pixels": lambda name, scene: _as_pixels(in_file(name, scene, ".jpg", qtables=TABLES)),
    "told": lambda name, scene: replace(
        _as_pixels(in_file(name, scene, ".avif", quality=30)), quality=50
    ),
    "video28": lambda name, scene: in_video(name, scene, 28),
    "video32": lambda name, scene: in_video(name, scene, 32),
    "webp20-pixels": lambda name, scene: _as_pixels(in_file(name, scene, ".webp", quality=20)),
    "avif30-pixels": lambda name, scene: _as_pixels(in_file(name, scene, ".avif", quality=30)),
}
SCENES = ("f16", "house", "kodim01", "kodim03", "kodim12")
ARTEFACT_CASES = {f"{name}-{kind}": (name, kind) for kind in KINDS for name in SCENES}
LARGER_SIDE = 320  # lines between blocks are told from chance by their number


def _of_kind(folder: Path, picture: str, crop: int) -> Problem:
    name, kind = ARTEFACT_CASES[picture]
    side = min(crop or LARGER_SIDE, LARGER_SIDE)
    return KINDS[kind](picture, centred(data.load(folder, "denoise9", name), side))


artefacts = Item(
    name="artefacts",
    shows="Artefacts of compression that has no grid any more, or another kind (figure 7)",
    protocol=f"Centres of at most {LARGER_SIDE} pixels a side. larger, smaller: JPEG of quality 30 "
    "or 20, bicubically resized by 1.5 or 0.75; the truth is the scene so resized. again: JPEG of "
    f"quality 20 without its first {OFF_GRID[0]} rows and {OFF_GRID[1]} columns, saved at 85. "
    "webp20, avif30: files of Pillow's encoders, and the same as mere pixels. tables-pixels: JPEG "
    "whose numbers are all 24, as mere pixels. told: avif30 as mere "
    "pixels, where the prior is told --quality 50. video28, video32: H.264 of that crf, the middle "
    "one of nine frames through which the scene moves. RGB PSNR in 8 bits' range. The prior finds "
    "all else by itself; total variation, non-local means and CBM3D have the strength that is best "
    "by the truth of each picture. Chosen on pictures of Set14.",
    pictures={case: ("denoise9", name) for case, (name, _) in ARTEFACT_CASES.items()},
    make=_of_kind,
    presets=prior.tasked(prior.dejpeg, tasks.dejpeg.presets(), {**prior.PACE, "paper": NARROW}),
    baselines={"x0": untouched, **best_denoisers},
    metrics=("PSNR", "SSIM"),
    side=LARGER_SIDE,
)
