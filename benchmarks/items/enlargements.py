"""Enlargement of what another filter made small, or with noise, or in a JPEG file."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from deep_image_prior.degradations import Downsampling
from deep_image_prior.degradations.prefilters import prefilter

from .. import data
from ..methods import prior
from ..methods.classical import bicubic
from ..methods.method import CPU
from ..problems import Problem, centred, filed, in_file, shrunk
from .item import Item

FACTOR, SIDE = 4, 256
PHOTOS = ("house", "f16", "kodim03", "kodim12")
KERNELS = ("gaussian:1.2", "gaussian:2", "box", "lanczos3")
SIGMA, QUALITY = 5, 75
NOISY, CODED = f"sigma{SIGMA}", f"jpeg{QUALITY}"
CASES = {f"{name}-{kind}": (name, kind) for kind in (*KERNELS, NOISY, CODED) for name in PHOTOS}


def _seen(folder: Path, picture: str, crop: int) -> Problem:
    name, kind = CASES[picture]
    clean = centred(data.load(folder, "denoise9", name), crop or SIDE, multiple=32)
    if kind in KERNELS:
        shrinking = Downsampling(FACTOR, prefilter(kind, FACTOR, clean.shape[:2]))
        seen = prior.pixels(shrinking.shrink(prior.tensor(clean, CPU)))
        return replace(filed(picture, seen, seen), clean=clean, factor=FACTOR)
    small = shrunk(picture, clean, FACTOR)
    if kind == CODED:
        coded = in_file(picture, small.observation, ".jpg", quality=QUALITY)
        return replace(small, observation=coded.observation, coding=coded.coding)
    noise = np.random.default_rng(0).normal(0, SIGMA / 255, small.observation.shape)
    return replace(
        small,
        observation=filed(picture, small.observation, small.observation + noise).observation,
        sigma=SIGMA / 255,
    )


def _told(problem: Problem) -> dict[str, Any]:
    kind = CASES[problem.name][1]
    return {"psf": kind} if kind in KERNELS else {"sigma": problem.sigma} if kind == NOISY else {}


enlargements = Item(
    name="enlargements",
    shows="Super-resolution x4 of other kernels, of noise and of JPEG files",
    protocol=f"Centres of {SIDE} x {SIDE}. Truth low-passed by the kernel and every fourth pixel "
    "kept, the first in the middle of four; or Pillow's Lanczos resize, with noise of sigma "
    f"{SIGMA} of 255 from default_rng(0), or as a JPEG file of quality {QUALITY} keeps it. 8 bits. "
    "The prior is told nothing (and takes Lanczos2 for the kernel), or the kernel and sigma, as "
    "`dip upscale` is. PSNR of luminance without 4 pixels a side.",
    pictures={case: ("denoise9", name) for case, (name, _) in CASES.items()},
    make=_seen,
    presets={name: prior.enlarging(name, FACTOR) for name in ("fast", "best")},
    baselines={
        "bicubic": bicubic,
        "TV prior": prior.tv_prior,
        "prior (fast), told": prior.enlarging("fast", FACTOR, _told),
    },
    metrics=("luminance PSNR", "PSNR"),
    side=SIDE,
)
