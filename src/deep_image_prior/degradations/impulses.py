"""Impulses (salt and pepper): values that are black or white whatever the image is there."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..padding import pad_reflect
from ..windows import sheet

AROUND = 5  # pixels a side of the median that impulses are far from
FAR, SLIGHT = 0.25, 0.1  # distances from it
# measured: 0.6 or more with 5 % of impulses or more, 0.4 or less with Gaussian noise up to sigma
# 100
MOST = 0.55
# where there is little other noise: the least share of impulses of either colour, and how many
# there are for every far value NEAR to black or white: measured 21 and more with 4 % of them,
# 7 and less without, drawings left out
FEWEST, RATIO, NEAR = 0.005, 8, 4.5 / 255
# the least share of either beside other noise: of 96 photographs and masks three masks have as
# many, and none with white noise; of 1 % of impulses with sigma 8 in them it finds five of six
SPECKS = 0.001
LEAST = 10  # pixels a side: in a smaller picture the least and the greatest value are too few
ENOUGH, SIDE = 2**19, 256  # pixels: of a larger picture a sheet of panels of that side is looked at


@dataclass(frozen=True)
class Impulses:
    """A `share` of the values, 0 to 1, is black or white; the others are as they were."""

    share: float
    doubtful, certain = False, True  # nothing else looks like them

    def facts(self) -> dict[str, Any]:
        """What a record says of it."""
        return {"kind": "impulses", "share": self.share}

    def rescaled(self, span: float, offset: float) -> "Impulses":
        """The same: they are a share in any unit."""
        return self

    def sentences(self, unit: float, of: str) -> list[str]:
        """What a summary says of it; they have no unit."""
        return [f"noise: impulses in {self.share:.1%} of the values"]


def detect(observation: Tensor) -> Impulses | None:
    """The impulses of x0 (1, C, H, W) in [0, 1], or None if its noise is of another kind."""
    small = min(observation.shape[-2:]) < LEAST
    return None if small or not has_impulses(_seen(observation)) else measure(observation)


def measure(observation: Tensor) -> Impulses:
    """The impulses of x0 (1, C, H, W) in [0, 1] if it is known to have some."""
    return Impulses(impulse_mask(_seen(observation)).mean().item())


def _seen(observation: Tensor) -> Tensor:
    """What is looked at."""
    return sheet(observation, SIDE) if observation[0, 0].numel() > ENOUGH else observation


def impulse_mask(observation: Tensor) -> Tensor:
    """Which values of x0 (1, C, H, W) are impulses, as 0 and 1: black or white, and far from the
    median around them.
    """
    return (_extreme(observation) & (_strange(observation) > SLIGHT)).to(observation)


def has_impulses(observation: Tensor) -> bool:
    """Whether most of the values far from the median around them are black or white, as no other
    noise makes them; or many are, both black and white, and few are nearly so: the rest may be
    text.

    No if most of the others are too: drawings and pages have thin lines of that kind.
    """
    strange, extreme = _strange(observation), _extreme(observation)
    far = strange > FAR
    if (~far & extreme).sum() >= 0.5 * (~far).sum():
        return False
    most = (far & extreme).sum() > MOST * far.sum()
    return bool(most) or _stand_out(observation, strange, FEWEST)


def has_specks(observation: Tensor) -> bool:
    """Whether some values of x0 (1, C, H, W) are impulses, beside whatever other noise."""
    seen = _seen(observation)
    return min(seen.shape[-2:]) >= LEAST and _stand_out(seen, _strange(seen), SPECKS)


def _stand_out(observation: Tensor, strange: Tensor, least: float) -> bool:
    """Whether more than that share are black, and as many white, far from what is around them, and
    few are nearly so, where there is little other noise.
    """
    far, extreme = strange > FAR, _extreme(observation)
    nearly = far & ~extreme & ((observation < NEAR) | (observation > 1 - NEAR))
    fewer = torch.minimum((far & (observation <= 0)).sum(), (far & (observation >= 1)).sum())
    many = fewer > least * far.numel() and fewer > RATIO * nearly.sum()
    return bool(many) and bool(strange.median() < SLIGHT / 2)


def _extreme(observation: Tensor) -> Tensor:
    return (observation <= 0) | (observation >= 1)


def _strange(observation: Tensor) -> Tensor:
    """The distance of every value from the median of the AROUND x AROUND pixels around it."""
    around = (
        pad_reflect(observation, (AROUND // 2, AROUND // 2))
        .unfold(-2, AROUND, 1)
        .unfold(-2, AROUND, 1)
    )
    return (observation - around.flatten(-2).median(dim=-1).values).abs()
