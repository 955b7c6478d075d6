"""Section 3.6 beside other detail boosts: halos and noise at the same gain of detail."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from deep_image_prior.images import Pixels

from .. import data
from ..degradations import blurred, photographed, unharmed
from ..methods.boosts import GAINS, STRONGEST, filters, ours
from ..methods.classical import untouched
from ..problems import Problem, centred, filed
from .item import Item

SIDE = 192
REACHED = 0.05  # of a gain, at the most: what is farther off is not compared
KINDS: dict[str, Callable[[str, Pixels], Problem]] = {
    "clean": unharmed,
    **{f"sigma{sigma}": partial(blurred, sigma=sigma / 255, blur=0) for sigma in (10, 25)},
    "camera": photographed,
}
PHOTOS = {
    "kodim03": ("denoise9", "kodim03"),
    "kodim12": ("denoise9", "kodim12"),
    "f16": ("denoise9", "f16"),
    "monkey": ("demo", "monkey"),
}
REAL = {
    name.removeprefix("real/"): ("cc15", name)
    for name in [each for each in data.names("cc15") if each.startswith("real/")][:3]
}
CASES = {f"{name}-{kind}": source for name, source in PHOTOS.items() for kind in KINDS} | REAL
ALIKE = {kind: [f"{name}-{kind}" for name in PHOTOS] for kind in KINDS} | {"real": list(REAL)}
PRESETS = {name: ours(name) for name in ("fast", "best", "paper")}


def _damaged(folder: Path, picture: str, crop: int) -> Problem:
    set, name = CASES[picture]
    side = min(crop or SIDE, SIDE)
    photo = centred(data.load(folder, set, name), side)
    if picture in REAL:
        mean = centred(data.load(folder, set, name.replace("real/", "mean/")), side)
        return filed(picture, mean, photo)
    return KINDS[picture.partition("-")[2]](picture, photo)


def verdicts(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """By kind of noise and gain, every method's mean overshoot and noise in flat parts, over the
    pictures on which it reached the gain.
    """
    scores: dict[str, dict[str, Mapping[str, float]]] = {}
    for record in records:
        if record["seed"] == 0 and record["complete"]:
            for name, measured in record["scores"].items():
                scores.setdefault(name, {})[record["picture"]] = measured
    lines = []
    for kind, pictures in ALIKE.items():
        for gain in GAINS:
            for name, measured in scores.items():
                found = [measured[each] for each in pictures if each in measured]
                near = [row for row in found if abs(row["detail gain"] - gain) < REACHED]
                if found and f"gain {gain:g}" in name:
                    lines.append(f"{kind}, {name}: {_means(near, len(found))}")
    return lines


def _means(rows: Sequence[Mapping[str, float]], count: int) -> str:
    words = [f"reached in {len(rows)} of {count}"]
    for name in ("overshoot", "noise in flat parts"):
        if values := [row[name] for row in rows if name in row]:
            words.append(f"{name} {fmean(values):.2f}, at the most {max(values):.2f}")
    return "; ".join(words)


detail = Item(
    name="detail",
    shows="Detail boosted equally: halos, and noise in flat parts (section 3.6)",
    protocol=f"Centres of {SIDE} x {SIDE} pixels: four pictures as they are, with white noise of "
    "sigma 10 and 25 and as a camera would have taken them (as in `correlated`), and photographs "
    "of cc15, whose truth is the mean of many; 8 bits. Results are not rounded. Every method adds "
    f"b times its detail to x0, b (at most {STRONGEST:g}) chosen so that the detail gain is "
    f"{' and '.join(f'{gain:g}' for gain in GAINS)}: detail is what a Gaussian of 2 pixels takes "
    "off, its gain the slope of that of the result on that of the truth under Gaussians of 3 "
    "pixels, the mean over textured parts (the 40 % of most contrast, away from edges). Overshoot: "
    "how far the result leaves the range that the truth has within 4 pixels, white being 255, the "
    "mean within 4 pixels of the 3 % steepest edges; it counts the noise that x0 has there. Noise "
    "in flat parts: the standard deviation of detail in the tenth of least contrast, less what "
    "goes with the truth's, over that of x0. The strengths of the filters, in the same order: "
    "radii of 1 and 2; radii of 2 and 4, epsilon 0.2^2; 4 pixels and 0.4; sigma 0.2, three scales; "
    "as they did best on crops of Set14. The prior is told nothing; noise "
    "taken out: --strength 1, detail is added to the denoised image.",
    pictures=CASES,
    make=_damaged,
    presets=PRESETS,
    baselines={
        **filters,
        "x0": untouched,
    },
    metrics=("overshoot", "noise in flat parts", "detail gain"),
    verdicts=verdicts,
    side=SIDE,
)
