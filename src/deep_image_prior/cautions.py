"""Why a result may be wrong whatever the rules say."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .degradations import AnyNoise, CorrelatedNoise, Impulses, Noise, measure_noise
from .errors import BadInput
from .images import thinned
from .storage import strips

# measured: up to 0.99, up to 0.02, and from 0.3 on photographs with noise up to sigma 100
EXPLAINED = 1.5  # times the variance of the noise
SHIFTED = 0.2  # deviations of the noise
ALIKE = 0.2  # correlation
SEEN = 2 / 255  # less than this nobody misses
# of the deviation that is told, what is measured at the most and at the least, beside what fine
# texture is taken for: 28 crops of photographs with sigma 1 to 150 have 0.8 to 1.3 and up to 7.3
MOST, LEAST, TEXTURE = 1.6, 1 / 3, 8 / 255
SMALLEST = 16  # pixels a side, in which noise can be measured
SQUARE, RARE = 8, 0.02  # pixels a side of squares, and a share of them, that may be of one value
# times the contrast of x0, and share of all values that become black or white, where too much of a
# blur is taken back: measured up to 1.15 and up to 0.023 by right kernels, never both beyond
CONTRAST, CLIPPED = 1.12, 0.03
UNSEEN = 10 ** (-45 / 20)  # root mean square of a change, 45 dB, that nobody sees


def is_clean(image: Tensor, observation: Tensor) -> bool:
    """Whether `image` (1, C, H, W), the restored one, is `observation` for the eye, both in [0,
    1].
    """
    apart = thinned(image) - thinned(observation)
    return apart.square().mean().sqrt().item() < UNSEEN


def lost(image: Tensor, observation: Tensor, noise: AnyNoise | None = None) -> list[str]:
    """Why `image` (1, C, H, W) is no restoration of `observation`, both in [0, 1]; nothing if it
    may be one.

    What was taken out must be explained by the noise, in its mean and in its mean square, and what
    is left must look like the observation.
    """
    cautions = []
    image, observation = thinned(image), thinned(observation)
    if noise and not isinstance(noise, Impulses):
        rest = observation - noise.mean(image)
        expected = noise.variance(image).mean().item()
        if rest.square().mean().item() > EXPLAINED * expected + SEEN**2:
            cautions.append("more than the noise was taken out: the picture may be lost")
        if abs(rest.mean().item()) > SHIFTED * expected**0.5 + SEEN:
            cautions.append("the brightness has changed: the picture may be lost")
    pair = torch.stack([image.flatten(), observation.flatten()]).double()
    if not torch.corrcoef(pair)[0, 1].item() > ALIKE:
        cautions.append("the result hardly looks like the image: the picture may be lost")
    return cautions


def mistold(observation: Tensor, told: AnyNoise | None) -> list[str]:
    """What is wrong with white noise that is `told` of x0 (1, C, H, W) in [0, 1]; nothing if it may
    be right.
    """
    if not isinstance(told, Noise) or min(observation.shape[-2:]) < SMALLEST:
        return []
    try:
        white = measure_noise(observation, "white", clipped=told.clipped)
    except BadInput:  # there is no gray to measure it in
        return []
    assert isinstance(white, Noise)
    some = thinned(observation)
    seen, expected = (each.deviation(some).square().mean().item() for each in (white, told))
    times = (seen / max(expected, 1e-12)) ** 0.5
    if white.certain and seen > MOST**2 * expected + TEXTURE**2:
        return [f"it has about {times:.2g} times the noise that is told: much of it stays"]
    if times > LEAST or _has_flat_parts(observation):
        return []
    found = measure_noise(observation, clipped=told.clipped)
    if isinstance(found, CorrelatedNoise) and found.variance(some).mean() > LEAST**2 * expected:
        return ["its noise spreads over pixels, and a sigma is of white noise: leave it out"]
    return [f"it has about {times:.2g} times the noise that is told: detail is lost with it"]


def overdrawn(image: Tensor, observation: Tensor) -> list[str]:
    """That more blur was taken back than `observation` had, of which `image` was made, both (B, C,
    H, W) in [0, 1]; nothing if it may be right.
    """
    some, seen = thinned(image), thinned(observation)
    more = _clipped(some) - _clipped(seen)
    if some.std() < CONTRAST * seen.std() or more < CLIPPED:
        return []
    return ["it has become black and white in many places: the kernel may be another, or too wide"]


def _clipped(image: Tensor) -> float:
    """Share of the values that are 0 or 1."""
    return ((image <= 0) | (image >= 1)).float().mean().item()


def _has_flat_parts(image: Tensor) -> bool:
    """Whether parts of `image` (1, C, H, W) are of one value, which tell nothing of noise."""
    flat = squares = 0
    for rows in strips(*image.shape[-2:]):  # memory may not hold it twice
        part = image[..., rows, :]
        if part.shape[-2] >= SQUARE:
            most, least = (F.max_pool2d(sign * part, SQUARE) * sign for sign in (1, -1))
            same = (most == least).all(dim=1)
            flat, squares = flat + int(same.sum()), squares + same.numel()
    return flat > RARE * squares
