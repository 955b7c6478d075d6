"""Noise that is correlated, made where the truth is known: blurred, of a camera, striped, of film;
white noise, and none, for control.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from deep_image_prior.images import Pixels

from .. import data
from ..degradations import blurred, grained, photographed, striped, unharmed
from ..problems import Problem, centred, halved
from .camera import BLIND, METRIC, PLAIN, PRESETS
from .claims import TOLD, Scores, confidence, distances, gains, scores
from .item import Item

SIDE = 256
SAME = 45  # dB: nothing is seen to have changed
NEAR = 0.5  # dB
KINDS: dict[str, Callable[[str, Pixels], Problem]] = {
    **{
        f"sigma{sigma}-blur{blur:g}": partial(blurred, sigma=sigma / 255, blur=blur)
        for sigma in (10, 20)
        for blur in (0.7, 1, 2)
    },
    "camera": photographed,
    "rows": partial(striped, sigma=10 / 255, axis=0),
    "columns": partial(striped, sigma=10 / 255, axis=1),
    "grain": partial(grained, sigma=12 / 255),
    "sigma10": partial(blurred, sigma=10 / 255, blur=0),
    "sigma25": partial(blurred, sigma=25 / 255, blur=0),
    "clean": unharmed,
}
PHOTOS = {
    "kodim01": ("denoise9", "kodim01"),
    "kodim12": ("denoise9", "kodim12"),
    "barbara": ("set14", "barbara"),
    "monarch": ("set14", "monarch"),
}
CASES = {f"{name}-{kind}": source for name, source in PHOTOS.items() for kind in KINDS}
ALIKE = {kind: [f"{name}-{kind}" for name in PHOTOS] for kind in KINDS}  # the cases of a kind
NOISY = [case for case in CASES if case not in ALIKE["clean"]]


def _damaged(folder: Path, picture: str, crop: int) -> Problem:
    whole = halved(data.load(folder, *CASES[picture]))
    kind = picture.partition("-")[2]
    return KINDS[kind](picture, centred(whole, min(crop or SIDE, SIDE)))


def verdicts(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Gains, presets beside what was told the truth, by kind of noise too, what became of clean
    pictures, and whether the confidence is true.
    """
    every = scores(records, METRIC)
    noisy, clean = every.of(NOISY), every.of(ALIKE["clean"])
    presets = [f"prior ({name})" for name in PRESETS]
    lines = gains(noisy, "noisy")
    for preset in presets:
        for other in (TOLD, *(f"{plain}, best" for plain in PLAIN)):
            lines += distances(noisy, preset, other, NEAR)
        for kind in KINDS:
            found = distances(noisy.of(ALIKE[kind]), preset, TOLD, NEAR)
            lines += [f"{kind}, {line}" for line in found]
        lines += _kept(clean, preset)
    return lines + confidence(every, judged=NOISY)


def _kept(clean: Scores, column: str) -> list[str]:
    found = clean.values.get(column, {}).values()
    if not found:
        return []
    same = sum(value >= SAME for value in found)
    return [f"clean, {column}: {SAME} dB or more in {same} of {len(found)}, least {min(found):.2f}"]


correlated = Item(
    name="correlated",
    shows="Correlated noise of thirteen kinds on four pictures, nothing told",
    protocol=f"Pictures shrunk to half (Lanczos), at most {SIDE} pixels a side of their centres. "
    "Gaussian noise of sigma 10 and 20 blurred by 0.7, 1 and 2 pixels, then of that sigma again; a "
    "camera (lens of 1 pixel, linear light, the sensor's colours, Bayer mosaic, 1000 photons at "
    "white and Gaussian of 0.004, OpenCV's edge-aware demosaicing, colours, gamma, JPEG of quality "
    "90), whose truth is the same without noise and JPEG; one offset of sigma 10 a row, or a "
    "column; grain of sigma 12 at middle gray, blurred by a pixel, the same in all channels; white "
    "noise of sigma 10 and 25; none. All from default_rng(0) and in 8 bits; RGB PSNR to the truth, "
    "which is not rounded, of results in 8 bits. Methods as in `camera`.",
    pictures=CASES,
    make=_damaged,
    presets=PRESETS,
    baselines=BLIND,
    metrics=(METRIC, "SSIM"),
    verdicts=verdicts,
    side=SIDE,
)
