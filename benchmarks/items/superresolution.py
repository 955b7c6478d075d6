"""Section 3.2: super-resolution, tables 1 and 2, and the effect of the prior, figure 9."""

from functools import partial
from pathlib import Path

from deep_image_prior import tasks

from .. import data
from ..methods import prior
from ..methods.classical import bicubic
from ..problems import Problem, centred, shrunk
from .item import DISTANCES, Item

PROTOCOL = (
    "Truth cropped at its centre to a multiple of 32; x0 is Pillow's antialiased Lanczos "
    "resize of it, in 8 bits; the "
    "operator is a fixed Lanczos2 convolution of phase 0.5. PSNR of luminance (Y of BT.601 in "
    "[16, 235]/255) without 4 "
    "pixels a side. No prior and TV prior (weight 1e-7): descent over pixels from U(0, 0.1), "
    "Adam 0.01, 2000 steps. "
)
PAPERS_BICUBIC = (
    "The paper's bicubic column is that of a bicubic-downsampled input, not of the "
    "Lanczos-downsampled one of its "
    "code: both are given, and the paper's number stands beside the one that reproduces it. "
)
COLUMNS = ("no prior", "bicubic, of a bicubic x0", "TV prior", "prior (paper), last")
TABLE = {
    # set, factor: picture -> no prior, bicubic, TV prior, ours (tables 1 and 2)
    ("set14", 4): {
        "baboon": (22.24, 22.44, 22.34, 22.29),
        "barbara": (24.89, 25.15, 24.78, 25.53),
        "bridge": (23.94, 24.47, 24.46, 24.38),
        "coastguard": (24.62, 25.53, 25.78, 25.81),
        "comic": (21.06, 21.59, 21.95, 22.18),
        "face": (29.99, 31.34, 31.34, 31.02),
        "flowers": (23.75, 25.33, 25.91, 26.14),
        "foreman": (29.01, 29.45, 30.63, 31.66),
        "lenna": (28.23, 29.84, 29.76, 30.83),
        "man": (24.84, 25.70, 25.94, 26.09),
        "monarch": (25.76, 27.45, 28.46, 29.98),
        "pepper": (28.74, 30.63, 31.32, 32.08),
        "ppt3": (20.26, 21.78, 22.75, 24.38),
        "zebra": (21.69, 24.01, 24.52, 25.71),
        "mean": (24.93, 26.05, 26.42, 27.00),
    },
    ("set14", 8): {
        "baboon": (21.09, 21.28, 21.30, 21.38),
        "barbara": (23.04, 23.44, 23.72, 23.94),
        "bridge": (21.78, 22.24, 22.30, 22.20),
        "coastguard": (23.63, 23.65, 23.82, 24.21),
        "comic": (18.65, 19.25, 19.50, 19.86),
        "face": (27.84, 28.79, 28.84, 29.52),
        "flowers": (21.05, 22.06, 22.50, 22.86),
        "foreman": (25.62, 25.37, 26.07, 27.87),
        "lenna": (25.42, 26.27, 26.74, 27.93),
        "man": (22.54, 23.06, 23.53, 23.57),
        "monarch": (22.91, 23.18, 23.71, 24.86),
        "pepper": (25.34, 26.55, 27.56, 29.18),
        "ppt3": (18.15, 18.62, 19.34, 20.12),
        "zebra": (18.85, 19.59, 19.89, 20.62),
        "mean": (22.56, 23.09, 23.48, 24.15),
    },
    ("set5", 4): {
        "baby": (30.16, 31.78, 31.21, 31.49),
        "bird": (27.67, 30.20, 30.43, 31.80),
        "butterfly": (19.82, 22.13, 24.38, 26.23),
        "head": (29.98, 31.34, 31.34, 31.04),
        "woman": (25.18, 26.75, 26.93, 28.93),
        "mean": (26.56, 28.44, 28.85, 29.89),
    },
    ("set5", 8): {
        "baby": (26.28, 27.28, 27.93, 28.28),
        "bird": (24.03, 25.28, 25.82, 27.09),
        "butterfly": (17.64, 17.74, 18.40, 20.02),
        "head": (27.94, 28.82, 28.87, 29.55),
        "woman": (21.37, 22.74, 23.36, 24.50),
        "mean": (23.45, 24.37, 24.87, 25.88),
    },
}


def _shrunk(set: str, factor: int, folder: Path, picture: str, crop: int) -> Problem:
    return shrunk(picture, centred(data.load(folder, set, picture), crop, multiple=32), factor)


def _table(set: str, factor: int) -> Item:
    table = TABLE[set, factor]
    return Item(
        name=f"{set}-x{factor}",
        shows=f"Super-resolution x{factor} of {set.capitalize()} (table "
        f"{1 if set == 'set14' else 2})",
        protocol=PROTOCOL
        + PAPERS_BICUBIC
        + f"Ours: {'4000 steps, jitter 1/20' if factor == 8 else '2000 steps'}.",
        pictures={name: (set, name) for name in data.names(set)},
        make=partial(_shrunk, set, factor),
        presets=prior.tasked(prior.upscale, tasks.upscale.presets(factor)),
        baselines={
            "bicubic": bicubic,
            "no prior": prior.no_prior,
            "TV prior": prior.tv_prior,
            **{
                f"{name}, Lanczos3 told": contender
                for name, contender in prior.tasked(
                    prior.upscale_lanczos3, tasks.upscale.presets(factor)
                ).items()
                if name != "paper"
            },
        },
        metrics=("luminance PSNR", *DISTANCES),
        published={
            column: {picture: numbers[index] for picture, numbers in table.items()}
            for index, column in enumerate(COLUMNS)
        },
    )


tables = tuple(_table(set, factor) for set in ("set5", "set14") for factor in (4, 8))


def _zebra(folder: Path, picture: str, crop: int) -> Problem:
    return shrunk(picture, centred(data.load(folder, "demo", picture), crop, multiple=32), factor=4)


prior_effect = Item(
    name="prior-effect",
    shows="Super-resolution x4 without a prior, with TV and with ours, to be looked at (figure 9)",
    protocol=PROTOCOL + "Ours: 2000 steps. The paper gives pictures only.",
    pictures={"zebra_crop": ("demo", "zebra_crop")},
    make=_zebra,
    presets=prior.tasked(prior.upscale, tasks.upscale.presets(4)),
    baselines={"bicubic": bicubic, "no prior": prior.no_prior, "TV prior": prior.tv_prior},
    metrics=("luminance PSNR", *DISTANCES),
)
