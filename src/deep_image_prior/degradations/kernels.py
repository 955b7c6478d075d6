"""Point spread functions: what a blur makes of a single point, given as numbers or by name."""

import math
import re
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import BadInput, said
from ..files import read
from ..images import check_unmasked
from ..resampling import gaussian

NUMBER = r"-?\d+(?:\.\d*)?|-?\.\d+"
NAMED = re.compile(rf"(gaussian|disk|motion):({NUMBER})(?:@({NUMBER}))?")
WAY = "give gaussian:SIGMA, disk:RADIUS, motion:LENGTH@ANGLE (pixels, degrees), or the kernel"
LARGEST = 255.0  # pixels of sigma, radius or length: larger ones are mistakes
ASIDE = 1.0  # pixels that a kernel may lie beside its middle without a word


def named(text: str) -> Tensor:
    """The kernel (h, w), its sum 1, of "gaussian:1.6" (sigma in pixels), "disk:3" (radius) or
    "motion:9@30" (length, and degrees from the right to the top). Raises BadInput.
    """
    found = NAMED.fullmatch(text.strip())
    if not found or (found[1] == "motion") != (found[3] is not None):
        raise BadInput(f"there is no kernel or file {text!r}; {WAY}")
    size = float(found[2])
    if not 0 < size <= LARGEST:
        raise BadInput(
            f"the kernel {text!r} is of {size:g} pixels, but must be above 0 and at most "
            f"{LARGEST:g}; {WAY}"
        )
    if found[1] == "motion":
        return motion(size, float(found[3]))
    return disk(size) if found[1] == "disk" else _outer(gaussian(size))


def of(kernel: NDArray[Any] | Tensor | str, shape: Sequence[int]) -> Tensor:
    """The kernel that is meant, an array, a file or a name, for a picture of `shape` (H, W).

    Raises BadInput.
    """
    if not isinstance(kernel, str | Path):
        return normalised(kernel, shape)
    path = Path(kernel)
    if not path.is_file():
        return normalised(named(str(kernel)), shape)
    pixels = _loaded(path) if path.suffix == ".npy" else read(path).pixels.mean(axis=2)
    return normalised(pixels, shape)


def _loaded(path: Path) -> NDArray[Any]:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise BadInput(f"{path} is no array of NumPy ({error}); save it by numpy.save") from None


def disk(radius: float) -> Tensor:
    """A lens out of focus: 1 within `radius` pixels, falling to 0 over one; (h, w), its sum 1."""
    return _drawn(radius, lambda x, y: radius + 0.5 - torch.hypot(x, y))


def motion(length: float, angle: float) -> Tensor:
    """A line of `length` pixels, `angle` degrees from the right to the top: 1 - the distance to a
    segment one pixel shorter, where that is positive; (h, w), its sum 1.
    """
    half, turn = max(length - 1, 0) / 2, math.radians(angle)
    right, up = math.cos(turn), math.sin(turn)

    def weight(x: Tensor, y: Tensor) -> Tensor:
        along = (x * right + y * up).clamp(-half, half)
        return 1 - torch.hypot(x - along * right, y - along * up)

    return _drawn(half + 1, weight)


def normalised(kernel: NDArray[Any] | Tensor, shape: Sequence[int]) -> Tensor:
    """`kernel` (h, w), not negative, divided by its sum, for a picture of `shape` (H, W); its
    centre is pixel (h // 2, w // 2). Raises BadInput.
    """
    k = torch.from_numpy(_numbers(kernel))
    if k.ndim != 2 or not k.numel():
        raise BadInput(
            f"the kernel has shape {tuple(k.shape)}; give rows and columns of one channel"
        )
    if not torch.isfinite(k).all() or bool((k < 0).any()) or not k.sum() > 0:
        raise BadInput(
            "the kernel must be finite and not negative, and not 0 everywhere: it is what the blur "
            "makes of a single point; give it without a background"
        )
    if any(side > size for side, size in zip(k.shape, shape, strict=True)):
        (rows, columns), (height, width) = k.shape, shape
        raise BadInput(
            f"the kernel is {columns} x {rows} pixels, larger than the picture, {width} x "
            f"{height}; make it narrower, or give the whole picture"
        )
    k = k / k.sum()
    below, right = (
        (k.sum(dim=1 - axis) * torch.arange(side)).sum().item() - side // 2
        for axis, side in enumerate(k.shape)
    )
    if max(abs(below), abs(right)) > ASIDE:
        warnings.warn(
            f"the kernel lies {below:.1f} rows below its middle and {right:.1f} columns right of "
            "it: the result is moved by as much",
            stacklevel=2,
        )
    return k.float()


def _numbers(kernel: Any) -> NDArray[np.float64]:
    """In double precision, in the order of this machine."""
    check_unmasked(kernel, "the kernel")
    try:
        values = np.asarray(kernel.detach().cpu() if isinstance(kernel, Tensor) else kernel)
    except ValueError as error:
        raise BadInput(f"the kernel is no array ({said(error)}); {WAY}") from None
    if values.dtype.kind not in "biuf":
        raise BadInput(f"the kernel has dtype {values.dtype}; give real numbers, or a name: {WAY}")
    return np.array(values, np.float64)


def _outer(taps: Tensor) -> Tensor:
    return torch.outer(taps, taps)


def _drawn(reach: float, weight: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """max(weight(x, y), 0) at the pixels around 0, y upwards, without rows and columns of 0."""
    side = torch.arange(-math.ceil(reach), math.ceil(reach) + 1).float()
    y, x = torch.meshgrid(-side, side, indexing="ij")
    k = weight(x, y).clamp_min(0)
    k = torch.where(k > 1e-6, k, 0).clamp(max=1)  # what rounding leaves of 0
    rows, columns = k.sum(dim=1) > 0, k.sum(dim=0) > 0
    return k[rows][:, columns] / k.sum()
