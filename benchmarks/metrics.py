"""How near a result is to the truth: Problem x image -> number, or None where it cannot be
measured.
"""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from skimage.filters import gaussian
from skimage.metrics import structural_similarity
from skimage.restoration import estimate_sigma

from deep_image_prior import metrics
from deep_image_prior.classifiers import Classifier
from deep_image_prior.images import Pixels

from . import detail, judges
from .methods.method import CPU
from .methods.prior import tensor
from .problems import Problem

Metric = Callable[[Problem, Pixels], float | None]


def psnr(problem: Problem, image: Pixels) -> float | None:
    """All pixels and channels, peak 1."""
    return None if problem.clean is None else metrics.psnr(problem.clean, image, peak=1)


def rounded_psnr(problem: Problem, image: Pixels) -> float | None:
    """All pixels and channels, peak 1, of the image in 8 bits, as a file has it."""
    return psnr(problem, np.rint(255 * np.clip(image, 0, 1)) / 255)


def luminance_psnr(problem: Problem, image: Pixels) -> float | None:
    """Y of BT.601 in [16, 235] / 255, without 4 pixels a side."""
    return None if problem.clean is None else metrics.luminance_psnr(problem.clean, image)


def hole_psnr(problem: Problem, image: Pixels) -> float | None:
    """The missing pixels only."""
    if problem.clean is None or problem.known is None:
        return None
    return metrics.psnr(problem.clean[~problem.known], image[~problem.known], peak=1)


def hole_ssim(problem: Problem, image: Pixels) -> float | None:
    """Mean structural similarity over the 7 x 7 windows around the missing pixels."""
    if problem.clean is None or problem.known is None:
        return None
    _, every = structural_similarity(
        problem.clean, image.astype(np.float64), data_range=1, channel_axis=-1, full=True
    )
    return float(every[~problem.known].mean())


def hole_features(problem: Problem, image: Pixels) -> float | None:
    """Squared distance of normalised features, 0 to 4, at two layers of EfficientNet-Lite1, by how
    much of a feature's cell is missing; the mean of the two. As LPIPS without its learned weights
    (doi:10.1109/CVPR.2018.00068).
    """
    if problem.clean is None or problem.known is None or find_spec(judges.LITE1) is None:
        return None
    missing = tensor(~problem.known, CPU)
    pair = [
        tensor(np.broadcast_to(np.clip(x, 0, 1), (*x.shape[:2], 3)), CPU)
        for x in (problem.clean, image)
    ]
    return judges.apart(judges.other(), judges.TEXTURE, missing, *pair)


def ssim(problem: Problem, image: Pixels) -> float | None:
    """Mean structural similarity over 7 x 7 windows, all channels."""
    return (
        None
        if problem.clean is None
        else metrics.ssim(problem.clean, image.astype(np.float64), peak=1)
    )


def lpips(problem: Problem, image: Pixels) -> float | None:
    """Learned perceptual distance (AlexNet), only if its package and weights are on this machine
    already.
    """
    network = _lpips()
    if network is None or problem.clean is None or min(image.shape[:2]) < 64:
        return None
    pair = (
        2 * tensor(np.broadcast_to(x, (*x.shape[:2], 3)), CPU) - 1 for x in (problem.clean, image)
    )
    with torch.no_grad():
        return float(network(*pair))


def sharpness(problem: Problem, image: Pixels) -> float | None:
    """Mean absolute difference of neighbouring pixels, over that of the observation."""

    def roughness(x: Pixels) -> float:
        return float(np.abs(np.diff(x, axis=0)).mean() + np.abs(np.diff(x, axis=1)).mean())

    return roughness(image) / roughness(problem.observation)


def noise(problem: Problem, image: Pixels) -> float | None:
    """scikit-image's wavelet estimate of the standard deviation of noise, white being 255."""
    return 255 * float(estimate_sigma(image, channel_axis=-1, average_sigmas=True))


def light(problem: Problem, image: Pixels) -> float | None:
    """PSNR between image and observation under a Gaussian of 8 pixels: whether the light has been
    kept.
    """
    before, after = (gaussian(x, 8, channel_axis=-1) for x in (problem.observation, image))
    return metrics.psnr(before, after, peak=1)


def detail_gain(problem: Problem, image: Pixels) -> float | None:
    """How many times as strong detail is as that of the truth, where that is textured."""
    return None if problem.clean is None else detail.gain(problem.clean, image)


def flat_noise(problem: Problem, image: Pixels) -> float | None:
    """Noise in the flat parts of the truth, over that of the observation there, if it has any."""
    if problem.clean is None or np.array_equal(problem.clean, problem.observation):
        return None
    before, after = (detail.flat_noise(problem.clean, x) for x in (problem.observation, image))
    return after / before


def overshoot(problem: Problem, image: Pixels) -> float | None:
    """How far beyond the range of the truth near strong edges, white being 255."""
    return None if problem.clean is None else 255 * detail.overshoot(problem.clean, image)


def scale(problem: Problem, image: Pixels) -> float | None:
    """The distance in pixels, along rows and columns, at which the autocorrelation of the image
    falls to a half.
    """
    centred = image.mean(axis=2) - image.mean()
    power = np.abs(np.fft.fft2(centred)) ** 2
    correlation = np.fft.ifft2(power).real
    half = min(correlation.shape) // 2
    along = (correlation[0, :half] + correlation[:half, 0]) / (2 * correlation[0, 0])
    below = np.flatnonzero(along < 0.5)
    if not below.size:
        return None
    after = int(below[0])
    return after - 1 + float((along[after - 1] - 0.5) / (along[after - 1] - along[after]))


def feature_error(problem: Problem, image: Pixels) -> float | None:
    """|Phi(x) - Phi(x0)|^2 / |Phi(x0)|^2 at the layer of the problem."""
    return _feature_error(judges.own(), problem.layer, problem, image)


def other_feature_error(problem: Problem, image: Pixels) -> float | None:
    """The same at a layer as deep in a classifier that had no part in making the image."""
    return _feature_error(judges.other(), judges.PEERS.get(problem.layer or ""), problem, image)


def _feature_error(
    classifier: Classifier, layer: str | None, problem: Problem, image: Pixels
) -> float | None:
    if layer is None or problem.clean is None:
        return None
    return judges.feature_error(classifier, layer, tensor(problem.clean, CPU), tensor(image, CPU))


def probability(problem: Problem, image: Pixels) -> float | None:
    """Of the label, under the classifier that the image was made for."""
    return judges.probability(judges.own(), problem.label, tensor(image, CPU))


def other_probability(problem: Problem, image: Pixels) -> float | None:
    """Of the label, under a classifier that had no part in making the image."""
    return judges.probability(judges.other(), problem.label, tensor(image, CPU))


@cache
def _lpips() -> torch.nn.Module | None:
    weights = Path(torch.hub.get_dir(), "checkpoints", "alexnet-owt-7be5be79.pth")
    if find_spec("lpips") is None or not weights.exists():
        return None
    from lpips import LPIPS

    return LPIPS(net="alex", verbose=False)


METRICS: dict[str, Metric] = {
    "PSNR": psnr,
    "PSNR, 8 bits": rounded_psnr,
    "luminance PSNR": luminance_psnr,
    "PSNR in the holes": hole_psnr,
    "SSIM in the holes": hole_ssim,
    "features in the holes": hole_features,
    "SSIM": ssim,
    "LPIPS": lpips,
    "sharpness": sharpness,
    "noise": noise,
    "light": light,
    "overshoot": overshoot,
    "noise in flat parts": flat_noise,
    "detail gain": detail_gain,
    "scale": scale,
    "feature error": feature_error,
    "feature error, other network": other_feature_error,
    "probability": probability,
    "probability, other network": other_probability,
}
