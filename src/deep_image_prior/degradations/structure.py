"""Structure told from noise: how much of the power of flat patches is noise."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

LEAST = (0.25 / 255) ** 2  # power: of rounding to 8 bits
ROUNDED = (0.5 / 255) ** 2  # beyond it
# of fourth moments: without noise luminance has 1.57 and more; with it, up to 1.3 on most pictures
GAUSSIAN = 1.25
# times the deviation in colour, what luminance has at the most if it is not Gaussian. Where colour
# is: noise of red, green and blue apart has as much in both, and matrices of colour add to colour.
# Where it is not: in photographs of cc15 up to 1.8.
EQUAL, CLOSE = 1.0, 2.0
MONOCHROME = 8.0  # the same: beyond it the noise, or the structure, has no colour
# the same in files, once colour has back the power that JPEG takes of it: the deviation of the true
# noise in colour is 1.1 to 2.8 over what is measured in polyu40, quadratically
SPARED, TAKEN = 2.25, (1.5 / 255) ** 2
# pixels, of the Gaussian of noise in luminance that shows structure, at the most: JPEG has made its
# fine waves zero, and the picture has coarse ones, so that it looks longer than it is. Where JPEG
# has left colour alone, and where not
LONG, SHORT = 0.8, 0.65
EVERYWHERE = 0.75  # of the energy of noise, what the quietest patches have if all have noise
UNTOUCHED = 0.2  # the same, if JPEG has left them some
MORE = 1.7  # times the power of the flattest patches, what the noise of all has at the most
RARE = (2.0, 25.0)  # times its mean power, what noise has where JPEG left it: luminance, colour
# of the energy of noise, what the quiet patches of a JPEG file have at the least: 0.67 in cc15
LEFT = 0.6
# of the contrast of the image, what noise in luminance has at the most if colour has less by FEW:
# 0.29 in cc15; a close view of cells, of grass, of fur is all texture, and has 0.37 and more
LOUD, FEW = 0.33, 1.5
UNEVEN = 0.45  # of the power of the flattest tenth, what the flattest hundredth has of true noise


@dataclass(frozen=True)
class Evidence:
    """Of flat patches in opponent channels.

    power: (C,), the mean variance; moments: (C,), the fourth moments of fine cosines, 1 for a
    Gaussian. quiet, quietest: (C,), the energy that 2 % and 0.5 % of all patches stay below, over
    what it would be for noise of that power. flattest, flatter: the power in luminance of the
    flattest hundredth and tenth. contrast: (C,), the variance over all of the image.
    """

    power: Tensor
    moments: Tensor
    quiet: Tensor
    quietest: Tensor
    flattest: Tensor
    flatter: Tensor
    contrast: Tensor


@dataclass(frozen=True)
class Verdict:
    """power: (C,), of the noise; more than is seen where JPEG has taken noise away. doubtful: much
    of the rest may be noise too. Where luminance shows structure: bounded, colour says what noise
    there is in it, at every frequency; longest, it is white noise under a Gaussian of so many
    pixels at the most.
    """

    power: Tensor
    doubtful: bool
    bounded: bool = False
    longest: float = math.inf


def part_of_noise(seen: Evidence, compressed: bool) -> Verdict:
    """How much of the power is noise."""
    found = _of_file(seen) if compressed else _of_pixels(seen)
    uneven = bool(seen.flattest < UNEVEN * seen.flatter)
    power = found.power.clamp_min(LEAST)
    doubtful = found.doubtful or uneven or _fills_the_image(power, seen.contrast[0])
    return replace(found, power=power, doubtful=doubtful)


def _fills_the_image(power: Tensor, contrast: Tensor) -> bool:
    """Whether noise of that power (C,) is much of all there is in luminance, and not in colour."""
    colour = power[1:].mean() if len(power) == 3 else torch.zeros_like(contrast)
    return bool((power[0] > LOUD**2 * contrast) & (power[0] > FEW**2 * colour))


def bound_by_colour(spectrum: Tensor) -> Tensor:
    """A spectrum (3, H, W) whose luminance is at no frequency over CLOSE times the deviation in
    colour, nor under its own part of it.
    """
    luminance, colour = spectrum[0], spectrum[1:].mean(dim=0)
    own = (luminance.mean() / colour.mean()).clamp_max(1)
    bounded = torch.maximum(luminance.minimum(CLOSE**2 * colour), own * colour)
    return torch.cat([bounded[None], spectrum[1:]])


def _of_pixels(seen: Evidence) -> Verdict:
    """Nothing has been taken away: noise is Gaussian, and in every patch; structure is neither."""
    most = seen.power * seen.quiet
    gaussian = seen.moments < GAUSSIAN
    powers = torch.where(gaussian, seen.power, torch.minimum(seen.power, most))
    if len(powers) != 3:
        return Verdict(powers, bool(seen.quiet[0] < EVERYWHERE))
    colour = powers[1:].mean()
    alone = seen.power[0] > MONOCHROME**2 * colour
    if alone and (gaussian[0] or seen.quietest[0] > EVERYWHERE):
        powers[0] = torch.minimum(seen.power[0], most[0])  # film grain, or a fabric
        return Verdict(powers, True)
    if not gaussian[0]:
        ratio = EQUAL if gaussian[1:].all() else CLOSE
        # at least as much as colour has, at the most `ratio` times it
        powers[0] = torch.minimum(
            seen.power[0], torch.maximum(most[0], colour).clamp_max(ratio**2 * colour)
        )
    return Verdict(powers, bool(powers[0] < seen.power[0] / 2), bounded=not bool(gaussian[0]))


def _of_file(seen: Evidence) -> Verdict:
    """JPEG has taken noise away in many patches, in colour most of all: where it is left it is
    stronger than in the mean, which shows in the moments. Colour of a gray image says nothing; what
    has no colour but is Gaussian, or in every patch, may be film grain.
    """
    rare = seen.moments.clamp(1, RARE[1])
    coloured = len(seen.power) == 3 and bool((seen.contrast[1:] > ROUNDED).any())
    if coloured:
        rare[0] = rare.min().clamp_max(RARE[0])
    else:  # structure has such moments too, least of all in colour
        rare = torch.ones_like(rare)
    powers = seen.power * rare
    alone = not coloured or bool(seen.power[0] > MONOCHROME**2 * seen.power[1:].mean())
    everywhere = alone and bool(seen.quiet[0] > EVERYWHERE)
    structured = bool(seen.moments[0] > GAUSSIAN) and not everywhere
    most, grain, kept = MORE * seen.flattest * powers[0], False, False
    if coloured:
        colour = powers[1:].mean()
        borne = SPARED**2 * (colour + TAKEN)
        kept = bool(((seen.power > ROUNDED) & (seen.quietest > UNTOUCHED))[1:].all())
        grain = not structured and bool(powers[0] > borne)
        if structured:
            most = torch.minimum(most, CLOSE**2 * colour if kept else borne)
    doubtful = grain or bool((most < powers[0] / 2) | (seen.quiet[0] < LEFT))
    powers[0] = torch.minimum(powers[0], most)
    longest = math.inf if not structured else LONG if kept else SHORT
    return Verdict(powers, doubtful, longest=longest)
