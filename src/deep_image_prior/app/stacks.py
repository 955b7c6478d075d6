"""Stacks: pages of one camera are restored as one picture, one above the other, so that their noise
is measured once and one fit is shared; others page by page.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import prod

import numpy as np

from ..errors import BadInput
from ..files import Picture, room
from ..images import Pixels
from .say import say

MARGIN = 16  # rows mirrored above and below each page, so that it ends as a picture does

Numbers = Sequence[int]  # of pages, from 0


def parts(picture: Picture, together: bool) -> Mapping[str, Numbers]:
    """Which pages are restored as one, by name: all, or those of each channel, if they may be taken
    `together`; else each alone. Those with nothing in them are left out, unless all are so.
    """
    every = _parts(picture, together)
    pages = picture.pixels.reshape(-1, *picture.pixels.shape[-3:])
    empty = [name for name, numbers in every.items() if not any(map(_holds, pages[numbers]))]
    if len(empty) == len(every):
        return every
    for name in empty:
        say(f"note: {name} has nothing in it, and stays as it is")
    return {name: numbers for name, numbers in every.items() if name not in empty}


def _parts(picture: Picture, together: bool) -> Mapping[str, Numbers]:
    numbers = np.arange(prod(picture.pixels.shape[:-3])).reshape(picture.pixels.shape[:-3])
    if numbers.size > 1 and not together:
        return {f"page {number + 1}": [number] for number in range(numbers.size)}
    channel = picture.axes.find("C")
    if channel < 0 or numbers.shape[channel] == 1:
        return {"image": numbers.ravel().tolist()}
    channels = np.moveaxis(numbers, channel, 0)
    return {f"channel {n}": each.ravel().tolist() for n, each in enumerate(channels, 1)}


def _holds(page: Pixels) -> bool:
    """Whether its values differ; NaN is none."""
    known = page[~np.isnan(page)] if page.dtype.kind == "f" else page
    return bool(known.size) and bool(known.min() < known.max())


def tall(picture: Picture, numbers: Numbers, count: int, name: str) -> Pixels:
    """Some pages of a stack of `count`, one above the other with margins between: (H', W, C). One
    alone, or a picture, is as it is. Raises BadInput, calling the picture by its name, if it has
    another number of pages.
    """
    pages = picture.pixels.reshape(-1, *picture.pixels.shape[-3:])
    if len(pages) not in (1, count):
        raise BadInput(
            f"{name} has {len(pages)} pages, the image {count}; give one, or one for each"
        )
    chosen = [pages[number if len(pages) > 1 else 0] for number in numbers]
    if len(chosen) == 1:
        return chosen[0]
    height, *others = chosen[0].shape
    x = room((len(chosen), height + 2 * MARGIN, *others), pages.dtype)
    for stored, page in zip(x, chosen, strict=True):
        stored[:] = np.pad(page, ((MARGIN, MARGIN), (0, 0), (0, 0)), "reflect")
    return x.reshape(-1, *others)


def cut(x: Pixels, count: int, enlargement: int) -> Pixels:
    """The inverse of `tall`: `count` pages (count, H, W, C), where x is enlarged."""
    if count == 1:
        return x
    margin = enlargement * MARGIN
    return x.reshape(count, -1, *x.shape[1:])[:, margin:-margin]


def whole(picture: Picture, restored: Iterable[tuple[Numbers, Pixels]], factor: int) -> Pixels:
    """The pixels (..., t H, t W, C) of all pages, from those that are restored (n, t H, t W, C), or
    one (t H, t W, C), t the `factor`; the others are as they were.
    """
    *lengths, height, width, channels = picture.pixels.shape
    pages = picture.pixels.reshape(-1, height, width, channels)
    x = room((len(pages), factor * height, factor * width, channels), pages.dtype)
    missing = set(range(len(pages)))
    for numbers, images in restored:
        missing -= set(numbers)
        for number, image in zip(numbers, images.reshape(-1, *x.shape[1:]), strict=True):
            x[number] = image
    for number in missing:
        x[number] = pages[number].repeat(factor, 0).repeat(factor, 1)
    return x.reshape(*lengths, *x.shape[1:])
