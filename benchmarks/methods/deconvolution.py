"""Deconvolution by methods that people pick instead, each told the kernel, and with the setting
that is best for the picture of a few, chosen by the truth.
"""

from collections.abc import Callable

import numpy as np
import torch
from skimage.restoration import richardson_lucy, unsupervised_wiener, wiener

from deep_image_prior.degradations import Blurring, Noise
from deep_image_prior.denoisers import tv_least_squares
from deep_image_prior.energies import squared_error
from deep_image_prior.images import Pixels

from ..problems import Problem
from .classical import best, plain, untouched
from .prior import pixels, tensor

STEPS = 150  # of total variation


def padded(problem: Problem) -> tuple[Pixels, Pixels]:
    """The kernel, with its centre in the middle, and x0 reflected by its size to every side: the
    methods of scikit-image suppose what is outside.
    """
    assert problem.kernel is not None
    kernel = np.pad(problem.kernel, [(0, 1 - side % 2) for side in problem.kernel.shape])
    rows, columns = kernel.shape
    edges = ((rows, rows), (columns, columns), (0, 0))
    return kernel, np.pad(problem.observation, edges, mode="reflect")


def _planes(problem: Problem, solve: Callable[[Pixels, Pixels], Pixels]) -> Pixels:
    """solve(plane, kernel) of every channel, reflected, and cut to its size."""
    kernel, whole = padded(problem)
    (rows, columns), (height, width) = kernel.shape, problem.observation.shape[:2]
    planes = [solve(plane, kernel) for plane in np.moveaxis(whole, 2, 0)]
    return np.dstack(planes)[rows : rows + height, columns : columns + width]


def _richardson_lucy(problem: Problem, rounds: float) -> Pixels:
    return _planes(problem, lambda y, k: richardson_lucy(y, k, num_iter=int(rounds)))


def _wiener(problem: Problem, balance: float) -> Pixels:
    return _planes(problem, lambda y, k: wiener(y, k, balance))


def _unsupervised(problem: Problem) -> Pixels:
    return _planes(problem, lambda y, k: unsupervised_wiener(y, k, rng=0)[0])


def _total_variation(problem: Problem, strength: float) -> Pixels:
    """Of the image that is larger by the kernel, by Adam over its pixels; the weight is `strength`
    times sigma.
    """
    assert problem.kernel is not None
    assert problem.sigma is not None
    blurring = Blurring(torch.from_numpy(problem.kernel).float(), Noise(0))
    x0 = tensor(problem.observation, torch.device("cpu"))
    energy = squared_error(x0, blurring.operator)
    image = tv_least_squares(blurring.extended(x0), energy, strength * problem.sigma, STEPS)
    return pixels(blurring.operator.inside(image))


deconvolutions = {
    "x0": untouched,
    "Richardson-Lucy": best(_richardson_lucy, (3, 6, 12, 25, 50, 100), cost=100),
    "Wiener": best(_wiener, tuple(10.0**k for k in np.arange(-4, 1, 0.5)), cost=10),
    "unsupervised Wiener": plain(_unsupervised, cost=20),
    "total variation": best(_total_variation, (0.06, 0.12, 0.25, 0.5), cost=350),
}
