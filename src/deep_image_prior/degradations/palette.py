"""A picture of few colours, dithered or not, as GIF files keep it."""

from dataclasses import dataclass, replace
from math import log

import numpy as np
import torch
from PIL import Image
from scipy.spatial import KDTree
from torch import Tensor

from ..images import Pixels
from ..padding import pad_reflect
from ..resampling import correlate, gaussian
from ..windows import middle
from .coding import eight_bits

MOST = 256  # colours
OFTEN = 16  # pixels to a colour, at the least: a picture of fewer has few colours anyway
LOOKED_AT = 2**16  # pixels, whose colours tell that it has too many
# from a colour to the next in the order of brightness: less is a scale of gray or of another hue
APART = 2.5 / 255
DITHER = 1.5  # pixels, the deviation of the Gaussian that hides a dither
# how much of the way, in the logarithm, from the flickering of a blur with the same colours to that
# of the blur dithered: measured on Set14, 0.8 to 1.05 if dithered, 0.45 to 0.9 if not; what is
# taken for the other is restored, too, by 0.4 dB less in the mean of six pictures
FLICKERING = 0.82
# the same of more than MANY colours that a program has chosen: most programs dither them, and each
# lies so near to others that a texture flickers as much
MANY, USUAL = 128, 0.55
LITTLE = 5e-4  # a share of pixels that tells nothing
SIDE = 512  # pixels a side that are looked at
PERIOD = 8  # pixels a side of the pattern of an ordered dither, or a multiple of it
SHORTER = (2, 4)
# of the variance of what a blur takes away, what is alike in every period if there is a pattern:
# 0.04 to 0.6 of six ordered dithers of two pictures, up to 0.003 of four that pass on what is left;
# and by chance about one over the number of periods, so CHANCE times that, too
PATTERNED, CHANCE = 0.01, 4
# of the variance of a pattern, that of the means of its rows and columns: 0.05 to 0.31 of dithers,
# 0.95 to 1 of what lines of text leave
LINES = 0.6
ALIKE = 2  # times chance, in the parts of a pattern that comes again within PERIOD
# of the periods that are not of one colour, those that come again: up to 0.4 of six pictures with
# the ordered dithers of 18 palettes, 0.6 to 1 of pictures made of tiles, which are left as they are
AGAIN = 0.5
# deviations of offsets: from the first on cells are so wide that their borders show as dots, from
# the second on what is left looks like texture. Six levels have 0.06, four 0.1, two 0.29
WIDE, COARSE = 0.07, 0.15
ROUNDS = 4  # of moves to the border of a colour: it has several neighbours
SAME = 1 / 255  # distance of colours, at the most


@dataclass(frozen=True)
class Palette:
    """Every pixel has one of a few colours, the nearest.

    colours: K of them, K up to 256, of C numbers in [0, 1]. dithered: whether what a colour lacks
    is passed on to the pixels after it (Floyd and Steinberg 1976), or `offsets`, P x P numbers that
    go on from side to side, are added before (Bayer 1973). before: rows and columns before the
    image, with which that begins.
    """

    colours: tuple[tuple[float, ...], ...]
    dithered: bool
    offsets: tuple[tuple[float, ...], ...] = ()
    before: tuple[int, int] = (0, 0)

    @property
    def sentence(self) -> str:
        """What it is, for a person."""
        how = ", dithered" if self.dithered else ""
        if self.offsets:
            how += f" by a pattern of {len(self.offsets)} x {len(self.offsets)} pixels"
        return f"a palette of {len(self.colours)} colours" + how

    @property
    def rounded(self) -> float:
        """The deviation of what is rounded off where nothing is passed on: of what is uniform as
        far as half-way to the nearest other colours, as many as there are channels; less that of
        the offsets, which spread it over pixels.
        """
        colours = torch.tensor(self.colours)
        apart = torch.cdist(colours, colours).sort(dim=1).values
        farthest = apart[:, min(colours.shape[1], len(colours) - 1)]
        left = farthest.square().mean() / 12 - self._deviation**2
        return left.clamp_min(0).sqrt().item()

    @property
    def coarse(self) -> bool:
        """Whether the offsets leave what looks like texture."""
        return self._deviation > COARSE

    @property
    def _deviation(self) -> float:
        """Of the offsets."""
        return torch.tensor(self.offsets or 0.0).square().mean().sqrt().item()

    def at(self, row: int, column: int) -> "Palette":
        """The same of the part of the image that begins there."""
        if not self.offsets:
            return self
        period = len(self.offsets)
        return replace(self, before=(row % period, column % period))

    def moved(self, number: int) -> "Palette":
        """The same in one of several other ways: a dither that begins elsewhere is another one."""
        return replace(self, before=(5 + number, 3 + 2 * number))

    def compress(self, image: Tensor) -> Tensor:
        """What is left of `image` (1, C, H, W) in [0, 1]."""
        if self.offsets:
            return self.nearest(image + self._pattern(image), dithered=False)
        rows, columns = self.before
        grown = pad_reflect(image, (rows, 0), (columns, 0))
        return self.nearest(grown, self.dithered)[..., rows:, columns:]

    def project(self, image: Tensor, observation: Tensor) -> Tensor:
        """`image` (1, C, H, W) moved to where compression makes about x0 of it: where the nearest
        of the colours is another one, half-way between the two. What is passed on leaves it as it
        is, there nothing is known for certain, and so do large offsets.
        """
        if self.offsets and self._deviation < WIDE:
            offsets = self._pattern(image)
            plain = replace(self, dithered=False, offsets=())
            return plain.project(image + offsets, observation) - offsets
        if self.dithered:
            return image
        for _ in range(ROUNDS):
            apart = self.nearest(image, dithered=False) - observation
            along = ((image - observation - apart / 2) * apart).sum(dim=1, keepdim=True)
            # of the same colour it is what rounding left of it
            length = apart.square().sum(dim=1, keepdim=True).clamp_min(SAME**2)
            image = image - along.clamp_min(0) / length * apart
        return image

    def artefacts(self, observation: Tensor) -> Tensor:
        """What it might have added to x0 (1, C, H, W), less the offsets: what it adds to a blur of
        the middle, (1, C, 512, 512) or less.
        """
        image = undithered(middle(observation.shape, SIDE)(observation))
        return self.without_offsets(self.compress(image)) - image

    def without_offsets(self, observation: Tensor) -> Tensor:
        """x0 (1, C, H, W) less the offsets, so that no pattern is left but what was rounded off."""
        return observation - self._pattern(observation) if self.offsets else observation

    def nearest(self, image: Tensor, dithered: bool) -> Tensor:
        """`image` (1, C, H, W) in these colours, what they lack passed on or not."""
        colours = np.array(self.colours, np.float32)
        if dithered:
            index = _dithered(eight_bits(image), colours)
        else:
            index = KDTree(colours).query(image[0].permute(1, 2, 0).cpu().numpy())[1]
        return torch.from_numpy(colours[index]).permute(2, 0, 1)[None].to(image)

    def _pattern(self, image: Tensor) -> Tensor:
        """The offsets of every pixel, (H, W)."""
        offsets = torch.tensor(self.offsets).to(image)
        rows, columns = (
            (torch.arange(side) + first) % len(offsets)
            for side, first in zip(image.shape[-2:], self.before, strict=True)
        )
        return offsets[rows][:, columns]


def _dithered(pixels: Pixels, colours: Pixels) -> Pixels:
    """The numbers of the colours (K, C) in [0, 1] that Pillow gives to pixels (H, W, C) of 8 bits,
    (H, W).
    """
    times = 3 // colours.shape[1]  # of gray, three
    entries = np.rint(255 * colours).astype(np.uint8).repeat(times, axis=1)
    # entries that are left out would be black
    entries = np.concatenate([entries, entries[-1:].repeat(MOST - len(entries), axis=0)])
    palette = Image.new("P", (1, 1))
    palette.putpalette(entries.tobytes())
    image = Image.fromarray(pixels.repeat(times, axis=2))
    kept = image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    return np.array(kept).clip(max=len(colours) - 1)


def undithered(image: Tensor) -> Tensor:
    """`image` (1, C, H, W) blurred as much as it takes to hide a dither."""
    taps = gaussian(DITHER)
    return correlate(image, torch.outer(taps, taps))


def detect(observation: Tensor) -> Palette | None:
    """The palette of x0 (1, C, H, W) in [0, 1], of one or three channels, or None if it has more
    colours, or those of a scale.
    """
    channels = observation.shape[1]
    if channels not in (1, 3):
        return None
    pixels = observation[0].flatten(1)
    most = min(MOST, pixels.shape[1] // OFTEN)
    colours = _colours(pixels[:, :LOOKED_AT])
    if len(colours) <= most:
        colours = _colours(pixels)
    if not 1 < len(colours) <= most or _median_step(colours) < APART:
        return None
    found = Palette(tuple(map(tuple, colours.tolist())), dithered=False)
    if _is_tiled(observation):
        return found
    if offsets := _offsets(observation):
        return replace(found, dithered=True, offsets=offsets)
    return replace(found, dithered=_is_dithered(observation, found))


def _offsets(observation: Tensor) -> tuple[tuple[float, ...], ...]:
    """What was added to x0 (1, C, H, W) before its colours were chosen, P x P numbers, P up to
    PERIOD, or nothing: what it has more than its blur in the mean of all periods, if that is not
    of rows or columns.
    """
    seen = _whole_periods(observation)
    periods = seen[0, 0].numel() / PERIOD**2
    if not periods:
        return ()
    rest = seen - undithered(seen)
    by_chance = rest.var() / periods
    mean = _mean_period(rest, PERIOD)
    if mean.var() < PATTERNED * rest.var() + CHANCE * by_chance:
        return ()
    if sum(mean.mean(dim=dim).var(correction=0) for dim in (0, 1)) > LINES * mean.var(correction=0):
        return ()
    for shorter in SHORTER:
        some = _mean_period(mean[None, None], shorter)
        times = PERIOD // shorter
        if (mean - some.repeat(times, times)).square().mean() < ALIKE * by_chance:
            mean = some
            break
    return tuple(map(tuple, mean.tolist()))


def _mean_period(image: Tensor, side: int) -> Tensor:
    """That of `image` (1, C, H, W), (side, side)."""
    return image.unflatten(-1, (-1, side)).unflatten(-3, (-1, side)).mean(dim=(0, 1, 2, 4))


def _is_tiled(image: Tensor) -> bool:
    """Whether most periods of `image` (1, C, H, W) come again one or two further."""
    tiles = _whole_periods(image).unflatten(-1, (-1, PERIOD)).unflatten(-3, (-1, PERIOD))
    tiles = tiles.transpose(3, 4)  # (1, C, rows, columns, PERIOD, PERIOD)
    varied = (tiles != tiles[..., :1, :1]).flatten(4).any(dim=-1).any(dim=1)  # (1, rows, columns)

    def again(far: int, dim: int) -> float:
        first, second = (tiles.narrow(dim, start, tiles.shape[dim] - far) for start in (0, far))
        same = (first == second).flatten(4).all(dim=-1).all(dim=1)
        counted = varied.narrow(dim - 1, 0, same.shape[dim - 1])
        return ((same & counted).sum() / counted.sum().clamp_min(1)).item()

    reach = range(1, min(3, *tiles.shape[2:4]))
    return any((again(far, 2) + again(far, 3)) / 2 > AGAIN for far in reach)


def _whole_periods(image: Tensor) -> Tensor:
    """Those of `image` (1, C, H, W) that begin in its first SIDE pixels to a side."""
    rows, columns = (min(side, SIDE) // PERIOD * PERIOD for side in image.shape[-2:])
    return image[..., :rows, :columns]


def _is_dithered(observation: Tensor, palette: Palette) -> bool:
    """Whether as many pixels flicker as in a dithered picture of the same colours."""
    seen = middle(observation.shape, SIDE)(observation)
    smooth = undithered(seen)
    own = _flickering(seen)
    least, most = (_flickering(palette.nearest(smooth, dithered)) for dithered in (False, True))
    share = USUAL if len(palette.colours) > MANY else FLICKERING
    return own - least > share * (most - least)


def _flickering(image: Tensor) -> float:
    """The logarithm of the share of pixels that are unlike two equal ones to both sides, or above
    and below.
    """

    def across(image: Tensor) -> float:
        left, between, right = image[..., :-2], image[..., 1:-1], image[..., 2:]
        alike = (left == right).all(dim=1) & (left != between).any(dim=1)
        return alike.float().mean().item()

    return log((across(image) + across(image.mT)) / 2 + LITTLE)


def _colours(pixels: Tensor) -> Tensor:
    """Those of pixels (C, N), without order, (K, C)."""
    levels = (pixels.cpu().double() * (2**16 - 1)).round().long()
    codes = levels[0]
    for level in levels[1:]:
        codes = codes * 2**16 + level
    codes = codes.unique()
    columns = [codes // 2 ** (16 * power) % 2**16 for power in reversed(range(len(levels)))]
    return torch.stack(columns, dim=1).float() / (2**16 - 1)


def _median_step(colours: Tensor) -> float:
    """From a colour to the next in the order of brightness, in the channel where they are farthest
    apart.
    """
    ordered = colours[colours.sum(dim=1).argsort()]
    return ordered.diff(dim=0).abs().amax(dim=1).median().item()
