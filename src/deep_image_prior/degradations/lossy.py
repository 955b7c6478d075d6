"""Lossy compression that can be done once more, but of which x0 does not tell which images it may
be of: WebP, AVIF, and JPEG of an image that was changed since.
"""

import io
from dataclasses import dataclass, replace
from math import log

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ..files.picture import MCU
from ..images import Pixels
from .coding import coded
from .jpeg import DRAWN, Compression

QUALITIES = range(2, 99, 3)  # of JPEG, that another compression is compared with
BESIDE = (6, 6)  # rows and columns beside the grid that x0 may have been compressed on


@dataclass(frozen=True)
class Lossy:
    """Compression of an image that was then made `scale` times as large, to a side.

    format: "JPEG", "WEBP" or "AVIF". quality: 1 to 100, of its encoder in Pillow. top, left: row
    and column of the first whole block. since: a finer one afterwards. traced: whether there is a
    sign of it in the file or in the pixels. smoothed: another codec, which smooths its blocks, and
    JPEG stands for it. guessed: how strong that was could not be told.
    """

    quality: int
    format: str = "JPEG"
    scale: float = 1.0
    top: int = 0
    left: int = 0
    since: Compression | None = None
    traced: bool = True
    smoothed: bool = False
    guessed: bool = False

    @property
    def sentence(self) -> str:
        """What it is, for a person."""
        if self.smoothed:
            how = "taken for" if self.guessed else "about"
            return (
                f"{how} as strong as JPEG of quality {self.quality}, by a codec that smooths its "
                "blocks, as of video, WebP or AVIF"
            )
        words = f"about {self.format.replace('WEBP', 'WebP')} of quality {self.quality}"
        if self.scale != 1:
            words += f", made {self.scale:.2f} times as large since"
        if self.since:
            words += f", saved again as {self.since.sentence}"
        return words if self.traced else f"taken for {words}, of which there is no trace"

    def at(self, row: int, column: int) -> "Lossy":
        """The same of the part of the image that begins there."""
        top, left = (self.top - row) % MCU, (self.left - column) % MCU
        return replace(self, top=top, left=left, since=self.since and self.since.at(row, column))

    def compress(self, image: Tensor) -> Tensor:
        """What is left of `image` (1, C, H, W) in [0, 1]."""
        small = self._before(image)
        if self.format == "JPEG":
            kept = Compression(self.quality, self.top, self.left).compress(small)
        else:
            kept = coded(small, (self.top, self.left), self._decoded)
        if self.scale != 1:
            kept = resized(kept, image.shape[-2:])
        return self.since.compress(kept) if self.since else kept

    def project(self, image: Tensor, observation: Tensor) -> Tensor:
        """`image` itself: nothing is known of it for certain."""
        return image

    def artefacts(self, observation: Tensor) -> Tensor:
        """What compression might have added to x0 (1, C, H, W): a draw, about that of the JPEG
        compression that changes x0 as much.
        """
        small = self._before(observation)[..., :DRAWN, :DRAWN]
        drawn = Compression(self._quality_as_jpeg(small)).artefacts(small)
        if self.scale == 1:
            return drawn
        return resized(drawn, [max(MCU, round(self.scale * DRAWN))] * 2)

    def _before(self, image: Tensor) -> Tensor:
        """In the size that was compressed."""
        if self.scale == 1:
            return image
        return resized(image, [max(1, round(side / self.scale)) for side in image.shape[-2:]])

    def _quality_as_jpeg(self, image: Tensor) -> int:
        if self.format == "JPEG":
            return self.quality

        def change(kept: Tensor) -> float:
            return log((kept - image).square().mean().item() + 1e-12)

        own = change(replace(self, scale=1.0).at(*BESIDE).compress(image))
        changes = {q: change(Compression(q).at(*BESIDE).compress(image)) for q in QUALITIES}
        return min(QUALITIES, key=lambda q: abs(changes[q] - own))

    def _decoded(self, pixels: Pixels) -> Pixels:
        with Image.open(io.BytesIO(encoded(pixels, self.format, self.quality))) as file:
            return np.array(file.convert("L" if pixels.ndim == 2 else "RGB"))


def encoded(pixels: Pixels, format: str, quality: int) -> bytes:
    """A file of pixels (H, W) or (H, W, 3) of 8 bits."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format, quality=quality)
    return buffer.getvalue()


def resized(image: Tensor, shape: list[int] | torch.Size) -> Tensor:
    """`image` (1, C, H, W) in another size, as image editors do it."""
    return F.interpolate(image, size=tuple(shape), mode="bicubic", antialias=True)
