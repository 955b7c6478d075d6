"""The U-Net that the paper compares with (section 3.1 and figure 13): wide skips, max pooling,
learned upsampling.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .anysize import any_size


class UNet(nn.Module):
    """f: (1, inputs, H, W) -> (1, outputs, H, W) in (0, 1); widths: channels of every scale, finest
    first.
    """

    def __init__(
        self, inputs: int, outputs: int, widths: Sequence[int] = (8, 16, 32, 64, 128, 128)
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _twice(inputs, widths[0], normalise=True),
            _Scale(widths),
            nn.Conv2d(widths[0], outputs, 1),
            nn.Sigmoid(),
        )
        self.multiple = 2 ** (len(widths) - 1)

    def forward(self, code: Tensor) -> Tensor:
        # an instance norm needs more than one pixel at the coarsest scale
        return any_size(self.body, code, self.multiple, least=2 * self.multiple)


class _Scale(nn.Module):
    """result = merge([up(inner(down(x))), x])."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        outer, inner = widths[:2]
        self.deep = nn.Sequential(
            nn.MaxPool2d(2),
            _twice(outer, inner, normalise=True),
            *([_Scale(widths[1:])] if len(widths) > 2 else []),
            nn.ConvTranspose2d(inner, outer, 4, stride=2, padding=1),
        )
        self.merge = _twice(2 * outer, outer, normalise=False)

    def forward(self, features: Tensor) -> Tensor:
        return self.merge(torch.cat([self.deep(features), features], dim=1))


def _twice(inputs: int, outputs: int, normalise: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers.append(nn.Conv2d(channels, outputs, 3, padding=1))
        layers.extend([nn.InstanceNorm2d(outputs)] if normalise else [])
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)
