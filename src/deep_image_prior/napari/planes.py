"""Planes of a layer as arrays, and the layer that comes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from ..errors import BadInput

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

    from ..images import Pixels

OF_THE_DATA = ("experimental_clipping_planes", "locked_data_level")  # not of other data


@dataclass(frozen=True)
class Plane:
    """axes: the two of a layer's data that are shown, rising. at: its place along all axes, 0
    along these.
    """

    axes: tuple[int, ...]
    at: tuple[int, ...]

    @property
    def name(self) -> str:
        """As the sliders of the viewer count."""
        return ", ".join(str(n) for axis, n in enumerate(self.at) if axis not in self.axes)

    def where(self, along: Sequence[int]) -> tuple[int | slice, ...]:
        """As an index, at `along` on the other axes."""
        return tuple(slice(None) if n in self.axes else each for n, each in enumerate(along))


def planes(viewer: ViewerModel, layer: Image, every: bool) -> list[Plane]:
    """The one that `viewer` shows of `layer`, or all of this direction."""
    own = [axis - viewer.dims.ndim + layer.ndim for axis in viewer.dims.order]
    axes = tuple(sorted([axis for axis in own if axis >= 0][-2:]))
    here, shape = place(viewer, layer), _data(layer).shape[: layer.ndim]
    along = [range(size) if every else [here[axis]] for axis, size in enumerate(shape)]
    for axis in axes:
        along[axis] = [0]
    return [Plane(axes, at) for at in product(*along)]


def place(viewer: ViewerModel, layer: Layer) -> list[int]:
    """Where `viewer` is, along all axes of `layer`."""
    last = np.array(_data(layer).shape[: layer.ndim]) - 1
    here = np.rint(layer.world_to_data(viewer.dims.point)).clip(0, last)
    return [int(each) for each in here]


def pixels(layer: Layer, plane: Plane, before: Sequence[int] = ()) -> Pixels:
    """A copy (H, W), or (H, W, C) of colours; labels are True where there are any. plane: of a
    layer with the same last axes. before: its place along those that only this layer has. Raises
    BadInput.
    """
    data = _data(layer)
    where = [*before, *plane.where(plane.at)][-layer.ndim :]
    for axis, size in enumerate(data.shape[: layer.ndim]):
        if size == 1 and not isinstance(where[axis], slice):
            where[axis] = 0  # the same beside every plane
    try:
        found = np.array(data[tuple(where)])
    except IndexError:
        raise BadInput(f"{layer.name} has fewer slices than the image; choose another") from None
    return found > 0 if isinstance(layer, Labels) else found


def joined(
    layer: Image, restored: Mapping[Plane, Pixels], every: Sequence[Plane], factor: int
) -> Pixels:
    """The data of the new layer, of planes that are `factor` times as large, to a side; those that
    are not restored are as they were.
    """
    first = every[0]
    whole = len(every) > 1
    shape = list(_data(layer).shape)
    for axis in range(layer.ndim):
        if axis in first.axes:
            shape[axis] *= factor
        elif not whole:
            shape[axis] = 1
    data = np.empty(shape, next(iter(restored.values())).dtype)
    for plane in every:
        place = plane.where(plane.at if whole else [0] * layer.ndim)
        if plane in restored:
            data[place] = restored[plane]
        else:
            data[place] = pixels(layer, plane).repeat(factor, 0).repeat(factor, 1)
    return data


def attributes(layer: Image, every: Sequence[Plane], factor: int) -> dict[str, Any]:
    """Those of `layer`, for the data of `joined` at the same place in the world."""
    first = every[0]
    start, scale = np.array(first.at, float), np.array(layer.scale)
    for (
        axis
    ) in first.axes:  # the first pixel begins, but is not centred, where that of the image is
        start[axis] = (1 / factor - 1) / 2
        scale[axis] /= factor
    own = layer.as_layer_data_tuple()[1]
    kept = {name: value for name, value in own.items() if name not in OF_THE_DATA}
    translate = layer.affine.inverse(layer.data_to_world(start))
    return {**kept, "scale": scale, "translate": translate, "multiscale": False, "visible": True}


def _data(layer: Layer) -> Any:
    """An array, maybe not in memory; the finest if there are several."""
    return layer.data[0] if layer.multiscale else layer.data
