"""Pixels <-> tensors (1, C, H, W) in [0, 1]. Without torch where there are no tensors: files need
none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import BadInput
from .storage import empty, strips

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Pixels = NDArray[Any]
WIDEST = 1e150  # the range of values whose squares double precision holds


def check_pixels(pixels: Pixels, channel_axis: int | None, name: str) -> None:
    """Raise BadInput, calling it `name`, if `pixels` is not an image that can be restored."""
    if pixels.dtype.kind not in "iuf":
        raise BadInput(f"{name} has dtype {pixels.dtype}; give integers or real numbers")
    check_axis(pixels, channel_axis, name)
    if pixels.size == 0:
        raise BadInput(f"{name} has shape {pixels.shape}: it is empty")
    sides = np.delete(pixels.shape, channel_axis) if channel_axis is not None else pixels.shape
    if min(sides) < 2:
        raise BadInput(f"{name} is {sides[1]} x {sides[0]} pixels; an image needs at least 2 x 2")
    strange = _count(pixels, lambda values: ~np.isfinite(values))
    if strange:
        raise BadInput(f"{name} has {strange} NaN or infinite values; replace them first")
    if not np.abs(float(pixels.max()) - float(pixels.min())) < WIDEST:
        raise BadInput(
            f"{name} spans more than its numbers can hold; divide it by its greatest value first"
        )
    if pixels.min() == pixels.max():
        raise BadInput(f"{name} is constant, {pixels.flat[0]} everywhere: there is nothing in it")


def check_unmasked(pixels: Any, name: str) -> None:
    """Raise BadInput, calling it `name`, if some values of `pixels` are masked."""
    if isinstance(pixels, np.ma.MaskedArray) and np.ma.getmaskarray(pixels).any():
        raise BadInput(
            f"{name} is a masked array, whose mask would be lost; fill it, or give its mask to "
            "inpaint"
        )


def check_axis(pixels: Pixels, channel_axis: int | None, name: str) -> None:
    """Raise BadInput, calling it `name`, if `pixels` has not the axes that `channel_axis` says."""
    whole = isinstance(channel_axis, Integral) and not isinstance(channel_axis, bool)
    if channel_axis is not None and not (whole and -pixels.ndim <= channel_axis < pixels.ndim):
        raise BadInput(
            f"{name} has shape {pixels.shape}; there is no channel_axis {channel_axis!r}"
        )
    if pixels.ndim != (2 if channel_axis is None else 3):
        hint = (
            "give channel_axis for colours"
            if channel_axis is None
            else "give no channel_axis for gray"
        )
        raise BadInput(f"{name} has shape {pixels.shape}; {hint}")


@dataclass(frozen=True)
class Scale:
    """How stored values of `dtype` become x in [0, 1]: x = (value - black) / (white - black).

    clips: whether brighter and darker light would have ended at white and black. one: the value
    that sigma and PSNR call 1: full scale, or 1 for floats within [0, 1]; None if the values have
    units of their own.
    """

    black: float
    white: float
    dtype: np.dtype[Any]
    clips: bool
    one: float | None

    def unit(self, pixels: Pixels) -> Pixels:
        """The values x of `pixels`, in double precision."""
        return (pixels.astype(np.float64) - self.black) / (self.white - self.black)

    @property
    def span(self) -> float:
        """From black to white, in the units of sigma."""
        return (self.white - self.black) / (self.one or 1.0)

    @property
    def offset(self) -> float:
        """Black, in the units of sigma."""
        return self.black / (self.one or 1.0)


ENOUGH = 2**20  # pixels, for means
CLIPPED = 0.001  # share of the values, at their least or greatest, that a clip has put there
EIGHT_BITS = Scale(0.0, 255.0, np.dtype(np.uint8), clips=True, one=255.0)


def scale_of(pixels: Pixels) -> Scale:
    """The range of `pixels`: full scale for 8 bits; for uint16 the full scale of 8, 10, 12, 14 or
    16 bits, as needed.

    All other values, floats in [0, 1] too, are scaled by their own least and greatest, so that one
    picture in any unit is the same x. They were clipped there if more than one value and CLIPPED
    of them are the least, or the greatest.
    """
    least, greatest = float(pixels.min()), float(pixels.max())
    if pixels.dtype == np.uint8:
        return EIGHT_BITS
    if pixels.dtype.newbyteorder("=") == np.uint16:
        white = next(2.0**bits - 1 for bits in (8, 10, 12, 14, 16) if greatest < 2**bits)
        return Scale(0.0, white, pixels.dtype, clips=True, one=white)
    darkest, brightest = pixels.min(), pixels.max()
    ends = max(
        _count(pixels, lambda values: values == darkest),
        _count(pixels, lambda values: values == brightest),
    )
    clips = bool(ends > max(1, CLIPPED * pixels.size))
    within = pixels.dtype.kind in "fb" and least >= 0 and greatest <= 1
    return Scale(least, greatest, pixels.dtype, clips, one=1.0 if within else None)


def _count(pixels: Pixels, found: Callable[[Pixels], Pixels]) -> int:
    """How many of the values are, strip by strip."""
    rows = strips(len(pixels), pixels[0].size)
    return sum(int(np.count_nonzero(found(pixels[some]))) for some in rows)


def to_tensor(
    pixels: Pixels,
    channel_axis: int | None,
    scale: Scale,
    device: torch.device,
    on_disk: bool = False,
) -> Tensor:
    """Pixels (H, W), or with channels along `channel_axis`, as (1, C, H, W) in [0, 1] on
    `device`; in a temporary file if `on_disk`.
    """
    import torch

    planes = _planes(pixels, channel_axis)
    unit = empty(planes.shape, np.float32, on_disk)
    # double precision is not for all of a large picture
    for rows in strips(*planes.shape[1:]):
        unit[:, rows] = scale.unit(planes[:, rows])
    return torch.from_numpy(unit)[None].to(device)


def from_tensor(
    image: Tensor, channel_axis: int | None, scale: Scale, on_disk: bool = False
) -> Pixels:
    """The inverse of `to_tensor`; clipped to black and white where there are any, integers
    rounded.
    """
    values = image[0].detach().cpu().numpy()
    sides, channels = list(values.shape[1:]), len(values)
    if channel_axis is not None:
        sides.insert(channel_axis % 3, channels)
    stored = empty(sides, scale.dtype, on_disk)
    planes = _planes(stored, channel_axis)
    for rows in strips(*values.shape[1:]):
        planes[:, rows] = _stored(values[:, rows], scale)
    return stored


def deviation_of(variance: Tensor, scale: Scale, on_disk: bool = False) -> Pixels:
    """The standard deviation (H, W) of stored values, float32, where x in [0, 1] has `variance` (1,
    1, H, W).
    """
    values = variance[0, 0].detach().cpu().numpy()
    stored = empty(values.shape, np.float32, on_disk)
    for rows in strips(*values.shape):
        stored[rows] = (scale.white - scale.black) * np.sqrt(values[rows].clip(0))
    return stored


def _planes(pixels: Pixels, channel_axis: int | None) -> Pixels:
    """A view (C, H, W) of them."""
    return pixels[None] if channel_axis is None else np.moveaxis(pixels, channel_axis, 0)


def _stored(planes: Pixels, scale: Scale) -> Pixels:
    values = planes.astype(np.float64)
    if scale.clips:
        values = values.clip(0, 1)
    values = values * (scale.white - scale.black) + scale.black
    if scale.dtype.kind in "iu":
        limits = np.iinfo(scale.dtype)
        values = np.clip(np.rint(values), limits.min, limits.max)
    return values.astype(scale.dtype)


def thinned(image: Tensor) -> Tensor:
    """Every few pixels of (B, C, H, W), as many as are enough for means; all of a small one."""
    step = max(1, math.isqrt(image[0, 0].numel() // ENOUGH))
    return image[..., ::step, ::step]


def centre_square(image: Tensor, size: int, name: str) -> Tensor:
    """The centre square of an image (1, C, H, W), resized to (1, C, size, size), bilinear with
    antialiasing.

    Raises BadInput, calling it `name`, if it is smaller.
    """
    import torch.nn.functional as F

    height, width = image.shape[-2:]
    check_square(height, width, size, name)
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[..., top : top + side, left : left + side]
    return F.interpolate(square, size=(size, size), mode="bilinear", antialias=True)


def check_square(height: int, width: int, size: int, name: str) -> None:
    """Raise BadInput, calling it `name`, if an image has no square of `size` pixels a side."""
    if min(height, width) < size:
        raise BadInput(
            f"{name} is {width} x {height} pixels, less than the {size} x {size} that the "
            "classifier takes; "
            "give a larger picture, or another size if it takes one"
        )
