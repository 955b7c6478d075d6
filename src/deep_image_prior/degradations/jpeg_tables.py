"""The tables of JPEG told by the pixels: cosines of blocks are whole multiples of their numbers."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..files.picture import MCU
from ..windows import middle
from .jpeg import BLOCK, Compression, nearest_quality, standard

SIDE = 512  # pixels a side that are looked at
BLOCKS = 1024  # that are enough: of twice as many every other one is looked at
NUMBERS = torch.arange(3, 256)  # smaller ones are lost in what rounding to 8 bits does
# of 255, how far rounding moves a cosine from a multiple: the first for brightness; the second for
# pixels that are alike, too, and for colour; the third for colour at half the resolution
NEAR = (0.75, 1.5, 3.0)
WIDE = 3  # times as far, at the least, a number is
SMALL = 1.0  # of 255: what rounding may make of nothing
MOST = 0.6  # share of the other cosines that are near a multiple
CHANCE = 12.0  # minus the logarithm of how likely it is by chance that so many are
TOLD = (6, 3)  # numbers of brightness and of colour, at the least; a drawing of two colours has 3
USUAL = 50  # quality, whose table gives the shape of numbers that are not told
NEAREST = 3  # numbers that are told, which tell one that is not


def seen(observation: Tensor) -> Tensor:
    """The middle of x0, in which blocks begin where they do in x0."""
    return middle(observation.shape, SIDE, MCU)(observation)


def with_brightness_told(observation: Tensor, grid: tuple[int, int]) -> Compression | None:
    """The compression of x0 (1, C, H, W) in [0, 1] whose table of brightness its cosines tell, or
    None if they are multiples of nothing.

    grid: row and column where blocks begin. Fan and de Queiroz 2003, doi:10.1109/TIP.2002.807361.
    """
    plain = Compression(USUAL, *grid)
    surprise, table = _table(plain.cosines(seen(observation))[0], 0, standard(USUAL)[0])
    if surprise == 0:
        return None
    quality = nearest_quality(table)
    return replace(plain, quality=quality, tables=(table, standard(quality)[1]))


def with_colour_told(found: Compression, observation: Tensor) -> Compression:
    """The same with colour kept in the way in which most of the cosines of x0 (1, C, H, W) are
    multiples of something, if any are.
    """
    part, best, most = seen(observation), found, 0.0
    for each in found.ways_of_colour() if observation.shape[1] >= 3 else ():
        cosines = torch.cat(each.cosines(part)[1:3], dim=1)
        surprise, table = _table(cosines, 1, found.tables[1])
        if surprise > most:
            best, most = replace(each, tables=(found.tables[0], table)), surprise
    return best


def _table(cosines: Tensor, kind: int, usual: Sequence[int]) -> tuple[float, tuple[int, ...]]:
    """How little `cosines` (64, blocks) are multiples by chance, 0 if they are of nothing; and of
    what. Numbers that are not told are those that are about as many times the `usual` ones as the
    told ones around them, and that their cosines are multiples of, if there are any.
    """
    # blocks that are alike but for their mean tell it once
    varied = np.unique(cosines[1:].cpu().round(), axis=1, return_index=True)[1]
    cosines = cosines[:, np.sort(varied)[:: max(1, len(varied) // BLOCKS)]].cpu()
    near, *farther = NEAR[kind:]
    shares, surprise = _multiples(cosines, near)
    if (surprise.amax(dim=1) > CHANCE).sum() < TOLD[kind]:
        return 0.0, tuple(usual)
    for near in farther:
        shares, surprise = map(torch.maximum, (shares, surprise), _multiples(cosines, near))
    largest, index = surprise.max(dim=1)
    told = largest > CHANCE
    numbers, shape = NUMBERS[index], torch.tensor(usual).log()
    places = torch.cartesian_prod(*2 * [torch.arange(float(BLOCK))])
    around = torch.cdist(places, places[told]).topk(NEAREST, largest=False).indices
    guess = shape + (numbers.log() - shape)[told][around].mean(dim=1)
    # of what is a multiple of nothing all of them are as likely
    fits = (shares >= MOST) | (shares < MOST).all(dim=1, keepdim=True)
    apart = (NUMBERS.log() - guess[:, None]).abs().masked_fill(~fits, torch.inf)
    others = NUMBERS[apart.argmin(dim=1)]
    return largest[told].sum().item(), tuple(torch.where(told, numbers, others).tolist())


def _multiples(cosines: Tensor, near: float) -> tuple[Tensor, Tensor]:
    """Of each row of cosines (64, blocks) and each of NUMBERS the share of those that are as near a
    multiple, small ones left out, and minus the logarithm of how likely that is by chance, (64, N);
    1 and 0 if there are none.
    """
    numbers = NUMBERS[:, None]
    chance = (2 * near / NUMBERS).clamp(max=0.99)
    shares = torch.ones(len(cosines), len(NUMBERS))
    surprise = torch.zeros_like(shares)
    for values, share, unlikely in zip(cosines, shares, surprise, strict=True):
        sizes = values[values.abs() > SMALL].abs()
        if not len(sizes):
            continue
        times = (sizes / numbers).round()
        close = ((sizes - times * numbers).abs() < near) & (times > 0)
        share[:] = (close & (numbers > WIDE * near)).float().mean(dim=1)
        # a binomial of that chance has so few: by its divergence
        apart = torch.xlogy(share, share / chance)
        apart += torch.xlogy(1 - share, (1 - share) / (1 - chance))
        # of one sign they may be a gradient's, the same in all blocks
        both = min((values > SMALL).sum(), (values < -SMALL).sum()) > 1
        told = both & (share > chance) & (share >= MOST)
        unlikely[:] = torch.where(told, len(sizes) * apart, 0.0)
    return shares, surprise
