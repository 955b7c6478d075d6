"""Any image size through a network that halves its input several times: reflect outside, crop the result."""

from collections.abc import Callable

from torch import Tensor

from ..filters import mirrored


def any_size(network: Callable[[Tensor], Tensor], code: Tensor, multiple: int, least: int) -> Tensor:
    """`network` applied to `code` (1, C', H, W) grown by reflection to a multiple; the result cropped to (1, C, H, W).

    The grown sides are multiples of `multiple` and at least `least` pixels. H and W are at least 2.
    """
    height, width = code.shape[-2:]
    rows, columns = (_reflected(size, multiple, least) for size in (height, width))
    if len(rows) == height and len(columns) == width:
        return network(code)
    top, left = (len(rows) - height) // 2, (len(columns) - width) // 2
    grown = code[..., rows.to(code.device)[:, None], columns.to(code.device)]
    return network(grown)[..., top : top + height, left : left + width]


def _reflected(size: int, multiple: int, least: int) -> Tensor:
    """Indices into 0..size-1 that extend it to the next fitting size, mirrored at both ends."""
    missing = -(-max(size, least) // multiple) * multiple - size
    return mirrored(size, missing // 2, missing - missing // 2)
