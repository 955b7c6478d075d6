"""A of other packages, or of a pair of functions: a linear operator that knows its adjoint.

They are told by what they have, so that none of them is ever imported.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from numbers import Integral
from typing import Any

import numpy as np
import torch
from scipy.sparse import issparse
from scipy.sparse.linalg import aslinearoperator
from torch import Generator, Tensor

from ..errors import BadInput, said

Map = Callable[[Tensor], Tensor]
CPU = torch.device("cpu")

# of the deviation that <A x, y> has over random y: by about 1.4 of them an adjoint is wrong that
# has nothing to do with A, by 0.001 that of a Fourier transform of three digits
TOLERANCE = 0.01
KINDS = (
    "a deepinv physics (A, A_adjoint), a SciPy or PyLops LinearOperator or a matrix (matvec, "
    "rmatvec), a SigPy Linop (ishape, H), or a function with its adjoint"
)


@dataclass(frozen=True)
class Linear:
    """A(x) = `forward`(x) of an image x (1, C, H, W); the gradient goes back by `adjoint`, A*.

    Of complex y and real x, the gradient is the real part of A* y.
    """

    forward: Map
    adjoint: Map

    def __call__(self, image: Tensor) -> Tensor:
        return _Apply.apply(image, self.forward, self.adjoint)


class _Apply(torch.autograd.Function):
    """The Jacobian of a linear map is itself, so its gradient is the adjoint's value."""

    @staticmethod
    def forward(x: Tensor, forward: Map, adjoint: Map) -> Tensor:
        return forward(x)

    @staticmethod
    def setup_context(context: Any, inputs: tuple[Tensor, Map, Map], output: Tensor) -> None:
        x, forward, adjoint = inputs
        context.back, context.real = (adjoint, forward), not x.is_complex()

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        x = _Apply.apply(gradients[0], *context.back)
        return x.real if context.real and x.is_complex() else x, None, None


def linear(
    op: Any,
    shape: Sequence[int],
    adjoint: Map | None = None,
    tolerance: float = TOLERANCE,
    device: torch.device = CPU,
) -> Linear:
    """A differentiable A of `op` for images of `shape`, (H, W) or (C, H, W).

    op: KINDS. A function and its `adjoint` take and give tensors, those of images (1, C, H, W).
    What is made for one channel is applied to each: y then begins with C. Operators on arrays work
    on the CPU in their own precision, wherever x is. tolerance: of the dot test <A x, y> =
    <x, A* y>, in deviations of either side over random y. device: where images will be, for
    operators on tensors. Raises BadInput if the test fails.
    """
    planes = (1, *planes_of(shape))
    names, made = _pair(op, planes, adjoint)
    check_adjoint(made, planes, names, tolerance, device)
    return made


def differentiable(op: Any, shape: Sequence[int], device: torch.device = CPU) -> Map:
    """A of an image (1, C, H, W): `linear` where `op` has an adjoint, else the callable itself, or
    the A of a deepinv physics, which as a callable adds the noise of its model.
    """
    if is_linear(op):
        return linear(op, shape, device=device)
    if not callable(op):
        raise BadInput(f"A is a {type(op).__name__}, but must be a callable, {KINDS}")
    return op.A if hasattr(op, "noise_model") else op


def is_linear(op: Any) -> bool:
    """Whether `linear` takes `op` without being given an adjoint."""
    attributes = ({"A", "A_adjoint"}, {"ishape", "oshape", "H"}, {"matvec", "rmatvec", "shape"})
    matrix = isinstance(op, np.ndarray | Tensor) or issparse(op)
    return matrix or any(all(hasattr(op, name) for name in each) for each in attributes)


def planes_of(shape: Any) -> tuple[int, int, int]:
    """(C, H, W) of an image of `shape` (H, W) or (C, H, W). Raises BadInput if it is no such."""
    sides = tuple(shape) if isinstance(shape, Sequence | np.ndarray) else ()
    whole = all(isinstance(side, Integral) for side in sides)
    if len(sides) not in (2, 3) or not whole or min(sides) < 1 or min(sides[-2:]) < 2:
        raise BadInput(f"shape is {shape!r}, but must be (H, W) or (C, H, W) of an image")
    channels, height, width = map(int, (1, *sides) if len(sides) == 2 else sides)
    return channels, height, width


def _pair(op: Any, planes: tuple[int, ...], adjoint: Map | None) -> tuple[tuple[str, str], Linear]:
    """How its two maps are called, and they themselves."""
    if adjoint is not None:
        return ("forward", "adjoint"), Linear(op, adjoint)
    if not is_linear(op):
        raise BadInput(f"the operator is a {type(op).__name__}, but must be {KINDS}")
    if hasattr(op, "A_adjoint"):
        return ("A", "A_adjoint"), Linear(op.A, op.A_adjoint)
    if isinstance(op, Tensor):
        forward, back = _product(op), _product(op.mH)
        return ("A", "A.mH"), _of_arrays(forward, back, op.shape[1:], op.shape[:1], planes)
    if hasattr(op, "ishape"):
        forward, back = _numpy(op), _numpy(op.H)
        return ("op", "op.H"), _of_arrays(forward, back, op.ishape, op.oshape, planes)
    if not hasattr(op, "rmatvec"):
        op = aslinearoperator(op)
    forward, back = _numpy(op.matvec), _numpy(op.rmatvec)
    return ("matvec", "rmatvec"), _of_arrays(forward, back, op.shape[1:], op.shape[:1], planes)


def _numpy(apply: Callable[[Any], Any]) -> Map:
    """`apply` of arrays as one of tensors, in their precision and on their device."""

    def of_tensor(x: Tensor) -> Tensor:
        made = np.ascontiguousarray(apply(x.detach().cpu().resolve_conj().resolve_neg().numpy()))
        return _as_precise(torch.from_numpy(made), x).to(x.device)

    return of_tensor


def _product(matrix: Tensor) -> Map:
    """Of the matrix and a vector, in the precision of the vector."""
    return lambda x: _as_precise(matrix @ x.to(matrix.dtype), x)


def _as_precise(made: Tensor, x: Tensor) -> Tensor:
    return made.to(x.dtype.to_complex() if made.is_complex() else x.dtype.to_real())


def _of_arrays(
    forward: Map,
    adjoint: Map,
    inside: Sequence[int],
    outside: Sequence[int],
    planes: tuple[int, ...],
) -> Linear:
    """Of maps between tensors of the shapes `inside` and `outside`, that of one channel or all."""
    count, rest = divmod(prod(planes), prod(inside))
    if rest or count not in (1, planes[1]):
        raise BadInput(
            f"the operator takes {prod(inside)} values, but an image of shape {planes[1:]} has "
            f"{prod(planes)}"
        )

    def each(apply: Map, shape: Sequence[int], x: Tensor) -> Tensor:
        made = [apply(one) for one in x.reshape(count, *shape)]
        return torch.stack(made) if count > 1 else made[0]

    return Linear(
        lambda x: each(forward, inside, x),
        lambda y: each(adjoint, outside, y).reshape(planes),
    )


def check_adjoint(
    operator: Linear,
    planes: Sequence[int],
    names: tuple[str, str],
    tolerance: float = TOLERANCE,
    device: torch.device = CPU,
) -> None:
    """The dot test: <A x, y> = <x, A* y> for a random image x, of shape `planes`, and y.

    Raises BadInput, calling the two maps `names`.
    """
    random = Generator().manual_seed(0)
    x = torch.randn(tuple(planes), generator=random).to(device)
    seen = operator.forward(x)
    y = torch.randn(seen.shape, dtype=seen.dtype, generator=random).to(device)
    try:
        left, right = _dot(seen, y), _dot(x, operator.adjoint(y))
    except NotImplementedError as error:
        raise BadInput(f"{names[1]} is not there: {said(error)}") from error
    if not abs(left - right) <= tolerance * seen.norm().item():
        raise BadInput(
            f"{names[1]} is not the adjoint of {names[0]}: <A x, y> is {left:.6g}, but "
            f"<x, A* y> is {right:.6g} for random x and y"
        )


def _dot(a: Tensor, b: Tensor) -> float:
    """Re <a, b>, in double precision."""
    if a.shape != b.shape:
        raise BadInput(f"an adjoint gives shape {tuple(b.shape)} instead of {tuple(a.shape)}")
    a, b = (each.detach().cpu().to(torch.complex128) for each in (a, b))
    return (a * b.conj()).real.sum().item()
