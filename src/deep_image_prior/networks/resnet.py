"""The ResNet that the paper compares with (section 3.1 and figure 13): one scale, no skips but the
residual ones.
"""

import torch
from torch import Tensor, nn

from .anysize import any_size
from .bfloat16 import ReflectConv2d, in_bfloat16


class ResNet(nn.Module):
    """f: (1, inputs, H, W) -> (1, outputs, H, W) in (0, 1), through `blocks` residual blocks of
    `width` channels.
    """

    def __init__(self, inputs: int, outputs: int, blocks: int = 8, width: int = 32) -> None:
        super().__init__()
        self.body = nn.Sequential(
            ReflectConv2d(inputs, width, 3),
            nn.LeakyReLU(0.2),
            *(_Residual(width) for _ in range(blocks)),
            nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width),
        )
        self.head = nn.Sequential(ReflectConv2d(width, outputs, 3), nn.Sigmoid())
        self.to(memory_format=torch.channels_last)

    def forward(self, code: Tensor) -> Tensor:
        return any_size(self._image, code, multiple=1, least=2)

    def _image(self, code: Tensor) -> Tensor:
        return self.head(in_bfloat16(self.body, code))


class _Residual(nn.Module):
    """result = x + branch(x)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.branch(features)
