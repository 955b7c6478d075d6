"""Section 3.1: JPEG artefacts, along the steps of the paper, and in files of three qualities."""

from pathlib import Path

from deep_image_prior import tasks

from .. import data
from ..methods import prior
from ..methods.classical import best_denoisers, denoisers, untouched
from ..problems import ARTEFACTS, Problem, centred, compressed
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
