"""The paper's hourglass (figure 20, section 4): an encoder, a decoder, and thin skip connections
between them.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn

from ..resampling import correlate, lanczos
from .anysize import any_size
from .bfloat16 import ReflectConv2d, in_bfloat16

T = TypeVar("T")
Downsample = Callable[[nn.Conv2d], nn.Module]
Padding = Literal["reflect", "zeros"]
WIDE = 64  # channels at full size from which channels-last is faster

bilinear = partial(nn.Upsample, scale_factor=2, mode="bilinear")
nearest = partial(nn.Upsample, scale_factor=2, mode="nearest")


def strided(convolution: nn.Conv2d) -> nn.Module:
    """Halve the size with the stride of `convolution` itself."""
    convolution.stride = (2, 2)
    return convolution


def average(convolution: nn.Conv2d) -> nn.Module:
    """Halve the size by the mean of 2 x 2 pixels after `convolution`."""
    return nn.Sequential(convolution, nn.AvgPool2d(2))


def maximum(convolution: nn.Conv2d) -> nn.Module:
    """Halve the size by the maximum of 2 x 2 pixels after `convolution`."""
    return nn.Sequential(convolution, nn.MaxPool2d(2))


class _Lanczos(nn.Module):
    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        taps = lanczos(factor=2, lobes=2)
        self.register_buffer("kernel", torch.outer(taps, taps))

    def forward(self, features: Tensor) -> Tensor:
        return correlate(features, self.kernel, stride=2)


def lanczos2(convolution: nn.Conv2d) -> nn.Module:
    """Halve the size by a Lanczos2 filter after `convolution`."""
    return nn.Sequential(convolution, _Lanczos())


class Hourglass(nn.Module):
    """f: (1, inputs, H, W) -> (1, outputs, H, W) in (0, 1), for any H and W from 2 pixels.

    down, up, skip: channels n_d, n_u, n_s of every scale, finest first; a skip of 0 is no
    connection. down_kernel, up_kernel: odd kernel sizes k_d, k_u; upsample: `bilinear` or
    `nearest`; each is one value for all scales or one a scale. skip_kernel: k_s. downsample:
    `strided`, `average`, `maximum` or `lanczos2`. padding: "reflect" or "zeros". mix: end each
    scale with a 1 x 1 convolution. precise: float32 throughout. Raises ValueError if lists
    disagree.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        down: Sequence[int] = (128, 128, 128, 128, 128),
        up: Sequence[int] = (128, 128, 128, 128, 128),
        skip: Sequence[int] = (4, 4, 4, 4, 4),
        *,
        down_kernel: int | Sequence[int] = 3,
        up_kernel: int | Sequence[int] = 3,
        skip_kernel: int = 1,
        upsample: Callable[[], nn.Module] | Sequence[Callable[[], nn.Module]] = bilinear,
        downsample: Downsample = strided,
        padding: Padding = "reflect",
        mix: bool = True,
        precise: bool = False,
    ) -> None:
        super().__init__()
        depth = len(down)
        down_kernels, up_kernels = _per_scale(down_kernel, depth), _per_scale(up_kernel, depth)
        upsamples = _per_scale(upsample, depth)
        lists = (up, skip, down_kernels, up_kernels, upsamples)
        if not depth or any(len(each) != depth for each in lists):
            raise ValueError(
                f"an hourglass of depth {depth} needs {depth} values in every list of its scales"
            )

        body: Scale | None = None
        for i in reversed(range(depth)):
            body = Scale(
                inputs=down[i - 1] if i else inputs,
                down=down[i],
                up=up[i],
                skip=skip[i],
                inner=body,
                deep=up[i + 1] if i + 1 < depth else down[i],
                kernels=(down_kernels[i], up_kernels[i], skip_kernel),
                upsample=upsamples[i],
                downsample=downsample,
                padding=padding,
                mix=mix,
            )
        assert body is not None
        self.body, self.head = body, nn.Sequential(nn.Conv2d(up[0], outputs, 1), nn.Sigmoid())
        self.precise = precise
        if up[0] >= WIDE:
            self.to(memory_format=torch.channels_last)
        self.multiple = 2**depth
        self.least = self.multiple * _least_cells(list(map(max, down_kernels, up_kernels)))

    def forward(self, code: Tensor) -> Tensor:
        return any_size(self._image, code, self.multiple, self.least)

    def _image(self, code: Tensor) -> Tensor:
        return self.head(in_bfloat16(self.body, code, self.precise))


def _least_cells(kernels: Sequence[int]) -> int:
    """Pixels that the coarsest scale needs: reflection needs more of them than it adds, at the
    smallest scale that each of the kernels, finest first, meets.
    """
    return max(size // 2 // 2**scale + 1 for scale, size in enumerate(reversed(kernels)))


class Scale(nn.Module):
    """One scale: deep = upsample(inner(down(x))), result = mix(up(norm([skip(x), deep])))."""

    def __init__(
        self,
        inputs: int,
        down: int,
        up: int,
        skip: int,
        inner: nn.Module | None,
        deep: int,
        kernels: tuple[int, int, int],
        upsample: Callable[[], nn.Module],
        downsample: Downsample,
        padding: Padding,
        mix: bool,
    ) -> None:
        super().__init__()
        down_kernel, up_kernel, skip_kernel = kernels
        convolution = partial(_convolution, padding=padding)
        self.skip = _activated(convolution(inputs, skip, skip_kernel), skip) if skip else None
        self.deep = nn.Sequential(
            *_activated(downsample(convolution(inputs, down, down_kernel)), down),
            *_activated(convolution(down, down, down_kernel), down),
            *([inner] if inner else []),
            upsample(),
        )
        self.merge = nn.Sequential(
            nn.BatchNorm2d(skip + deep),
            *_activated(convolution(skip + deep, up, up_kernel), up),
            *(_activated(convolution(up, up, 1), up) if mix else []),
        )

    def forward(self, features: Tensor) -> Tensor:
        deep = self.deep(features)
        return self.merge(
            deep if self.skip is None else torch.cat([self.skip(features), deep], dim=1)
        )


def _convolution(inputs: int, outputs: int, kernel: int, padding: Padding) -> nn.Conv2d:
    if padding == "reflect" and kernel > 1:
        return ReflectConv2d(inputs, outputs, kernel)
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)


def _activated(layer: nn.Module, channels: int) -> nn.Sequential:
    return nn.Sequential(layer, nn.BatchNorm2d(channels), nn.LeakyReLU(0.2, inplace=True))


def _per_scale(value: T | Sequence[T], depth: int) -> Sequence[T]:
    return value if isinstance(value, Sequence) else (value,) * depth
