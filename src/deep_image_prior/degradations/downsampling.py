"""A lower resolution: the image was enlarged once, or is to be."""

from dataclasses import dataclass, replace

import torch.nn.functional as F
from torch import Tensor

from ..operators import Downsample
from .prefilters import LANCZOS2, Prefilter

STEPS = 5  # of back-projection: one leaves edges soft, which a denoiser takes for true


@dataclass(frozen=True)
class Downsampling:
    """x0 = d(x), low-pass and decimation by `factor` (eq. 5), Lanczos2 if nothing else is known.

    doubtful: x0 may have errors that can be seen, which are not to be drawn with all the rest.
    """

    factor: int
    prefilter: Prefilter = LANCZOS2
    doubtful: bool = False

    def by(self, factor: int) -> "Downsampling":
        """The same low-pass, in pixels of x0, for another factor."""
        return replace(self, factor=factor)

    @property
    def operator(self) -> Downsample:
        return Downsample(self.factor, kernel=self.prefilter(self.factor))

    def shrink(self, x: Tensor) -> Tensor:
        """d(x) in [0, 1]: (1, C, t H, t W) -> (1, C, H, W)."""
        return self.operator(x).clamp(0, 1)

    def enlarge(self, x0: Tensor) -> Tensor:
        """The inverse, bicubic, in [0, 1]."""
        return self._bicubic(x0).clamp(0, 1)

    def project(self, x: Tensor, x0: Tensor) -> Tensor:
        """x (1, C, t H, t W) moved to where d makes about x0 of it, in [0, 1], by x + u(x0 - d(x)),
        once where x0 is doubtful.

        Where x0 is 0 or 1, d(x) may lie beyond: files of 8 bits cut off there what the low-pass
        overshoots.
        Iterative back-projection: Irani and Peleg 1991, doi:10.1016/1049-9652(91)90045-L.
        """
        down = self.operator
        for _ in range(1 if self.doubtful else STEPS):
            missing = x0 - down(x)
            beyond = (x0 >= 1) & (missing < 0) | (x0 <= 0) & (missing > 0)
            x = (x + self._bicubic(missing.masked_fill(beyond, 0))).clamp(0, 1)
        return x

    def _bicubic(self, image: Tensor) -> Tensor:
        return F.interpolate(image, scale_factor=self.factor, mode="bicubic")
