"""Where a second picture of a scene lies, under other light: the shift of a camera held by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .codes import blurs
from .denoisers import guided_filter

SEEN = 256  # pixels a side of what is compared, where the second picture has most detail
REACH = 8  # a shift is at most the REACH-th part of the side
FINE, COARSE = 1.0, 6.0  # pixels: of the noise, and of the light
EXACT = 0.05  # pixels
MOST = 60  # comparisons
LEAST = 0.1  # pixels: of a smaller shift nothing is seen, and moving costs detail
# of the least error with the picture turned over: at most 0.89 where both show the same, 160 pixels
# a side, at least 0.9 where they do not (eleven of Set14, sigma 3, 25 and 50); above it where there
# is hardly detail
FOUND = 0.9
VARIANCE = (5 / 255) ** 2  # of the noise of the second picture
COPIED = 0.75  # of the noise: a picture with noise of its own leaves 0.9 and more

Shift = Sequence[float]  # down and right


@dataclass(frozen=True)
class Alignment:
    """By how many pixels the second picture is moved to lie on the first.

    copied: whether it has the same noise, as a copy of the first has, which says nothing of it.
    """

    down: float = 0.0
    right: float = 0.0
    copied: bool = False

    def sentences(self) -> list[str]:
        """What a summary says of it."""
        if self.copied:
            return []
        ways = (("down", "up", self.down), ("right", "left", self.right))
        moves = [
            f"{abs(size):.2f} {one if size > 0 else other}" for one, other, size in ways if size
        ]
        return [f"flash photo: moved by {' and '.join(moves)} pixels"] if moves else []


def align(image: Tensor, second: Tensor) -> Alignment | None:
    """How the second picture (1, G, H, W) is to be moved to lie on the image (1, C, H, W); None if
    they do not seem to show the same.

    It is where the guided filter explains most of the image with the second picture, whatever light
    is on either; looked for from where details correlate, and where it lies. A picture of anything
    else explains as much as when it is turned over.
    """
    from scipy.optimize import minimize

    pair = _liveliest(image.mean(dim=1, keepdim=True), second.mean(dim=1, keepdim=True))
    error = partial(_unexplained, *pair)
    first = np.array(_first(*pair))
    found = minimize(
        error,
        first,
        method="Nelder-Mead",
        options={
            "initial_simplex": first + np.array([[0, 0], [0.5, 0], [0, 0.5]]),
            "xatol": EXACT,
            "fatol": 0,
            "maxfev": MOST,
        },
    )
    image, second = (blurs(each, sigmas=(FINE,)) for each in pair)  # less noise, to be sure
    others = [second.flip(axes) for axes in ((-1,), (-2,), (-1, -2))]
    turned = min(_unexplained(image, other, _first(image, other)) for other in others)
    if not _unexplained(image, second, found.x) < FOUND * turned:
        return None
    down, right = (float(each) for each in found.x)
    return Alignment(down, right) if max(abs(down), abs(right)) > LEAST else Alignment()


def has_noise_of(image: Tensor, second: Tensor, variance: float) -> bool:
    """Whether the second picture (1, G, H, W) explains more of the image (1, C, H, W) than all but
    its white noise of that variance.
    """
    rest = image - guided_filter(image, second, torch.full_like(second[:, :1], VARIANCE))
    return rest.square().mean().item() < COPIED * variance


def moved(image: Tensor, alignment: Alignment) -> Tensor:
    """The picture (1, C, H, W) by cubic splines, reflected where it has no more pixels."""
    return _moved(image, (alignment.down, alignment.right)).clamp(0, 1)


def _moved(image: Tensor, by: Shift) -> Tensor:
    from scipy.ndimage import shift

    if not any(by):
        return image
    planes = [shift(plane, by, order=3, mode="reflect") for plane in image[0].cpu().numpy()]
    return torch.from_numpy(np.stack(planes))[None].to(image)


def _unexplained(image: Tensor, second: Tensor, by: Shift = (0.0, 0.0)) -> float:
    """The mean square of what the guided filter leaves, away from edges that were moved."""
    variance = torch.full_like(second, VARIANCE)
    rest = image - guided_filter(image, _moved(second, by), variance)
    inside = [slice(side // REACH, -(side // REACH) or None) for side in rest.shape[-2:]]
    return rest[..., *inside].square().mean().item()


def _first(image: Tensor, second: Tensor) -> Shift:
    """Where to begin to look."""
    starts = [(0.0, 0.0), _where_details_correlate(image, second)]
    return min(starts, key=partial(_unexplained, image, second))


def _where_details_correlate(image: Tensor, second: Tensor) -> tuple[float, float]:
    """The shift, in whole pixels and within reach, with the greatest correlation of details."""
    spectra = [np.fft.fft2(_detail(each)) for each in (image, second)]
    correlation = np.fft.fftshift(np.fft.ifft2(spectra[0] * spectra[1].conj()).real)
    middle = [side // 2 for side in correlation.shape]
    reach = [side // REACH for side in correlation.shape]
    near = correlation[tuple(slice(m - r, m + r + 1) for m, r in zip(middle, reach, strict=True))]
    at = np.unravel_index(near.argmax(), near.shape)
    down, right = (float(place - r) for place, r in zip(at, reach, strict=True))
    return down, right


def _detail(image: Tensor) -> Any:
    """Of (1, 1, h, w) what is finer than light, over its deviation around every pixel, (h, w)."""
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(image[0, 0].cpu().numpy().astype(np.float64), FINE)
    detail = smooth - gaussian_filter(smooth, COARSE)
    detail /= np.sqrt(gaussian_filter(detail**2, COARSE)) + 1e-3
    return detail * np.outer(*map(np.hanning, detail.shape))


def _liveliest(image: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """The part of both, (1, 1, h, w), of at most SEEN pixels a side, where the second has most
    detail.
    """
    detail = second.diff(dim=-1)[..., 1:, :].square() + second.diff(dim=-2)[..., 1:].square()
    sums = np.pad(detail[0, 0].cpu().numpy().astype(np.float64), (1, 0)).cumsum(0).cumsum(1)
    high, wide = (min(SEEN, side) for side in second.shape[-2:])
    inside = (
        sums[high - 1 :, wide - 1 :]
        - sums[: len(sums) - high + 1, wide - 1 :]
        - sums[high - 1 :, : sums.shape[1] - wide + 1]
        + sums[: len(sums) - high + 1, : sums.shape[1] - wide + 1]
    )
    top, left = map(int, np.unravel_index(inside.argmax(), inside.shape))
    part = (..., slice(top, top + high), slice(left, left + wide))
    return image[part], second[part]
