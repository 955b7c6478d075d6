"""Masks on arrays: which pixels are known."""

import warnings

import numpy as np
from scipy.ndimage import distance_transform_edt

from .errors import BadInput
from .images import Pixels, check_axis, check_unmasked, scale_of

MOST = 0.5  # of the pixels are known as a rule


def known_pixels(
    mask: Pixels,
    image: Pixels,
    channel_axis: int | None,
    inverted: bool = False,
    aloud: bool = False,
) -> Pixels:
    """The mask (H, W) of `image` as booleans, True where known; NaN is not known. inverted: white
    is missing.

    aloud: warns if it had to be thresholded, or may be the other way round. Raises BadInput, also
    if the known pixels have nothing in them.
    """
    check_axis(image, channel_axis, "image")
    check_unmasked(mask, "the mask")
    mask = np.asarray(mask)
    values, mask = mask, _plane(mask, channel_axis)
    height, width = image.shape if channel_axis is None else np.delete(image.shape, channel_axis)
    if mask.shape != (height, width):
        raise BadInput(
            f"the mask has shape {mask.shape}, the image {height} rows of {width}; they must be "
            "of one size"
        )
    if mask.dtype.kind not in "biuf":
        raise BadInput(f"the mask has dtype {mask.dtype}; give integers or real numbers")
    if not np.isfinite(mask).all():
        raise BadInput("the mask has NaN or infinite values; make it 0 and 1")
    white = 1.0 if values.max() <= 1 else scale_of(values).white
    if aloud:
        _warn_of_values(values, white)
    known = (mask > white / 2) != inverted
    known &= ~unknown_pixels(image, channel_axis)
    if aloud and 0 < known.mean() < MOST:
        _warn_of_share(known)
    if known.all():
        raise BadInput("the mask says that every pixel is known: there is nothing to inpaint")
    if not known.any():
        raise BadInput(
            "the mask says that every pixel is missing; mark the known ones, or say that it marks "
            "the missing ones (--mask-marks missing)"
        )
    left = image[np.broadcast_to(_across(known, channel_axis), image.shape)]
    if known.mean() < MOST and left.min() == left.max():
        raise BadInput(
            f"the mask leaves {np.count_nonzero(known)} of {known.size} pixels known, all of them "
            f"{left.flat[0]}: there is nothing to draw from; does it mark the missing ones "
            "(--mask-marks missing)?"
        )
    return known


def _plane(mask: Pixels, channel_axis: int | None) -> Pixels:
    """(H, W), the mean of its channels if it has any and they differ."""
    if channel_axis is None or mask.ndim < 3:
        return mask
    first = mask.take(0, axis=channel_axis)
    if (mask == np.expand_dims(first, channel_axis)).all():
        return first
    return mask.mean(axis=channel_axis)


def _warn_of_values(mask: Pixels, white: float) -> None:
    if not set(np.unique(mask).tolist()) <= {0, white}:
        warnings.warn(
            f"the mask is not only 0 and {white:g}; values above {white / 2:g} count as white",
            stacklevel=2,
        )


def _warn_of_share(known: Pixels) -> None:
    warnings.warn(
        f"the mask says that {1 - known.mean():.2%} of the pixels are missing; if it is the other "
        "way round, say --mask-marks missing, or leave that out",
        stacklevel=2,
    )


def unknown_pixels(image: Pixels, channel_axis: int | None) -> Pixels:
    """(H, W), where a channel is NaN."""
    unknown: Pixels = np.isnan(image)
    return unknown if channel_axis is None else np.any(unknown, axis=channel_axis)


def filled(image: Pixels, channel_axis: int | None) -> Pixels:
    """`image`, where pixels with NaN are those as far behind the nearest known one, mirrored, so
    that they have noise as the others have; or that one. Raises BadInput if nothing is known.
    """
    if getattr(image, "dtype", np.dtype(int)).kind != "f" or not np.isnan(image).any():
        return image
    check_axis(image, channel_axis, "image")
    unknown = unknown_pixels(image, channel_axis)
    if unknown.all():
        raise BadInput("every pixel of the image has a NaN: there is nothing in it")
    here = np.argwhere(unknown).T
    nearest = distance_transform_edt(unknown, return_distances=False, return_indices=True)
    nearest = nearest[:, unknown]
    ends = np.array(unknown.shape)[:, None] - 1
    mirrored = np.clip(2 * nearest - here, 0, ends)
    source = np.where(unknown[tuple(mirrored)], nearest, mirrored)
    pixels = image.copy()
    planes = pixels if channel_axis is None else np.moveaxis(pixels, channel_axis, -1)
    planes[unknown] = planes[tuple(source)]
    return pixels


def with_unknown(restored: Pixels, image: Pixels, channel_axis: int | None) -> Pixels:
    """`restored`, t times as large as `image` or of its size, with its NaN."""
    image = np.asarray(image)
    if image.dtype.kind != "f" or not np.isnan(image).any():
        return restored
    unknown = np.isnan(image)
    for axis in range(image.ndim):
        if channel_axis is None or axis != channel_axis % image.ndim:
            unknown = unknown.repeat(restored.shape[axis] // image.shape[axis], axis)
    return np.where(unknown, np.array(np.nan, restored.dtype), restored)


def blanked(image: Pixels, known: Pixels, channel_axis: int | None) -> Pixels:
    """`image` with the middle one of the known values in its missing pixels, so that they count
    neither for its range, nor as clipped, nor as NaN.
    """
    known = np.broadcast_to(_across(known, channel_axis), image.shape)
    return np.where(known, image, np.nanquantile(image[known], 0.5, method="lower"))


def pasted(image: Pixels, known: Pixels, restored: Pixels, channel_axis: int | None) -> Pixels:
    """`restored` with the known pixels of `image`."""
    return np.where(_across(known, channel_axis), image, restored)


def _across(plane: Pixels, channel_axis: int | None) -> Pixels:
    return plane if channel_axis is None else np.expand_dims(plane, channel_axis)
