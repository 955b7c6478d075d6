"""The noise of an image, of which kind and how much."""

from torch import Tensor

from ..errors import BadInput
from ..images import thinned
from ..storage import strips
from . import impulses, jpeg_traces
from .correlated import CorrelatedNoise
from .correlated_estimate import estimate_correlated, is_white
from .impulses import Impulses
from .noise import Noise, estimate_noise

AnyNoise = Noise | CorrelatedNoise | Impulses

DRAWN = 0.05 / 255  # deviation: less fine noise than this is in drawings only, not in photographs
# of the variance of all waves, what the finest of white noise have at the most: measured up to 1.3
# with white noise of sigma 5 to 50, from 2.1 in pictures without noise
FINER = 1.7
SMALLEST = 64  # pixels a side of an image that is large enough to tell correlated noise in


def recognise(observation: Tensor, clipped: bool = True) -> AnyNoise:
    """The noise of x0 (1, C, H, W) in [0, 1], of any kind, with its size.

    clipped: the observation was clipped to [0, 1] after the noise.
    """
    if found := impulses.detect(observation):
        return found
    white = estimate_noise(observation, clipped)
    drawn = white.sigma < DRAWN and not white.gain
    if drawn or min(observation.shape[-2:]) < SMALLEST:
        return white
    compressed = jpeg_traces.is_compressed(observation)
    noise = estimate_correlated(observation, compressed)
    some = thinned(observation)
    coarse, fine = (each.variance(some).mean() for each in (noise, white))
    return white if is_white(noise, compressed) and fine < FINER * coarse else noise


def measure_noise(
    observation: Tensor, kind: str = "auto", sigma: float | None = None, clipped: bool = True
) -> AnyNoise:
    """The noise of x0 (1, C, H, W) in [0, 1], of the `kind` "auto", "white", "correlated" or
    "impulses". Raises BadInput where it cannot be measured.

    sigma: the deviation of white noise, if it is told.
    """
    if sigma is not None:
        if kind in ("correlated", "impulses"):
            raise BadInput(f"sigma is of white noise, not of {kind}; leave it out, or say white")
        return Noise(sigma, clipped=clipped)
    if kind == "impulses":
        return _impulses(observation)
    if _has_two_values(observation):
        raise BadInput(
            "the image has two values only, and no gray to measure noise in; say how strong it is "
            "(--sigma), or that it is impulses (--noise impulses)"
        )
    if kind == "correlated":
        return _correlated(observation)
    return (recognise if kind == "auto" else estimate_noise)(observation, clipped)


def _has_two_values(observation: Tensor) -> bool:
    least, most = observation.aminmax()
    parts = (observation[..., rows, :] for rows in strips(*observation.shape[-2:]))
    return bool(least < most) and all(
        bool(((part == least) | (part == most)).all()) for part in parts
    )


def _impulses(observation: Tensor) -> Impulses:
    found = impulses.measure(observation)
    if not found.share:
        raise BadInput(
            "there are no impulses, black or white and unlike what is around them; choose "
            "another noise"
        )
    return found


def _correlated(observation: Tensor) -> CorrelatedNoise:
    if min(observation.shape[-2:]) < SMALLEST:
        raise BadInput(
            f"the image is too small to tell correlated noise in, {SMALLEST} pixels a side at "
            "the least; choose another noise"
        )
    return estimate_correlated(observation, jpeg_traces.is_compressed(observation))
