"""How the detail of a picture fares when it is boosted: in its texture, in its flat parts and
beside its strong edges, which are found in the truth.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import (
    binary_dilation,
    gaussian_gradient_magnitude,
    maximum_filter,
    minimum_filter,
)
from skimage.filters import gaussian

from deep_image_prior.images import Pixels

FINE = 2.0  # pixels, of the Gaussian that is taken off: what is left is detail
AROUND = 3.0  # pixels, of the Gaussian that local contrasts are means under
STEEP = 0.03  # share of the pixels that are edges
REACH = 4  # pixels from an edge, and of the neighbourhood whose range is not to be left
FLAT, TEXTURED = 0.1, 0.4  # shares of the other pixels


@dataclass(frozen=True)
class Regions:
    """Pixels (H, W): near the steepest edges, and of the others the least and the most contrast."""

    edges: Pixels
    flat: Pixels
    textured: Pixels


def regions(clean: Pixels) -> Regions:
    gray = clean.mean(axis=2)
    slope = gaussian_gradient_magnitude(gray, 1)
    edges = binary_dilation(slope >= np.quantile(slope, 1 - STEEP), _disk())
    contrast = gaussian(_fine(gray[..., None])[..., 0] ** 2, AROUND, mode="mirror")
    rest = contrast[~edges]
    return Regions(
        edges,
        ~edges & (contrast <= np.quantile(rest, FLAT)),
        ~edges & (contrast >= np.quantile(rest, 1 - TEXTURED)),
    )


def gain(clean: Pixels, image: Pixels) -> float:
    """How many times as strong the detail of `image` is: the slope of it on that of the truth,
    around every textured pixel, in the mean. Noise has none.
    """
    truth, seen = _fine(clean), _fine(image)
    both, square = (
        gaussian(each, AROUND, mode="mirror", channel_axis=-1).sum(axis=2)
        for each in (truth * seen, truth * truth)
    )
    textured = regions(clean).textured
    return float((both[textured] / square[textured]).mean())


def flat_noise(clean: Pixels, image: Pixels) -> float:
    """Standard deviation of the detail of `image` in the flat parts, but for what goes with that of
    the truth.
    """
    flat = regions(clean).flat
    truth, seen = _fine(clean)[flat], _fine(image)[flat]
    slope = (truth * seen).sum() / max((truth * truth).sum(), 1e-12)
    return float((seen - slope * truth).std())


def overshoot(clean: Pixels, image: Pixels) -> float:
    """How far `image` leaves the range that the truth has around a pixel, in the mean near strong
    edges; white being 1.
    """
    disk = _disk()[..., None]
    high, low = (edge(clean, footprint=disk) for edge in (maximum_filter, minimum_filter))
    beyond = np.maximum(image - high, 0) + np.maximum(low - image, 0)
    return float(beyond[regions(clean).edges].mean())


def _fine(image: Pixels) -> Pixels:
    return image - gaussian(image, FINE, mode="mirror", channel_axis=-1)


def _disk() -> Pixels:
    rows, columns = np.mgrid[-REACH : REACH + 1, -REACH : REACH + 1]
    return np.hypot(rows, columns) <= REACH
