"""Methods that people pick instead, from kept libraries."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from importlib import import_module
from itertools import product
from typing import Any, TypeVar
from unittest.mock import patch

import cv2
import numpy as np
import torch
from PIL import Image
from skimage import filters
from skimage.restoration import (
    denoise_tv_chambolle,
    denoise_wavelet,
    estimate_sigma,
    inpaint_biharmonic,
)

from deep_image_prior import baselines
from deep_image_prior.denoisers import patch_fill
from deep_image_prior.images import Pixels

from ..problems import Problem
from .method import Contender, Effort, Outcome


def plain(solve: Callable[[Problem], Pixels], cost: float, needs: str = "") -> Contender:
    """A method without steps or chance as a contender."""

    def method(problem: Problem, effort: Effort) -> Outcome:
        if needs:
            import_module(needs)  # before the clock starts
        start = time.perf_counter()
        image = solve(problem)
        return Outcome({"": np.clip(image, 0, 1)}, time.perf_counter() - start)

    return Contender(method, cost, needs=needs)


Value = TypeVar("Value")


def best(
    solve: Callable[[Problem, Value], Pixels],
    values: Sequence[Value],
    cost: float,
    needs: str = "",
) -> Contender:
    """`solve` with the value that gives the highest PSNR; seconds are of all of them."""

    def chosen(problem: Problem) -> Pixels:
        assert problem.clean is not None
        made = [np.clip(solve(problem, value), 0, 1) for value in values]
        return min(made, key=lambda image: float(np.square(image - problem.clean).mean()))

    return plain(chosen, cost, needs)


def gaussian(problem: Problem, sigma: float) -> Pixels:
    """A blur; sigma in pixels."""
    return filters.gaussian(problem.observation, sigma, channel_axis=-1)


def nonlocal_means(problem: Problem) -> Pixels:
    """scikit-image's, told sigma, or estimating it."""
    return baselines.nonlocal_means(problem.observation, _sigma(problem))


def total_variation(problem: Problem) -> Pixels:
    """scikit-image's Chambolle solver; its weight is sigma, of the noise."""
    return denoise_tv_chambolle(problem.observation, weight=_sigma(problem), channel_axis=-1)


def wavelet(problem: Problem) -> Pixels:
    """scikit-image's BayesShrink in YCbCr, told sigma, or estimating it."""
    return denoise_wavelet(
        problem.observation,
        sigma=_sigma(problem),
        channel_axis=-1,
        convert2ycbcr=problem.observation.shape[2] == 3,
        rescale_sigma=True,
    )


def bm3d(problem: Problem) -> Pixels:
    """CBM3D (doi:10.1109/TIP.2007.901238), the authors' package, told sigma; BM3D for gray."""
    from bm3d import bm3d as gray
    from bm3d import bm3d_rgb

    solve = bm3d_rgb if problem.observation.shape[2] == 3 else gray
    return solve(problem.observation, _sigma(problem)).reshape(problem.observation.shape)


def _trapz() -> AbstractContextManager[Any]:
    """The name that NumPy's trapezoid had before NumPy 2, by which the package calls it."""
    if hasattr(np, "trapz"):
        return nullcontext()
    return patch.object(np, "trapz", np.trapezoid, create=True)


SIDE = 32  # of the windows that a spectrum is measured on


def bm3d_spectrum(problem: Problem) -> Pixels:
    """CBM3D of correlated noise (doi:10.1109/TIP.2020.3014721), the authors' package, told the
    spectrum of the true noise in each of its three opponent channels.
    """
    from bm3d import bm3d as denoise
    from bm3d import rgb_to

    assert problem.clean is not None
    opponent, top, bottom, _, matrix = rgb_to(problem.observation, "opp")
    noise = (problem.observation - problem.clean) @ matrix.T / (top - bottom)
    with _trapz():
        restored = denoise(opponent, spectrum(noise))
    return rgb_to(restored, "opp", inverse=True, o_max=top, o_min=bottom)[0]


def spectrum(noise: Pixels) -> Pixels:
    """E |F n|^2 of noise (H, W, C), H W sigma^2 where it is white: Welch's, of Hann windows that
    overlap by half, interpolated.
    """
    height, width = noise.shape[:2]
    side = min(SIDE, height, width)
    hann = np.hanning(side + 1)[:-1]
    window = np.outer(hann, hann)
    seen = np.lib.stride_tricks.sliding_window_view(noise, (side, side), axis=(0, 1))
    power = np.abs(np.fft.fft2(seen[:: side // 2, :: side // 2] * window)) ** 2
    density = power.mean(axis=(0, 1)) / (window**2).sum()  # (C, side, side)
    planes = _periodic(side, height) @ density @ _periodic(side, width).T
    return height * width * np.moveaxis(planes, 0, 2)


def _periodic(few: int, many: int) -> Pixels:
    """(many, few): `few` values of a period interpolated linearly at `many` places."""
    below, rest = np.divmod(np.arange(many) * few / many, 1)
    first = np.eye(few)[below.astype(int)]
    return first * (1 - rest[:, None]) + np.roll(first, 1, axis=1) * rest[:, None]


def resized(image: Pixels, height: int, width: int) -> Pixels:
    """Pillow's bicubic resize of (H, W, C) in [0, 1], antialiased where it shrinks, in 8 bits."""
    planes = np.rint(image * 255).astype(np.uint8).transpose(2, 0, 1)
    bicubic = (
        Image.fromarray(plane).resize((width, height), Image.Resampling.BICUBIC) for plane in planes
    )
    return np.dstack([np.asarray(plane) for plane in bicubic]) / 255


def _bicubic(problem: Problem, effort: Effort) -> Outcome:
    """Of x0; and of what bicubic shrinking would have left, which is the protocol of the paper's
    bicubic column.
    """
    start = time.perf_counter()
    small = problem.observation.shape[:2]
    large = [problem.factor * side for side in small]
    images = {"": resized(problem.observation, *large)}
    seconds = time.perf_counter() - start
    if problem.clean is not None:
        images["of a bicubic x0"] = resized(resized(problem.clean, *small), *large)
    return Outcome(images, seconds)


bicubic = Contender(_bicubic, cost=0.1)


def biharmonic(problem: Problem) -> Pixels:
    """scikit-image's biharmonic inpainting."""
    assert problem.known is not None
    return inpaint_biharmonic(problem.observation, ~problem.known, channel_axis=-1)


def telea(problem: Problem) -> Pixels:
    """OpenCV's fast-marching inpainting (doi:10.1080/10867651.2004.10487596), radius 3."""
    assert problem.known is not None
    damaged = np.rint(problem.observation * 255).astype(np.uint8)
    filled = cv2.inpaint(damaged, (~problem.known).astype(np.uint8), 3, cv2.INPAINT_TELEA)
    return filled.reshape(damaged.shape) / 255


def patches(problem: Problem) -> Pixels:
    """Patches of 7 x 7 pixels of what is known, ours: by search and vote from coarse to fine
    (doi:10.1109/TPAMI.2007.60).
    """
    assert problem.known is not None
    known = torch.from_numpy(problem.known.astype(np.float32))[None, None]
    image = torch.from_numpy(problem.observation.astype(np.float32)).permute(2, 0, 1)[None]
    return patch_fill(image, known)[0].permute(1, 2, 0).numpy()


def joint_bilateral(problem: Problem, sigmas: tuple[float, float]) -> Pixels:
    """OpenCV's bilateral filter whose range weights come from the flash photo
    (doi:10.1145/1015706.1015777). sigmas: of colour and of space.
    """
    assert problem.guide is not None
    guide, image = problem.guide.astype(np.float32), problem.observation.astype(np.float32)
    colour, space = sigmas
    return cv2.ximgproc.jointBilateralFilter(
        guide, image, d=-1, sigmaColor=colour, sigmaSpace=space
    )


def guided(problem: Problem, setting: tuple[int, float]) -> Pixels:
    """OpenCV's guided filter (doi:10.1109/TPAMI.2012.213). setting: radius, and root of epsilon.

    In [0, 255]: in [0, 1] its determinants of variances underflow, and it becomes a mean.
    """
    assert problem.guide is not None
    guide, image = (255 * x.astype(np.float32) for x in (problem.guide, problem.observation))
    radius, root = setting
    return cv2.ximgproc.guidedFilter(guide, image, radius=radius, eps=(255 * root) ** 2) / 255


def _sigma(problem: Problem) -> float:
    if problem.sigma is not None:
        return problem.sigma
    return float(estimate_sigma(problem.observation, channel_axis=-1, average_sigmas=True))


def _told(solve: Callable[[Problem], Pixels]) -> Callable[[Problem, float], Pixels]:
    """`solve`, told another sigma than the problem's; of 255."""
    return lambda problem, sigma: solve(replace(problem, sigma=sigma / 255))


untouched = plain(lambda problem: problem.observation, cost=0)
denoisers = {
    "CBM3D": plain(bm3d, cost=115, needs="bm3d"),
    "non-local means": plain(nonlocal_means, cost=60),
    "total variation": plain(total_variation, cost=6),
    "wavelet": plain(wavelet, cost=1, needs="pywt"),
}
best_denoisers = {
    "CBM3D": best(_told(bm3d), (5, 10, 15, 20), cost=460, needs="bm3d"),
    "non-local means": best(_told(nonlocal_means), (3, 5, 8, 12, 18), cost=300),
    "total variation": best(_told(total_variation), (2.5, 5, 8, 12, 18, 25), cost=36),
}
# for what is changed more
STRONG = (3, 8, 20, 50, 100)
best_strong_denoisers = {
    "CBM3D": best(_told(bm3d), STRONG, cost=575, needs="bm3d"),
    "non-local means": best(_told(nonlocal_means), STRONG, cost=300),
    "total variation": best(_told(total_variation), STRONG, cost=30),
    "Gaussian": best(gaussian, (0.5, 1, 1.5, 2, 3), cost=1),
}
inpainters = {"biharmonic": plain(biharmonic, cost=300), "Telea": plain(telea, cost=2)}
spectral = {"CBM3D told the spectrum": plain(bm3d_spectrum, cost=150, needs="bm3d")}
guided_filters = {
    "joint bilateral": plain(lambda problem: joint_bilateral(problem, (0.1, 8)), cost=10),
    "guided filter": plain(lambda problem: guided(problem, (8, 0.02)), cost=1),
}
best_guided_filters = {
    "joint bilateral": best(
        joint_bilateral, tuple(product((0.05, 0.1, 0.2, 0.4), (2, 4, 8))), cost=60
    ),
    "guided filter": best(
        guided, tuple(product((2, 4, 8, 16), (0.01, 0.02, 0.04, 0.08, 0.16))), cost=20
    ),
}
