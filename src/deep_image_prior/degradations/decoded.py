"""Pixels as decoders of video and of pictures leave them, whose codec may smooth its blocks so that
no lines are left. How strong it was is told by JPEG done once more.
"""

import numpy as np
import torch
from torch import Tensor

from ..denoisers import Sampled, dct_denoise
from ..files.picture import MCU
from ..images import Pixels
from ..windows import middle
from . import jpeg_traces
from .coding import eight_bits
from .jpeg import YCBCR
from .lossy import Lossy

SIDE = 512  # pixels a side that are looked at
# red, green and blue in brightness: BT.601 and BT.709
BRIGHTNESS = np.array([YCBCR[0].tolist(), [0.2126, 0.7152, 0.0722]])
LIMITED = 219 / 255  # black is 16 and white 235, as in video and WebP
# of the phases of brightness in its steps: 0.4 to 0.56 as decoded with care, up to 0.22 elsewhere
COHERENT = 0.35
COLOURS = 1000  # the least number that tells
BITS = np.array([16, 8, 0])  # of the channels of a colour in one number
OFTEN = 0.05  # the least share of neighbours of other colour
RARER = 10  # times, than between them, within pairs in which a decoder has repeated colour
TRIED = 65  # quality of JPEG
CHANGE = 0.01  # square, of 255: less is a drawing
# quality, less 100 times the ratio of changes. Measured on Set14: that is up to 0.6 without
# compression, about 0.75 in video of crf 28 and 0.85 of 32, where 80 and 70 gain most
OF_NONE = 155
STRONGEST, BEST = 60, 90  # qualities: none is taken for stronger, beyond it every image is left
# ratios: where most of the picture is smooth, so that it is above the first, it tells nothing of
# the strength, and GENTLE loses little at crf 18; above the second are screenshots
SMOOTH, DRAWN = 1.0, 3.0
GENTLE = 85  # quality


def detect(observation: Tensor) -> Lossy | None:
    """JPEG that is about as strong as the codec of x0 (1, C, H, W) in [0, 1], or None if x0 is not
    as a decoder leaves it, was hardly compressed, or is a screenshot.
    """
    part = middle(observation.shape, SIDE, MCU)(observation[:, :3])
    if not is_decoded(part):
        return None
    ratio = _ratio_of_changes(part)
    if ratio > SMOOTH:
        return Lossy(GENTLE, smoothed=True, guessed=True) if ratio <= DRAWN else None
    quality = round(OF_NONE - 100 * ratio)
    return Lossy(max(STRONGEST, quality), smoothed=True) if quality <= BEST else None


def is_decoded(observation: Tensor) -> bool:
    """Whether x0 (1, 1 or 3, H, W) in [0, 1] is as a decoder leaves it, but not as JPEG does."""
    if observation.shape[1] < 3:
        return False
    pixels = eight_bits(observation)
    if _in_squares(pixels):
        return True
    colours = _colours(pixels)
    if colours.shape[1] < COLOURS:
        return False
    limited, full = (_coherence(colours, steps) for steps in (LIMITED, 1.0))
    if limited > full:
        return limited > COHERENT
    return full > COHERENT and not jpeg_traces.is_compressed(observation)


def _colours(pixels: Pixels) -> Pixels:
    """Those of pixels (H, W, 3) with no channel clipped, but grays, (3, N)."""
    some = pixels[_inside(pixels) & (pixels != pixels[..., :1]).any(axis=-1)]
    return np.unique(some @ (1 << BITS)) >> BITS[:, None] & 255


def _coherence(colours: Pixels, steps: float) -> float:
    """How alike the phases of brightness are in `steps` to one of 8 bits, 0 to 1."""
    phases = np.exp(2j * np.pi * steps * (BRIGHTNESS @ colours))
    return float(np.abs(phases.mean(axis=1)).max())


def _in_squares(pixels: Pixels) -> bool:
    """Whether quick decoding has repeated the differences of red and blue from green in squares of
    2 x 2 pixels, but not brightness.
    """
    return _in_pairs(pixels) and _in_pairs(pixels.swapaxes(0, 1))


def _in_pairs(pixels: Pixels) -> bool:
    """Whether it has in pairs of rows."""
    steps = np.diff(pixels.astype(np.int16), axis=0)
    inside = _inside(pixels)
    counted = inside[1:] & inside[:-1] & (steps[..., 1] != 0)
    unlike = counted & (steps != steps[..., 1:2]).any(axis=-1)
    pairs = [(unlike[first::2].sum(), counted[first::2].sum()) for first in (0, 1)]
    within, between = sorted(few / count if count else 1.0 for few, count in pairs)
    return bool(between > max(OFTEN, RARER * within))


def _inside(pixels: Pixels) -> Pixels:
    """Where no channel is clipped, (H, W)."""
    return (pixels % 255 != 0).all(axis=-1)


def _ratio_of_changes(observation: Tensor) -> float:
    """By how much a denoiser changes an estimate that is compressed as JPEG, in the ratio to its
    change of x0: squares, the median of all pixels. Without compression there is more in x0.
    """
    made = Lossy(TRIED)
    y = torch.einsum("c,bchw->bhw", YCBCR[0].to(observation), observation)[:, None]
    noise = Sampled(made.artefacts(y))
    estimate = dct_denoise(y, noise)
    again = made.at(MCU // 4, MCU // 4).compress(estimate)
    changes = [
        255**2 * (after - before).square().median().item()
        for before, after in ((y, estimate), (again, dct_denoise(again, noise)))
    ]
    return changes[1] / (changes[0] + CHANGE)
