"""Section 3.1's claim that the prior needs no model of the noise, on photographs with the noise of
their cameras.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from deep_image_prior import Settings, codes, tasks
from deep_image_prior.networks import ResNet, UNet
from deep_image_prior.objectives import Preset, Residual
from deep_image_prior.tasks.preset import small

from .. import data
from ..methods import Contender, prior
from ..methods.classical import denoisers, spectral, untouched
from ..methods.prior import PACE, SHARE
from ..methods.stops import answered, stopped, unstopped
from ..problems import Problem, centred, filed
from . import stops
from .claims import TOLD, confidence, distances, gains, scores
from .item import Item

METRIC = "PSNR, 8 bits"
REAL = "real/"
SETS = ("cc15", "polyu40")
PICTURES = {
    name.removeprefix(REAL): (set, name)
    for set in SETS
    for name in data.names(set)
    if name.startswith(REAL)
}
PRESETS = {
    name: answered(name, preset.settings, PACE[name], SHARE[name])
    for name, preset in tasks.denoise.white().items()
}
SMALL = 2.1  # seconds a step and megapixel of the small hourglass
PLAIN = {
    "plain prior on noise": unstopped(
        prior.plain, Preset(small, Residual(codes.noise), Settings(steps=800)), SMALL
    ),
    "plain prior on blurs": unstopped(
        prior.plain, Preset(small, Residual(codes.blurs), Settings(steps=400, jitter=0.05)), SMALL
    ),
}
BLIND = {
    "x0": untouched,
    **spectral,
    "CBM3D": denoisers["CBM3D"],
    "non-local means": denoisers["non-local means"],
    **PLAIN,
}


def _pair(folder: Path, picture: str, crop: int) -> Problem:
    """One photograph, and the mean of many of the same scene."""
    set, real = PICTURES[picture]
    mean = real.replace(REAL, "mean/")
    truth, noisy = (centred(data.load(folder, set, name), crop) for name in (mean, real))
    return filed(picture, truth, noisy)


def verdicts(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """By set: gains over the input, and presets beside what was told the truth; and whether their
    confidence is true.
    """
    every = scores(records, METRIC)
    lines = []
    for set in SETS:
        table = every.of([name for name, source in PICTURES.items() if source[0] == set])
        lines += gains(table, set)
        for name in PRESETS:
            for other in (TOLD, *(f"{plain}, best" for plain in PLAIN)):
                found = distances(table, f"prior ({name})", other, within=0)
                lines += [f"{set}, {line}" for line in found]
    return lines + confidence(every, PICTURES)


camera = Item(
    name="camera",
    shows="Photographs as cameras make them, nothing told (section 3.1)",
    protocol="Seven pictures of cc15 (Nam et al. 2016), twenty of polyu40 (Xu et al. 2018, "
    "arXiv:1804.02603): x0 is one photograph, the truth the mean of many. RGB PSNR of the whole "
    "picture, results in 8 bits. The prior is told nothing; best: the averaged image at the best "
    "step of its run, which no rule knows. Plain prior: a small hourglass on "
    "noise (800 steps) and on four blurs of x0 (400 steps), squared error to x0, no model of the "
    "noise and no rule. CBM3D and non-local means are told the deviation of the true noise, or "
    "CBM3D its spectrum in each opponent channel (Welch's, windows of 32 pixels).",
    pictures=PICTURES,
    make=_pair,
    presets=PRESETS,
    baselines=BLIND,
    metrics=(METRIC, "SSIM"),
    verdicts=verdicts,
)

SIDE = 128
PAPER = tasks.denoise.white()["paper"]
NARROW = tasks.dejpeg.presets()["paper"]  # of figure 6
SLOW = replace(NARROW.settings, learning_rate=0.001)  # at the 0.01 of the others E of a U-Net jumps


def _centre(folder: Path, picture: str, crop: int) -> Problem:
    return _pair(folder, picture, min(crop or SIDE, SIDE))


def _as_figure_6(
    network: Callable[[int, int], nn.Module],
    pace: float,
    settings: Settings = NARROW.settings,
) -> Contender:
    narrow = replace(NARROW, network=network, settings=settings)
    return unstopped(prior.plain, narrow, pace, share=0.25)


def _published(mean: float) -> dict[str, float]:
    return {"mean": mean}


paper = Item(
    name="camera-paper",
    shows="Where the paper's preset stops on photographs as cameras make them, and the paper's "
    "three architectures (section 3.1)",
    protocol=f"Centres of {SIDE} x {SIDE} pixels of the seven pictures of cc15. RGB PSNR of "
    "averaged images in 8 bits: the best of the run, the one chosen, those of the rules that only "
    "bear witness, and the last. Architectures: code, steps and rate of figure 6, the U-Net at a "
    "tenth of that rate, for at the whole of it its energy jumps. The paper's numbers are of other "
    "photographs (Plotz and Roth 2017, doi:10.1109/CVPR.2017.294), whose truths are withheld; it "
    "does not say whether they are of averaged images.",
    pictures={name: source for name, source in PICTURES.items() if source[0] == "cc15"},
    make=_centre,
    presets={"paper": stopped(prior.published, PAPER, PACE["paper"])},
    baselines={
        "hourglass of figure 6": _as_figure_6(NARROW.network, pace=2.0),
        "U-Net": _as_figure_6(UNet, pace=1.0, settings=SLOW),
        "ResNet": _as_figure_6(ResNet, pace=4.0),
        "x0": untouched,
        **spectral,
        "CBM3D": denoisers["CBM3D"],
    },
    metrics=(METRIC, "SSIM"),
    published={
        "hourglass of figure 6, average": _published(41.95),
        "U-Net, average": _published(35.05),
        "ResNet, average": _published(31.95),
        "CBM3D": _published(30.13),
    },
    verdicts=partial(stops.verdicts, metric=METRIC, close=0.5),
    side=SIDE,
)
