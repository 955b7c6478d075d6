"""Deconvolution with a known kernel: five blurs, two noises, edges as a camera has them."""

from pathlib import Path

import numpy as np
import torch

from deep_image_prior import tasks
from deep_image_prior.degradations import kernels
from deep_image_prior.images import Pixels
from deep_image_prior.operators import Blur

from .. import data
from ..methods import prior
from ..methods.deconvolution import deconvolutions
from ..problems import Problem, filed
from .item import Item

BLURS = ("gaussian:1.6", "gaussian:3", "disk:3", "motion:9@30", "motion:15@-45")
SIGMAS = (1, 5)  # of 255
PHOTOS = {name: ("denoise9", name) for name in ("house", "f16", "kodim01", "kodim03", "kodim12")}
CASES = {
    f"{name}-{blur}-sigma{sigma}": (name, blur, sigma)
    for blur in BLURS
    for sigma in SIGMAS
    for name in PHOTOS
}
SIDE = 256


def blurred(name: str, scene: Pixels, blur: str, sigma: float) -> Problem:
    """x0 = k * x + n in 8 bits, n ~ N(0, sigma^2) from default_rng(0); the truth is what x0 shows
    of the scene (H + h - 1, W + w - 1, C).
    """
    kernel = kernels.named(blur)
    operator, x = Blur(kernel.double()), torch.from_numpy(scene).permute(2, 0, 1)[None]
    clean, seen = (y[0].permute(1, 2, 0).numpy() for y in (operator.inside(x), operator(x)))
    noise = np.random.default_rng(0).normal(0, sigma, seen.shape)
    observation = filed(name, seen, seen + noise).observation
    return Problem(name, observation, clean, sigma=sigma, kernel=kernel.numpy())


def scene(whole: Pixels, blur: str, side: int) -> Pixels:
    """The centre of which an x0 of `side` pixels a side, or what there is, can be made."""
    reach = [each - 1 for each in kernels.named(blur).shape]
    sides = [
        min(side, size - more) + more for size, more in zip(whole.shape[:2], reach, strict=True)
    ]
    top, left = ((size - each) // 2 for size, each in zip(whole.shape[:2], sides, strict=True))
    return np.ascontiguousarray(whole[top : top + sides[0], left : left + sides[1]])


def _blurred(folder: Path, picture: str, crop: int) -> Problem:
    name, blur, sigma = CASES[picture]
    whole = data.load(folder, *PHOTOS[name])
    return blurred(picture, scene(whole, blur, crop or SIDE), blur, sigma / 255)


deblur = Item(
    name="deblur",
    shows="Deconvolution with a known kernel: Gaussians, a lens out of focus, motion",
    protocol=f"Centres of pictures, at most {SIDE} pixels a side, of which a larger part is "
    "blurred, so that nothing is known of what is outside; Gaussian noise of sigma 1 and 5 of "
    "255 from default_rng(0); 8 bits. RGB PSNR of the whole result. All methods are told the "
    "kernel; the prior measures the noise. Richardson-Lucy (3 to 100 rounds), Wiener (ten weights) "
    "and total variation (four, of the extended image) have the setting that is best by the truth "
    "of each picture, and seconds of all; scikit-image's are given x0 reflected at its edges.",
    pictures={case: PHOTOS[name] for case, (name, _, _) in CASES.items()},
    make=_blurred,
    presets=prior.tasked(prior.deblur, tasks.deblur.presets()),
    baselines=deconvolutions,
    metrics=("PSNR", "SSIM"),
    side=SIDE,
)
