"""Why a result may be wrong whatever the rules say."""

import torch
from torch import Tensor

from .degradations import AnyNoise, Impulses
from .images import thinned

# measured: up to 0.99, up to 0.02, and from 0.3 on photographs with noise up to sigma 100
EXPLAINED = 1.5  # times the variance of the noise
SHIFTED = 0.2  # deviations of the noise
ALIKE = 0.2  # correlation
SEEN = 2 / 255  # less than this nobody misses
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
