"""Correlated noise: of cameras and scanners, whose processing spreads it over neighbouring pixels
and mixes its colours.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from ..colour import OPPONENT, from_opponent
from ..errors import BadInput
from ..patches import NOTHING, dct_basis
from ..resampling import HALF

CAREFUL = (
    "noise and texture could not be told apart: the noise may be less, or more; --sigma says how "
    "strong it is"
)
BINS = 64  # frequencies a side of a spectrum
# times the deviation in colour, what noise in luminance stays below where it is beyond doubt: up to
# 3.2 in photographs of cc15 but one, 3.8 and more in clean pictures that are all texture
CERTAIN = 3.5


@dataclass(frozen=True, eq=False)
class CorrelatedNoise:
    """x0 = x + d(b) n, n stationary, of mean 0, with a spectrum in each opponent channel; b is the
    brightness, the mean of the channels of x.

    spectrum: (C, 64, 64), the power at the frequencies of torch.fft.fftfreq(64), whose mean is the
    variance of a channel (colour.to_opponent: luminance, red against blue, green against both);
    white is 1. brightness: (K,), rising, and factor: (K,), what d is there, linear between.
    textured: it may be structure of the image. Raises BadInput.
    """

    spectrum: Tensor
    brightness: Tensor
    factor: Tensor
    textured: bool = False

    def __post_init__(self) -> None:
        for name in ("spectrum", "brightness", "factor"):
            values = getattr(self, name)
            if not isinstance(values, Tensor) or not values.is_floating_point():
                kind = values.dtype if isinstance(values, Tensor) else type(values).__name__
                raise BadInput(f"{name} is {kind}; give a tensor of floats")
            object.__setattr__(self, name, values.detach())
        if self.spectrum.shape[1:] != (BINS, BINS) or not len(self.spectrum):
            raise BadInput(
                f"the spectrum has shape {tuple(self.spectrum.shape)}; give (channels, {BINS}, "
                f"{BINS}), the power at the frequencies of torch.fft.fftfreq({BINS})"
            )
        shape = self.brightness.shape
        if self.factor.shape != shape or len(shape) != 1 or shape[0] < 2:
            raise BadInput(
                f"brightness and factor have shapes {tuple(self.brightness.shape)} and "
                f"{tuple(self.factor.shape)}; give two numbers or more each, as many of both"
            )
        if not all(
            bool((torch.isfinite(v) & (v >= 0)).all()) for v in (self.spectrum, self.factor)
        ):
            raise BadInput("the spectrum and factor of noise must be finite and not negative")
        if not bool(torch.isfinite(self.brightness).all() & (self.brightness.diff() >= 0).all()):
            raise BadInput("the brightness of noise must be finite and must not fall")

    def facts(self) -> dict[str, Any]:
        """What a record says of it."""
        luminance, colour = self.deviations
        long, wide = self.lengths
        return {
            "kind": "correlated",
            "luminance": {"sigma": luminance, "pixels": long},
            "colour": {"sigma": colour, "pixels": wide},
            "brightness": self.brightness.tolist(),
            "factor": self.factor.tolist(),
            "textured": self.textured,
        }

    def sentences(self, unit: float, of: str) -> list[str]:
        """What a summary says of it, in numbers that are `unit` times as large, "of 255"."""
        (luminance, colour), (long, wide) = self.deviations, self.lengths
        line = f"noise: correlated, sigma {unit * luminance:.2g} {of} in luminance"
        line += f" over {long:.1f} pixels"
        if colour:
            line += f", {unit * colour:.2g} in colour over {wide:.1f}"
        return [line, CAREFUL] if self.textured else [line]

    def rescaled(self, span: float, offset: float) -> "CorrelatedNoise":
        """The same noise of offset + span x, where this one is of x."""
        spectrum, brightness = span**2 * self.spectrum, offset + span * self.brightness
        return replace(self, spectrum=spectrum, brightness=brightness)

    def __repr__(self) -> str:
        luminance, colour = self.deviations
        return (
            f"CorrelatedNoise(deviation {luminance:.3g} in luminance, {colour:.3g} in colour, "
            f"textured={self.textured})"
        )

    def deviation(self, brightness: Tensor) -> Tensor:
        """d(b), of the shape of `brightness`."""
        return interpolate(brightness, self.brightness, self.factor)

    def mean(self, x: Tensor) -> Tensor:
        """E[x0] for an image x: x."""
        return x

    def variance(self, x: Tensor) -> Tensor:
        """E[(x0 - x)^2] for an image x (..., C, H, W)."""
        power = self.spectrum.mean(dim=(-2, -1)).to(x)
        if len(power) == 3:
            power = OPPONENT.to(x).square().T @ power
        return power[:, None, None] * self.deviation(x.mean(dim=-3, keepdim=True)).square()

    def draw(self, x: Tensor, count: int, generator: Generator) -> Tensor:
        """`count` draws of the noise of an image x (1, C, H, W), (count, C, H, W)."""
        channels, height, width = x.shape[1:]
        sides = (height + BINS, width + BINS)
        normal = torch.randn((count, channels, *sides), generator=generator)
        taps = torch.fft.ifft2(self.spectrum.cpu().sqrt()).real
        kernel = F.pad(torch.fft.fftshift(taps, dim=(-2, -1)), (0, width, 0, height))
        spread = torch.fft.ifft2(torch.fft.fft2(normal) * torch.fft.fft2(kernel)).real
        noise = from_opponent(spread[..., BINS:, BINS:].to(x))
        return noise * self.deviation(x.mean(dim=1, keepdim=True))

    def of_dct(self, channels: int, size: int) -> Tensor:
        """Variances (channels, size, size) of the cosines of patches where d is 1."""
        basis = dct_basis(size).double()
        powers = ((basis @ self._covariance(size)) * basis).sum(dim=2)
        return powers.clamp_min(NOTHING).float().unflatten(1, (size, size))

    def of_patches(self, channels: int, size: int) -> Tensor:
        """Covariance of the size^2 channels values of patches where d is 1, those of a pixel
        together.
        """
        # (pixels, channels, pixels, channels)
        apart = torch.diag_embed(self._covariance(size).permute(1, 2, 0)).transpose(1, 2)
        whole = apart.flatten(2).flatten(0, 1)
        return (whole + NOTHING * torch.eye(len(whole))).float()

    def _covariance(self, size: int) -> Tensor:
        """Of the pixels of a patch, in each channel, (C, size^2, size^2)."""
        if size not in self._covariances:
            at = torch.arange(size)
            rows, columns = (each.flatten() for each in torch.meshgrid(at, at, indexing="ij"))
            lags = torch.fft.ifft2(self.spectrum.double().cpu()).real
            apart = (rows[:, None] - rows) % BINS, (columns[:, None] - columns) % BINS
            self._covariances[size] = lags[:, *apart]
        return self._covariances[size]

    @cached_property
    def _covariances(self) -> dict[int, Tensor]:
        """By the size of patches: they are asked for many times."""
        return {}

    def halved(self) -> "CorrelatedNoise":
        """The same noise at half the resolution: its power behind the filter, folded."""
        lags = torch.fft.fftshift(torch.fft.ifft2(self.spectrum).real, dim=(-2, -1))
        lags = F.pad(lags, (BINS // 2,) * 4)
        power = torch.fft.fft2(torch.fft.ifftshift(lags, dim=(-2, -1))).real.clamp_min(0)
        passed = torch.fft.fft(HALF, n=2 * BINS).abs().square().to(power)
        passed = power * torch.outer(passed, passed)
        return replace(self, spectrum=passed.reshape(-1, 2, BINS, 2, BINS).mean(dim=(1, 3)))

    @property
    def deviations(self) -> tuple[float, float]:
        """The mean deviation in luminance, and in colour (0 for gray), where white is 1."""
        power = self.spectrum.mean(dim=(-2, -1)) * self.factor.square().mean()
        colour = power[1:].mean().sqrt().item() if len(power) == 3 else 0.0
        return power[0].sqrt().item(), colour

    @property
    def doubtful(self) -> bool:
        """Whether it may be something else."""
        return self.textured

    @property
    def certain(self) -> bool:
        """Whether colour bears it out: what is in luminance alone may be structure."""
        luminance, colour = self.deviations
        return not self.doubtful and luminance < CERTAIN * colour

    @property
    def lengths(self) -> tuple[float, float]:
        """How many pixels the noise is correlated over, in luminance and in colour: the side of the
        square that is the integral of the autocorrelation; 1 for white noise.
        """
        areas = self.spectrum[:, 0, 0] / self.spectrum.mean(dim=(-2, -1)).clamp_min(1e-30)
        colour = areas[1:].mean().sqrt().item() if len(areas) == 3 else 0.0
        return areas[0].sqrt().item(), colour


def interpolate(x: Tensor, knots: Tensor, values: Tensor) -> Tensor:
    """The function that has `values` at `knots`, both (K,), and is linear between and constant
    beyond; of the shape of x.
    """
    knots, values = knots.to(x), values.to(x)
    above = torch.searchsorted(knots, x.contiguous()).clamp(1, len(knots) - 1)
    share = (x - knots[above - 1]) / (knots[above] - knots[above - 1]).clamp_min(1e-6)
    return torch.lerp(values[above - 1], values[above], share.clamp(0, 1))
