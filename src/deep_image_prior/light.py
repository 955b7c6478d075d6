"""Light, and its root: sensors count photons, whose noise grows as the root of their number. Under
the root of light it is nearly the same in dark and bright, and in every channel.
"""

from torch import Tensor

DARK = 0.01  # of white: the noise of the electronics counts as that of so much light
ZERO, SPAN = DARK**0.5, (1 + DARK) ** 0.5 - DARK**0.5  # black, and from there to white


def to_root(x: Tensor) -> Tensor:
    """sRGB in [0, 1] as the root of light in [0, 1], elementwise."""
    light = (x / 12.92).where(x <= 0.04045, ((x + 0.055) / 1.055) ** 2.4)
    return ((light + DARK).sqrt() - ZERO) / SPAN


def from_root(root: Tensor) -> Tensor:
    """The inverse of `to_root`."""
    light = ((SPAN * root + ZERO) ** 2 - DARK).clamp_min(0)
    return (12.92 * light).where(light <= 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055)
