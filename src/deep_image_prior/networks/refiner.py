"""A network for codes that are estimates of the image already: it draws what they have wrong."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .anysize import any_size
from .bfloat16 import ReflectConv2d, in_bfloat16
from .hourglass import bilinear


class Refiner(nn.Module):
    """f(z) = mean of the first `estimates` images in z + g(z): (B, inputs, H, W) -> (B, outputs, H,
    W), unbounded.

    g is an hourglass at half resolution, where every 2 x 2 pixels of z are channels of one, and is
    0 before the first step. widths: channels of its scales, finest first; what goes down is added
    to what comes up.
    """

    def __init__(
        self, inputs: int, outputs: int, widths: Sequence[int] = (32, 48, 64), estimates: int = 1
    ) -> None:
        super().__init__()
        self.outputs, self.estimates = outputs, estimates
        last = nn.Conv2d(widths[0], 4 * outputs, 1)
        for parameter in last.parameters():
            nn.init.zeros_(parameter)
        self.body = nn.Sequential(
            *_activated(4 * inputs, widths[0]),
            *([_Scale(widths)] if len(widths) > 1 else []),
            *_activated(widths[0], widths[0]),
        )
        self.head = nn.Sequential(last, nn.PixelShuffle(2))
        self.body.to(memory_format=torch.channels_last)
        self.multiple = 2 ** len(widths)

    def forward(self, code: Tensor) -> Tensor:
        images = code[:, : self.estimates * self.outputs].unflatten(
            1, (self.estimates, self.outputs)
        )
        # reflection needs two pixels at the coarsest scale
        return images.mean(dim=1) + any_size(
            self._correction, code, self.multiple, least=2 * self.multiple
        )

    def _correction(self, code: Tensor) -> Tensor:
        halved = F.pixel_unshuffle(code, 2).contiguous(memory_format=torch.channels_last)
        return self.head(in_bfloat16(self.body, halved))


class _Scale(nn.Module):
    """result = convolved(x + up(inner(down(x))))."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        outer, inner = widths[:2]
        self.deep = nn.Sequential(
            *_activated(outer, inner, stride=2),
            *_activated(inner, inner),
            *([_Scale(widths[1:])] if len(widths) > 2 else []),
            nn.Conv2d(
                inner, outer, 1
            ),  # before the upsampling, with which it commutes: a quarter of the arithmetic
            bilinear(),
        )
        self.merge = nn.Sequential(*_activated(outer, outer))

    def forward(self, features: Tensor) -> Tensor:
        return self.merge(features + self.deep(features))


def _activated(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
    return [
        ReflectConv2d(inputs, outputs, 3, stride),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.2, inplace=True),
    ]
