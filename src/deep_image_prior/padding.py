"""What lies outside an image: its reflection."""

import torch
import torch.nn.functional as F
from torch import Tensor


def reflect_indices(size: int, before: int, after: int) -> Tensor:
    """Indices into 0..size-1 that go on by reflection at both ends, as often as needed; size is at
    least 2.
    """
    period = 2 * (size - 1)
    index = torch.arange(-before, size + after) % period
    return torch.where(index < size, index, period - index)


def pad_reflect(
    image: Tensor, rows: tuple[int, int], columns: tuple[int, int] | None = None
) -> Tensor:
    """`image` (B, C, H, W) with so many mirrored rows above and below, and columns (or as many)
    left and right.
    """
    columns = columns or rows
    if not any(rows + columns):
        return image
    if all(max(more) < n for n, more in zip(image.shape[-2:], (rows, columns), strict=True)):
        return F.pad(image, (*columns, *rows), mode="reflect")  # many times as fast
    height, width = (
        reflect_indices(n, *more).to(image.device)
        for n, more in zip(image.shape[-2:], (rows, columns), strict=True)
    )
    return image[..., height[:, None], width]
