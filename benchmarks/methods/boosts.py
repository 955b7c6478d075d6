"""Detail boosts x0 + b d, of b that give the same gain of detail to all of them."""

import time
from collections.abc import Callable
from dataclasses import asdict, replace

import cv2
import numpy as np
from skimage.filters import unsharp_mask
from torch import Tensor

from deep_image_prior import fit, tasks
from deep_image_prior.denoisers import boosted
from deep_image_prior.images import Pixels

from ..detail import gain
from ..problems import Problem
from . import prior
from .method import Contender, Effort, Outcome

GAINS = (1.5, 2.0)
STRONGEST = 20.0  # b, above which a gain counts as out of reach
ROUNDS = 8  # of halving the range of b


def at_gains(problem: Problem, image: Callable[[float], Pixels]) -> dict[str, Pixels]:
    """image(b) for the least b of every gain, measured with the truth, or for STRONGEST."""
    clean = problem.clean
    assert clean is not None
    images = {}
    for wanted in GAINS:
        least, most = 0.0, 0.5
        while most < STRONGEST and gain(clean, image(most)) < wanted:
            least, most = most, min(2 * most, STRONGEST)  # far beyond, all is clipped
        for _ in range(ROUNDS):
            middle = (least + most) / 2
            if gain(clean, image(middle)) < wanted:
                least = middle
            else:
                most = middle
        images[f"gain {wanted:g}"] = image(most)
    return images


def added(base: Pixels, detail: Pixels) -> Callable[[float], Pixels]:
    return lambda boost: np.clip(base + boost * detail, 0, 1)


def boost(make: Callable[[Pixels], Callable[[float], Pixels]], cost: float) -> Contender:
    """make: x0 -> b -> the image."""

    def method(problem: Problem, effort: Effort) -> Outcome:
        start = time.perf_counter()
        images = at_gains(problem, make(problem.observation))
        return Outcome(images, time.perf_counter() - start)

    return Contender(method, cost)


def unsharp(radius: float) -> Callable[[Pixels], Callable[[float], Pixels]]:
    """scikit-image's unsharp mask; radius: of its Gaussian, in pixels."""
    return lambda x0: lambda amount: unsharp_mask(x0, radius, amount, channel_axis=2)


def guided(radius: int, root: float) -> Callable[[Pixels], Callable[[float], Pixels]]:
    """By OpenCV's guided filter of x0 by itself; root: of epsilon."""

    def make(x0: Pixels) -> Callable[[float], Pixels]:
        x = 255 * x0.astype(np.float32)  # in [0, 1] its determinants underflow
        coarse = cv2.ximgproc.guidedFilter(x, x, radius=radius, eps=(255 * root) ** 2) / 255
        return added(x0, x0 - coarse)

    return make


def bilateral(space: float, colour: float) -> Callable[[Pixels], Callable[[float], Pixels]]:
    """By OpenCV's bilateral filter; its deviations in pixels, and of colours in [0, 1]."""
    return lambda x0: added(x0, x0 - cv2.bilateralFilter(x0.astype(np.float32), -1, colour, space))


def local_laplacian(sigma: float) -> Callable[[Pixels], Callable[[float], Pixels]]:
    """The brightness by a local Laplacian filter, remapped by i + b (i - g) exp(-(i - g)^2 / 2
    sigma^2) at LEVELS scales, in the fast form of Aubry and others 2014, doi:10.1145/2629645; its
    change is added to all channels.
    """

    def make(x0: Pixels) -> Callable[[float], Pixels]:
        gray = x0.mean(axis=2)
        gaussians = [gray]
        for _ in range(LEVELS):
            gaussians.append(cv2.pyrDown(gaussians[-1]))
        values, step = np.linspace(gray.min(), gray.max(), VALUES, retstep=True)
        detail = [np.zeros_like(each) for each in gaussians[:-1]]
        for value in values:
            apart = gray - value
            bands = _bands(apart * np.exp(-(apart**2) / (2 * sigma**2)))
            for band, level, total in zip(bands, gaussians, detail, strict=False):
                total += band * np.maximum(1 - np.abs(level - value) / max(step, 1e-9), 0)
        change = np.zeros_like(gaussians[-1])
        for band in reversed(detail):
            change = _up(change, band) + band
        return added(x0, change[..., None])

    return make


LEVELS, VALUES = 3, 17  # scales of a pyramid, and of brightness


def _bands(image: Pixels) -> list[Pixels]:
    """Of its Laplacian pyramid, but for the last image."""
    bands = []
    for _ in range(LEVELS):
        small = cv2.pyrDown(image)
        bands.append(image - _up(small, image))
        image = small
    return bands


def _up(small: Pixels, like: Pixels) -> Pixels:
    return cv2.pyrUp(small, dstsize=like.shape[::-1])


def ours(name: str) -> Contender:
    """The task as it finds the problem, nothing told but the preset of that name; fitted once."""
    task = tasks.Enhance(preset=name, boost=0)
    settings = task.presets(tasks.Damage(), (1, 1))[name].settings

    def method(problem: Problem, effort: Effort) -> Outcome:
        start = time.perf_counter()
        x0, damage = prior.measured(task, problem, effort.device)
        preset = task.presets(damage, x0.shape[-2:])[name]
        steps = max(1, round(effort.share * preset.settings.steps))
        posed = task.build(x0, preset, damage)
        done = fit(posed, replace(preset.settings, steps=steps, seed=effort.seed), posed.rule)
        observation = prior.tensor(problem.observation, effort.device)
        finished = task.finish(done.image, observation, x0, damage)
        x_c = finished.parts["coarse"]
        x = x_c + finished.parts["detail"] - 0.5

        def of(image: Tensor) -> dict[str, Pixels]:
            return at_gains(problem, lambda b: prior.pixels(boosted(image.clone(), x, x_c, b)))

        images = of(finished.image)
        if name != "paper":
            images |= {f"{gain}, noise taken out": image for gain, image in of(x).items()}
        return Outcome(
            images=images,
            seconds=time.perf_counter() - start,
            steps=sum(done.steps),
            stopped=done.stopped,
            uncertainty_db=done.uncertainty_db,
            complete=done.complete,
            interrupted=done.interrupted,
        )

    cost = prior.PACE[name] * settings.steps * settings.runs
    return Contender(method, cost, prior.SHARE[name], random=True, settings=asdict(settings))


filters = {
    **{f"unsharp mask, {radius} pixels": boost(unsharp(radius), cost=10) for radius in (1, 2)},
    **{f"guided filter, {radius} pixels": boost(guided(radius, 0.2), cost=10) for radius in (2, 4)},
    "bilateral filter": boost(bilateral(4, 0.4), cost=10),
    "local Laplacian": boost(local_laplacian(0.2), cost=10),
}
