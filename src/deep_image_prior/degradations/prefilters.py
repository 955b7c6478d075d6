"""The low-pass before decimation: what of x a pixel of x0 saw."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..errors import BadInput
from ..resampling import bicubic, box, gaussian, lanczos
from . import kernels

# factor t -> the kernel (h, w) of sum 1 in pixels of x, h - t and w - t even and not negative, its
# centre in the middle of the t x t pixels of x that a pixel of x0 stands for
Prefilter = Callable[[int], Tensor]


def _outer(taps: Callable[[int], Tensor], factor: int) -> Tensor:
    """A kernel whose rows and columns are filtered alike."""
    along = taps(factor)
    return torch.outer(along, along)


LANCZOS2: Prefilter = partial(_outer, partial(lanczos, lobes=2))
# filters of programs that make pictures smaller
NAMED: dict[str, Prefilter] = {
    "lanczos2": LANCZOS2,
    "lanczos3": partial(_outer, partial(lanczos, lobes=3)),
    "bicubic": partial(_outer, bicubic),
    "box": partial(_outer, box),
}
GAUSSIAN = re.compile(rf"gaussian:({kernels.NUMBER})")


def prefilter(psf: NDArray[Any] | Tensor | str, factor: int, shape: Sequence[int]) -> Prefilter:
    """The low-pass that is meant: one of NAMED, or a kernel as in `kernels.of`, in pixels of x, for
    an enlargement by `factor` to `shape` (H, W). Raises BadInput.
    """
    if isinstance(psf, str) and psf in NAMED:
        return NAMED[psf]
    found = GAUSSIAN.fullmatch(psf.strip()) if isinstance(psf, str) else None
    if (
        isinstance(psf, str)
        and not kernels.NAMED.fullmatch(psf.strip())
        and not Path(psf).is_file()
    ):
        raise BadInput(
            f"there is no filter, kernel or file {psf!r}; choose one of {', '.join(NAMED)}, or "
            f"{kernels.WAY}"
        )
    kernel = kernels.of(psf, shape)  # checks it, too
    if found:
        sigma = float(found[1]) / factor  # pixels of x0
        return partial(_outer, lambda t: _at_least(gaussian(sigma * t, even=t % 2 == 0), t))
    return partial(_resized, kernel.flip(0, 1), factor)  # to be correlated, not convolved


def _at_least(taps: Tensor, factor: int) -> Tensor:
    more = max(0, factor - len(taps)) // 2
    return F.pad(taps, (more, more))


def _resized(kernel: Tensor, given: int, factor: int) -> Tensor:
    """`kernel`, for the factor `given`, for `factor`."""
    if factor != given:
        rows, columns = (max(1, round(side * factor / given)) for side in kernel.shape)
        kernel = F.interpolate(kernel[None, None], (rows, columns), mode="area")[0, 0]
    for axis in (0, 1):
        kernel = _of_parity(kernel, factor, axis)
    return kernel / kernel.sum()


def _of_parity(kernel: Tensor, factor: int, axis: int) -> Tensor:
    """With an even or odd number of rows or columns as the factor has, by means of two."""
    kernel = kernel.movedim(axis, 1)
    if (kernel.shape[1] - factor) % 2:
        wider = F.pad(kernel, (1, 1))
        kernel = (wider[:, 1:] + wider[:, :-1]) / 2
    more = max(0, factor - kernel.shape[1]) // 2
    return F.pad(kernel, (more, more)).movedim(1, axis)
