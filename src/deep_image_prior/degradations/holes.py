"""Holes: values of an image that are missing."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Holes:
    """known: 1 known, 0 missing; (1, 1, H, W), or (1, C, H, W) if the channels are known apart.

    scattered: single pixels are missing, not areas. exact: the known values have no noise, and are
    to stay.
    """

    known: Tensor
    scattered: bool = False
    exact: bool = False
