"""Any image size through a network that halves its input several times: reflect outside, crop the
result.
"""

from collections.abc import Callable

from torch import Tensor

from ..padding import pad_reflect


def any_size(
    network: Callable[[Tensor], Tensor], code: Tensor, multiple: int, least: int
) -> Tensor:
    """`network` applied to `code` (1, C', H, W) grown by reflection to a multiple; the result
    cropped to (1, C, H, W).

    The grown sides are multiples of `multiple` and at least `least` pixels. H and W are at least 2.
    """
    (top, bottom), (left, right) = (_missing(size, multiple, least) for size in code.shape[-2:])
    image = network(pad_reflect(code, (top, bottom), (left, right)))
    return image[..., top : image.shape[-2] - bottom, left : image.shape[-1] - right]


def _missing(size: int, multiple: int, least: int) -> tuple[int, int]:
    """How many pixels to add before and after `size` for the next fitting size."""
    missing = -(-max(size, least) // multiple) * multiple - size
    return missing // 2, missing - missing // 2
