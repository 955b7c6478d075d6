"""Section 3.7's pairs with and without flash where the truth is known."""

from pathlib import Path

from .. import data
from ..methods import prior
from ..methods.classical import best_guided_filters, untouched
from ..pairs import EXPOSURES, KINDS, MOVED, moved
from ..problems import Problem, centred
from .item import Item

SIDE = 256
PHOTOS = {name: ("denoise9", name) for name in ("house", "f16", "kodim01", "kodim03", "kodim12")}
CASES = {f"{name}-{kind}": source for kind in KINDS for name, source in PHOTOS.items()}


def _pair(folder: Path, picture: str, crop: int) -> Problem:
    kind, whole = picture.partition("-")[2], data.load(folder, *CASES[picture])
    seen = moved(whole) if kind == "moved" else whole
    scene, flashed = (centred(each, min(crop or SIDE, SIDE)) for each in (whole, seen))
    return KINDS[kind](picture, scene, flashed)


pairs = Item(
    name="flash-pairs",
    shows="Photos without flash restored by those with flash, of which the truth is known",
    protocol=f"Centres of pictures, at most {SIDE} pixels a side, in linear light times a warm one "
    "that falls from left to right and has a soft edge; under the flash times one that falls to "
    "the corners, with seven hard shadows to 0.3 and twelve highlights. white: noise of sigma 25, "
    "under the flash 3; camera: as in `correlated`, 100 photons at white, under the flash 2000; "
    f"exposures: the same, its truth the mean of {EXPOSURES} photographs of the dim scene, as in "
    f"`camera`; moved: white, the flash photo moved by {MOVED[0]} pixels down and {-MOVED[1]} "
    "left. All from default_rng and in 8 bits; RGB PSNR of results in 8 bits. The prior, and the "
    "denoiser of this package, are told nothing; joint bilateral and guided filter have the "
    "setting that is best by the truth of each picture, of twelve and twenty.",
    pictures=CASES,
    make=_pair,
    presets=prior.flash,
    baselines={
        "x0": untouched,
        **best_guided_filters,
        "denoise (fast)": prior.plain_fast,
    },
    metrics=("PSNR, 8 bits", "SSIM"),
    side=SIDE,
)
