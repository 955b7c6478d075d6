"""Stripes: an offset of its own in every row, or in every column, of an image in [0, 1]; found and
taken off.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..storage import strips

PARTS = 8  # of a row, each with an estimate of its offset: how far they differ is the error
NEARBY = 2  # frequencies to both sides that an error is averaged over
MIDDLE = 0.6745  # the median of the size of a normal number of variance 1
STRANGE = 4.0  # deviations that a step of stripes stays below
CLEAR = 4.0  # times the error: photographs, with white noise or without, stay below it
LEAST = 2 / 255  # weaker ones are in photographs that are taken for clean
# rows and columns; in smaller pictures chance and structure look the same: up to 1 in 10 crops of
# 48 pixels of photographs had false stripes, 1 in 16 of 64, 1 in 25 of 96, none of 128
FEWEST = 100


@dataclass(frozen=True)
class Stripes:
    """Standard deviations of the offsets of the rows and of the columns, where white is 1; 0 for
    none of them.
    """

    rows: float
    columns: float

    def rescaled(self, span: float, offset: float) -> "Stripes":
        """The same of offset + span x, where these are of x."""
        return Stripes(span * self.rows, span * self.columns)

    def sentences(self, unit: float, of: str) -> list[str]:
        """What a summary says of it, in numbers that are `unit` times as large, "of 255"."""
        rows, columns = unit * self.rows, unit * self.columns
        return [f"stripes: rows of sigma {rows:.4g}, columns of {columns:.4g} {of}"]


def detect(observation: Tensor) -> Stripes | None:
    """The strongest stripes in any channel of x0 (1, C, H, W) in [0, 1]; None if none are clear."""
    rows, columns = (
        _of_rows(each).std(dim=1).max().item() for each in (observation, observation.mT)
    )
    return Stripes(rows, columns) if rows or columns else None


def remove(observation: Tensor) -> Tensor:
    """x0 (1, C, H, W) in [0, 1] without its stripes; as it is where none are clear.

    Values that were clipped at black or white stay there where an offset would have put them.
    """
    rows = _without(observation)
    return _without(rows.mT).mT.contiguous()


def _without(image: Tensor) -> Tensor:
    """An image (1, C, H, W) without the offsets of its rows."""
    return _minus(image, _of_rows(image)[..., None])


def _of_rows(image: Tensor) -> Tensor:
    """The offsets (C, H) of the rows of every channel of an image (1, C, H, W)."""
    return torch.stack([_offsets(plane) for plane in image[0]])


def _minus(image: Tensor, offsets: Tensor) -> Tensor:
    clipped = ((image >= 1) & (offsets > 0)) | ((image <= 0) & (offsets < 0))
    return torch.where(clipped, image, image - offsets)


def _offsets(plane: Tensor) -> Tensor:
    """The offsets (H,) of the rows of a plane (H, W); 0 if they are not clear.

    The median over a row of the differences to the row above, added up, is its offset but for what
    the picture puts there. Its waves are shrunk by Wiener's rule, s^2 / (s^2 + e): s^2, of white
    offsets, from half the squared differences; e, the error, from how far PARTS of the rows differ.
    """
    height, width = plane.shape
    none = torch.zeros_like(plane[:, 0])
    if min(height, width) < FEWEST:
        return none
    medians = torch.cat(
        [_medians(plane[rows.start : rows.stop + 1]) for rows in strips(height - 1, width)]
    )
    steps, parts = medians[:, 0].double(), medians[:, 1:].double()
    deviation = (steps - steps.median()).abs().median() / MIDDLE
    doubt = _spread(parts).median().clamp_min(1e-15)
    square = (deviation.square() - doubt) / 2
    if deviation.square() < CLEAR * doubt or square < LEAST**2:
        return none
    # lines and edges of the picture that span it
    usual = (steps.abs() < STRANGE * deviation)[:, None]
    waves = _waves(usual * steps[:, None])[:, 0]
    white, error = 2 * height * square, _smooth(_spread(_waves(usual * parts)))
    return torch.fft.irfft(waves * white / (white + error), n=2 * height)[:height].to(plane)


def _medians(rows: Tensor) -> Tensor:
    """Those of the differences of every row (N + 1, W) to the one above, over all of it and over
    each of its PARTS; (N, 1 + PARTS).
    """
    differences = rows.diff(dim=0)
    over = [differences, *differences.chunk(PARTS, dim=1)]
    return torch.stack([each.median(dim=1).values for each in over], dim=1)


def _spread(parts: Tensor) -> Tensor:
    """The variance of the mean of `parts` (N, K); (N,)."""
    apart = (parts - parts.mean(dim=1, keepdim=True)).abs().square().sum(dim=1)
    return apart / (parts.shape[1] * (parts.shape[1] - 1))


def _waves(steps: Tensor) -> Tensor:
    """The waves (H + 1, K) of the sums over `steps` (H - 1, K), evenly extended, without their mean
    and ramp.
    """
    sums = (steps - steps.mean(dim=0)).cumsum(dim=0)
    sums = torch.cat([torch.zeros_like(sums[:1]), sums])
    waves = torch.fft.rfft(torch.cat([sums, sums.flip(0)]), dim=0)
    waves[0] = 0
    return waves


def _smooth(power: Tensor) -> Tensor:
    """The mean of every NEARBY neighbours to both sides; (N,)."""
    ends = torch.nn.functional.pad(power[None, None], (NEARBY, NEARBY), mode="replicate")
    return torch.nn.functional.avg_pool1d(ends, 2 * NEARBY + 1, stride=1)[0, 0]
