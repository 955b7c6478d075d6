"""The map of the uncertainty against the errors, task by task, where the truth is known."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deep_image_prior import tasks
from deep_image_prior.images import Pixels
from deep_image_prior.tasks import Restoration

from .. import data
from ..degradations import blurred as correlated
from ..degradations import photographed
from ..methods import prior
from ..methods.calibration import calibrated
from ..pairs import KINDS as PAIRS
from ..problems import Problem, centred, compressed, masked, noisy, photons, punctured, salted
from ..problems import shrunk as small
from . import compression, palettes
from .deblur import blurred, scene
from .item import Item

LEAST, MOST = 0.9, 0.98  # of the errors are to be within two deviations
SIDE = 256
LETTERS, LINES = 13, 16  # pixels: of the text, from line to line
Make = Callable[[str, Pixels], Problem]


def shrunk(name: str, clean: Pixels, factor: int) -> Problem:
    """Of the greatest multiple of the factor."""
    return small(name, centred(clean, multiple=factor), factor)


def written(name: str, clean: Pixels) -> Problem:
    """Behind lines of text."""
    height, width = clean.shape[:2]
    page = Image.new("L", (width, height), 255)
    for top in range(0, height, LINES):
        ImageDraw.Draw(page).text(
            (2 + top % 7, top),
            "the quick brown fox jumps over the lazy dog " * 4,
            fill=0,
            font=ImageFont.load_default(LETTERS),
        )
    return masked(name, clean, np.asarray(page) > 127)


def _deblur(blur: str) -> Callable[[Problem], Restoration]:
    return lambda problem: tasks.Deblur(blur, channel_axis=-1)


def _fill(problem: Problem) -> Restoration:
    assert problem.known is not None
    return tasks.Inpaint(problem.known, channel_axis=-1)


def _enlarge(problem: Problem) -> Restoration:
    return tasks.Upscale(problem.factor, channel_axis=-1)


def _denoise(problem: Problem) -> Restoration:
    return tasks.Denoise(channel_axis=-1)


def _flash(problem: Problem) -> Restoration:
    assert problem.guide is not None
    return tasks.Flash(np.rint(255 * problem.guide).astype(np.uint8), channel_axis=-1)


def _pair(name: str, clean: Pixels, kind: str) -> Problem:
    return PAIRS[kind](name, clean, clean)


def _dejpeg(problem: Problem) -> Restoration:
    return tasks.Dejpeg(channel_axis=-1)


def _decode(problem: Problem) -> Restoration:
    """Told how the file kept it, where that tells the quality and pixels do not."""
    return tasks.Dejpeg(coding=problem.coding, channel_axis=-1)


BLURS = {"gaussian:1.6": 1, "motion:9@30": 3}  # and sigma of the noise
KINDS: dict[str, tuple[Make, Callable[[Problem], Restoration]]] = {
    "sigma10": (partial(noisy, sigma=10 / 255), _denoise),
    "sigma25": (noisy, _denoise),
    "photons30": (partial(photons, count=30), _denoise),
    "blurred-noise": (partial(correlated, sigma=15 / 255, blur=1), _denoise),
    "camera": (photographed, _denoise),
    "impulses20": (partial(salted, share=0.2), _denoise),
    "flash": (partial(_pair, kind="white"), _flash),
    "flash-camera": (partial(_pair, kind="camera"), _flash),
    "missing50": (partial(punctured, missing=0.5), _fill),
    "text": (written, _fill),
    "x2": (partial(shrunk, factor=2), _enlarge),
    "x4": (partial(shrunk, factor=4), _enlarge),
    "jpeg10": (partial(compressed, quality=10), _dejpeg),
    "jpeg30": (partial(compressed, quality=30), _dejpeg),
    **{kind: (compression.KINDS[kind], _decode) for kind in ("webp20", "avif30")},
    **{kind: (palettes.KINDS[kind], _dejpeg) for kind in ("web", "bands")},
    **{
        blur: (partial(blurred, blur=blur, sigma=sigma / 255), _deblur(blur))
        for blur, sigma in BLURS.items()
    },
}
PHOTOS = ("house", "f16", "kodim01", "kodim03", "kodim12")
CASES = {f"{name}-{kind}": (name, kind) for kind in KINDS for name in PHOTOS}


def _damaged(folder: Path, picture: str, crop: int) -> Problem:
    (name, kind), side = CASES[picture], crop or SIDE
    whole = data.load(folder, "denoise9", name)
    clean = scene(whole, kind, side) if kind in BLURS else centred(whole, side)
    return KINDS[kind][0](picture, clean)


def _task(problem: Problem) -> Restoration:
    """That which the damage calls for."""
    return KINDS[CASES[problem.name][1]][1](problem)


def verdicts(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """By kind: the share of errors within two deviations, and of the squared error where the map
    is greatest.
    """
    lines = []
    for kind in KINDS:
        found = [
            r["calibration"]
            for r in records
            if r["complete"] and r.get("calibration") and CASES[r["picture"]][1] == kind
        ]
        if not found:
            continue
        inside, ratio, worst, best, rank = (
            [each[name] for each in found]
            for name in ("inside", "ratio", "worst", "at best", "rank")
        )
        holds = "HOLDS" if LEAST <= fmean(inside) <= MOST else "DOES NOT HOLD"
        lines.append(
            f"{holds}: {kind}: {fmean(inside):.1%} of the errors are within two deviations "
            f"({min(inside):.1%} to {max(inside):.1%} a picture); deviations are "
            f"{fmean(ratio):.2f} times the errors; {fmean(worst):.0%} of the squared error is in "
            "the tenth of the pixels where they are greatest (uniform 10%, at best "
            f"{fmean(best):.0%}); rank {fmean(rank):.2f}"
        )
    return lines


uncertainty = Item(
    name="uncertainty",
    shows="The map of the uncertainty against the errors, for every task",
    protocol=f"Centres of five pictures, at most {SIDE} pixels a side, in 8 bits; nothing is told "
    "but the mask, the factor, the kernel, the kind of file. Noise of sigma 10 and 25, 30 "
    "photons at white, noise of sigma 15 blurred by a pixel, that of a camera, a fifth of "
    "the values black or white; pairs with and without flash as in `flash-pairs`, white and "
    "camera; half of the pixels missing, lines of text; enlargement by 2 and 4; JPEG of "
    "quality 10 and 30, WebP of 20, AVIF of 30; the colours of the web with a dither, 64 "
    "colours without; two blurs with sigma 1 and 3. Of the pixels that are not known: the "
    f"share of errors within two deviations, which is to be {LEAST:.0%} to {MOST:.0%}, and "
    "the share of the squared error in the tenth of the pixels with the greatest deviation, "
    "where a map that says nothing of the place has a tenth.",
    pictures={case: ("denoise9", name) for case, (name, _) in CASES.items()},
    make=_damaged,
    presets={name: calibrated(_task, name, prior.PACE[name]) for name in ("fast", "best")},
    metrics=("PSNR",),
    verdicts=verdicts,
    side=SIDE,
)
