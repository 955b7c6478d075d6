"""Contracts that every member of a kind must keep, and small pictures."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from skimage import data
from torch import Tensor, nn

from deep_image_prior import Problem, Settings, Step, files
from deep_image_prior.files import Picture
from deep_image_prior.networks import Hourglass
from deep_image_prior.step import Rule, Stop
from deep_image_prior.tasks import Inpaint, Restoration


def check_linear_operator(
    operator: Callable[[Tensor], Tensor], shape: tuple[int, ...], result: tuple[int, ...]
) -> None:
    """A(a x + b y) = a A(x) + b A(y), the right shape, and <A x, y> = <x, A^T y>, in double
    precision.
    """
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.rand(shape, generator=generator, dtype=torch.float64) for _ in range(2))
    assert operator(x).shape == result
    torch.testing.assert_close(operator(2 * x - 3 * y), 2 * operator(x) - 3 * operator(y))
    measured = torch.rand(result, generator=generator, dtype=torch.float64)
    _, adjoint = torch.func.vjp(operator, x)
    torch.testing.assert_close((operator(y) * measured).sum(), (y * adjoint(measured)[0]).sum())


def check_network(recipe: Callable[[int, int], nn.Module]) -> None:
    """Any size and number of channels goes in and comes out, in (0, 1), with a gradient for every
    weight.
    """
    for inputs, outputs, height, width in ((3, 1, 2, 2), (1, 3, 33, 47), (2, 4, 64, 5)):
        network = recipe(inputs, outputs)
        image = network(torch.rand(1, inputs, height, width))
        assert image.shape == (1, outputs, height, width)
        assert 0 < image.min() <= image.max() < 1
        image.sum().backward()
        assert all(weight.grad is not None for weight in network.parameters())


def count(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def tiny(inputs: int, outputs: int) -> nn.Module:
    """A network small enough for a test."""
    return Hourglass(inputs, outputs, down=(8, 8), up=(8, 8), skip=(4, 4))


def encoded(picture: Picture, suffix: str) -> bytes:
    """The bytes of an image file."""
    file = io.BytesIO()
    files.encode(picture, suffix, file)
    return file.getvalue()


def photograph(size: int = 64) -> np.ndarray[Any, Any]:
    """A clean colour photograph (size, size, 3) in [0, 1]: the top of a head."""
    return data.astronaut()[40 : 40 + size, 160 : 160 + size] / 255


def tensor(pixels: np.ndarray[Any, Any]) -> Tensor:
    """Pixels (H, W, C) as (1, C, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).float().permute(2, 0, 1)[None]


def noisy(clean: np.ndarray[Any, Any], sigma: float = 25 / 255) -> np.ndarray[Any, Any]:
    return np.clip(clean + np.random.default_rng(0).normal(0, sigma, clean.shape), 0, 1)


def problem(energy: Callable[[Tensor], Tensor], channels: int = 3, size: int = 16) -> Problem:
    """The tiny network on a noise code, with any energy."""
    return Problem(
        network=lambda: tiny(4, channels),
        code=lambda generator: torch.rand(1, 4, size, size, generator=generator),
        energy=energy,
    )


def filled(holes: str = "text") -> Restoration:
    """Inpainting, for what does not ask for its mask."""
    return Inpaint(np.ones((2, 2)), holes=holes)


FEW = Settings(steps=5)


def step(energy: float, gray: float = 0.5, index: int = 7) -> Step:
    """One step of a fit, of a gray image that is its own average."""
    image = torch.full((1, 1, 4, 4), gray)
    return Step(index, 1000, torch.tensor(energy), image, image)


class At(Rule):
    """Stops at a step."""

    def __init__(self, index: int) -> None:
        self.index = index

    def update(self, step: Step) -> Stop | None:
        return Stop("at", step.index, "enough") if step.index == self.index else None


def brightening(rule: Rule, until: int = 1000) -> tuple[int, str | None]:
    """Gray 0.001 at step 1, 0.002 at step 2 and so on, till the rule stops; the last index and the
    reason.
    """
    for index in range(1, until + 1):
        if stop := rule.update(step(1.0, gray=index / 1000, index=index)):
            return index, str(stop)
    return until, None
