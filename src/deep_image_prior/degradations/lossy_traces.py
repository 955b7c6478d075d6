"""What lossy compression leaves where there is no grid of JPEG: lines between blocks of any size, a
file that is as large as another of its quality, or pixels as a decoder leaves them.
"""

from bisect import bisect_left
from dataclasses import replace
from math import log

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor

from ..files import Coded, Quantisation
from ..files.picture import MCU
from ..images import Pixels
from ..resampling import correlate, gaussian
from ..windows import middle
from . import decoded, jpeg_traces, palette
from .coding import eight_bits
from .jpeg import BLOCK, Compression
from .lossy import Lossy, encoded
from .palette import Palette

SIDE = 1024  # pixels a side that are looked at
SMALLEST = 96  # a side, of a picture whose lines can be told from chance
PERIODS = (4.5, 24.0)  # pixels between lines
WAVES = np.array([1, 2, 3])  # of lines: multiples of their frequency
HIGHEST = 0.47  # frequency: every other pixel is no line
FINE = 8  # frequencies to one that the picture tells apart
NEAR = 3  # positions to both sides whose median a step is compared with
AROUND = 10  # the same of the mean
STEP = 4.0  # of 255; greater steps are the picture's
# the same where lines are known to be: those of strong compression are as great. Qualities of 5 to
# 60 came out wrong by a factor of 1.3 in the mean, with STEP of 1.5
OF_LINES = 8.0
BEYOND = 4  # deviations; what is further is the picture's
EVEN = 4  # times the weakest wave of lines, as much as the others may count
# measured on Set14: 11 of 14 pictures of 384 x 384 are found that were made smaller after a
# compression of quality 40, all that were made larger; photographs have less, but for even stripes
SEEN = 5.5
HALF = 2.75  # the same of odd waves of lines twice as far apart
BLURRED = 1.0  # pixels, of what was compressed, that hide the lines in x0
QUALITIES = (5, 8, 12, 17, 23, 30, 40, 50, 60, 70, 80, 88, 94)
FINER = 1.15  # times a quality that is known: 0.06 dB more than at that itself (docs/idea.md)
USUAL = 50  # quality
BEST = 90  # beyond it every image is left as it is


def detect(
    observation: Tensor, quality: int | None = None, file: Quantisation | Coded | None = None
) -> Compression | Lossy | Palette | None:
    """The compression of x0 (1, C, H, W) in [0, 1], or None if it left no trace.

    quality: if it is known. file: how its file kept it, which is what is to be undone unless there
    are traces of one before that was coarser. Raises BadInput.
    """
    if file is None and quality is None and (few := palette.detect(observation)):
        return few
    if isinstance(file, Coded):
        found = quality or _quality_of_size(observation, file)
        older = jpeg_traces.detect(observation)
        if older and older.quality < found:
            return older
        if quality or found <= BEST:
            return Lossy(found, file.format)
        file = None
    jpeg = jpeg_traces.detect(observation, quality, file)
    before = _before(jpeg_traces.luma(observation), jpeg, quality)
    if before or jpeg:
        return before or jpeg
    if alike := decoded.detect(observation):
        return Lossy(quality, smoothed=True) if quality else alike
    return Lossy(quality, traced=False) if quality else None


def _before(y: Pixels, jpeg: Compression | None, quality: int | None) -> Lossy | None:
    """JPEG before the picture y (H, W) was changed in size, or saved once more, if its lines tell
    it. jpeg: the last one.
    """
    if min(y.shape) < SMALLEST:
        return None
    part = middle(y.shape, SIDE, MCU)
    y = y[part.rows, part.columns]
    if jpeg and (older := jpeg_traces.older(y, jpeg)):
        taken = quality or min(BEST, round(FINER * older.quality))
        return Lossy(taken, top=older.top, left=older.left, since=jpeg)
    period = _period(y, jpeg is not None)
    if not period:
        return None
    same = abs(period - BLOCK) < BLOCK / min(y.shape)
    found = Lossy(1, scale=1.0 if same else period / BLOCK, since=jpeg)
    if quality:
        return replace(found, quality=quality)
    found = replace(found, quality=_quality_of_lines(y, found, period))
    finest = BEST if jpeg is None else jpeg.quality - jpeg_traces.AROUND
    return found if found.quality < finest else None


def _period(y: Pixels, has_grid: bool) -> float | None:
    """Pixels between lines that there are down and across, of y (H, W), or None. has_grid: those of
    8 pixels do not count.
    """
    count = FINE * max(y.shape)
    spectra = np.stack([_spectrum(each, count) for each in (y, y.T)])  # (2, F)
    if has_grid:
        for wave in range(1, BLOCK // 2 + 1):
            spectra[:, _near(wave * count // BLOCK)] = 0
    first, last = (int(count / period) for period in reversed(PERIODS))
    lines = np.arange(first, last)
    waves = WAVES[:, None] * lines  # (3, lines)
    there = waves < HIGHEST * count
    powers = spectra[:, np.where(there, waves, 0)]  # (2, 3, lines)
    weakest = np.where(there, powers, np.inf).min(axis=(0, 1))
    evened = np.log1p(np.minimum(powers, EVEN * weakest))
    seen = np.where(there, evened, 0).sum(axis=(0, 1)) / (2 * there.sum(axis=0))
    best = lines[seen.argmax()]
    if np.expm1(seen.max()) < SEEN:
        return None
    # every other wave of lines that are twice as far apart is one of these
    odd = spectra[:, [best // 2, 3 * best // 2]]
    twice = 2 * count / best
    is_twice = twice <= PERIODS[1] and np.expm1(np.log1p(odd).mean()) > HALF
    return float(twice if is_twice else twice / 2)


def _quality_of_lines(y: Pixels, made: Lossy, period: float) -> int:
    """The next finer than that of the compression whose lines are as high as those of y, if the
    picture without its lines is compressed: too fine costs less.
    """
    taps = gaussian(BLURRED * made.scale)
    plane = torch.from_numpy(y.astype(np.float32))[None, None] / 255
    smooth = correlate(plane, torch.outer(taps, taps))
    own = _height(y, period)

    def apart(quality: int) -> float:
        kept = replace(made, quality=quality).compress(smooth)
        return abs(log(_height(eight_bits(kept)[..., 0], period) / own))

    nearest = min(QUALITIES[:-1], key=apart)
    return QUALITIES[QUALITIES.index(nearest) + 1]


def _height(y: Pixels, period: float) -> float:
    """Of the lines of y, of 255: the root of the power of their waves beyond that of chance."""
    total = 0.0
    for signal in (_steps(each, OF_LINES) for each in (y, y.T)):
        n = len(signal)
        for wave in WAVES[HIGHEST * period > WAVES]:
            turns = np.exp(2j * np.pi * wave / period * np.arange(n))
            total += abs((signal * turns).mean()) ** 2 - signal.var() / n
    return max(total, 1e-9) ** 0.5


def _spectrum(y: Pixels, count: int) -> Pixels:
    """Powers of the steps between the rows of y, 1 in the mean, at `count` frequencies below 1."""
    steps = _steps(y)
    limit = BEYOND * steps.std()
    steps = steps.clip(-limit, limit) / (steps.std() + 1e-9)
    return np.abs(np.fft.rfft(steps, count)) ** 2 / len(steps)


def _steps(y: Pixels, most: float = STEP) -> Pixels:
    """How much larger the steps from each row of y (H, W) to the next are than those near, in the
    mean of the row, and than those of other rows around; of 255, (H - 1,). most: that counts.
    """
    steps = np.abs(np.diff(y.astype(np.float32), axis=0))
    near = sliding_window_view(np.pad(steps, ((NEAR, NEAR), (0, 0)), "edge"), 2 * NEAR + 1, axis=0)
    larger = (steps - np.median(near, axis=-1)).clip(-most, most).mean(axis=1)
    around = np.convolve(np.pad(larger, AROUND, "reflect"), np.ones(2 * AROUND + 1), "valid")
    return larger - around / (2 * AROUND + 1)


def _near(frequency: int) -> slice:
    """Those that a picture does not tell from it."""
    return slice(max(0, frequency - 2 * FINE), frequency + 2 * FINE + 1)


def _quality_of_size(observation: Tensor, file: Coded) -> int:
    """That of the encoder of Pillow by which x0 takes about as many bytes as in its file. How they
    change with the quality is measured in the middle of the picture.
    """
    pixels = eight_bits(observation[:, : 3 if observation.shape[1] >= 3 else 1]).squeeze()
    part = middle(pixels.shape[:2], SIDE)
    seen = pixels[part.rows, part.columns]

    def size(quality: int, pixels: Pixels = seen) -> int:
        return len(encoded(pixels, file.format, quality))

    wanted = file.size
    if seen.size < pixels.size:
        wanted = round(wanted * size(USUAL) / size(USUAL, pixels))
    return 1 + bisect_left(range(1, 100), wanted, key=size)
