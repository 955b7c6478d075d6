"""White noise of an image in [0, 1]: its moments after a clip, and its size, estimated from one
image.
"""

import math
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Generator, Tensor

from ..padding import pad_reflect
from ..patches import dct_basis, patches

TOLD_APART = (
    "noise and texture could not be told apart: no part of the image is flat; the noise may be "
    "less, or more; say --sigma if you know it"
)
UNEVEN = "at some brightness there is far more noise than that, or texture all over, and it is left"
LEAST = (
    1e-4  # deviation, white being 1: a thirtieth of a gray level of 8 bits; less is as good as none
)
PATCH = 8  # pixels a side of the patches that the noise is measured on
TEXTURED = 4.0  # variances of the fine cosines that the coarse ones of flat patches stay below
FLAT = 0.1  # share of the patches, those with the least structure, that count
ENOUGH = 2**17  # patches a channel; larger images are looked at every few pixels
BANDS = 16  # of brightness
# times the variance of the noise, and a deviation above it, what the flattest patches of a band
# have if it is not the noise that was measured; and the share of such bands. Of 56 crops of Set14
# none has as many under white noise of sigma 10 to 50, 1 under sigma 5, 3 under that of photons
BEYOND, SEEN, SHARE = 2.0, 4 / 255, 1 / 8
ROUGH = 2.0  # times their fine waves, what their coarse ones have at the most: edges have more


@dataclass(frozen=True)
class Noise:
    """x0 = x + n, n ~ N(0, sigma^2 + gain x) in every value alone; x0 clipped to [0, 1] if
    `clipped`.

    gain: 0 for Gaussian noise; for photons (Poisson) one over their count at white. sigma, gain >=
    0. textured: it was measured where even the flattest patches have coarse structure, and is less
    if that is texture, more if it is noise of several pixels. uneven: at some brightness even the
    flattest patches have far more than this.
    """

    sigma: float
    gain: float = 0.0
    clipped: bool = True
    textured: bool = False
    uneven: bool = False

    @property
    def certain(self) -> bool:
        """Whether nothing else looks like it."""
        return not self.doubtful

    @property
    def doubtful(self) -> bool:
        """Whether it may be something else, or not all."""
        return self.textured or self.uneven

    def facts(self) -> dict[str, Any]:
        """What a record says of it."""
        return {"kind": "white", **asdict(self)}

    def sentences(self, unit: float, of: str) -> list[str]:
        """What a summary says of it, in numbers that are `unit` times as large, "of 255"."""
        photons = f", and that of {1 / self.gain:.0f} photons at 1" if self.gain else ""
        lines = [f"noise: white, sigma {unit * self.sigma:.4g} {of}{photons}"]
        if self.textured:
            lines.append(TOLD_APART)
        if self.uneven:
            lines.append(UNEVEN)
        return lines

    def rescaled(self, span: float, offset: float) -> "Noise":
        """The same noise of offset + span x, where this one is of x."""
        gain = span * self.gain
        square = (span * self.sigma) ** 2 - gain * offset
        return replace(self, sigma=max(square, 0.0) ** 0.5, gain=gain)

    def deviation(self, x: Tensor) -> Tensor:
        """(sigma^2 + gain x)^(1/2), before the clip."""
        if not self.gain:  # nothing to differentiate or to keep
            return x.new_full((), max(self.sigma, LEAST)).expand_as(x)
        return (self.sigma**2 + self.gain * x.clamp_min(0)).sqrt().clamp_min(LEAST)

    def draw(self, x: Tensor, count: int, generator: Generator) -> Tensor:
        """`count` draws of the noise of an image x (1, C, H, W), (count, C, H, W)."""
        normal = torch.randn((count, *x.shape[1:]), generator=generator).to(x)
        return self.variance(x).sqrt() * normal

    def mean(self, x: Tensor) -> Tensor:
        """E[x0] for an image x: x, but darker near white and lighter near black if the noise was
        clipped.
        """
        return clipped_mean(x, self.deviation(x)) if self.clipped else x

    def variance(self, x: Tensor) -> Tensor:
        """E[(x0 - E[x0])^2] for an image x."""
        if not self.clipped:
            return self.deviation(x).square()
        return (clipped_square(x, self.deviation(x)) - (self.mean(x) - x).square()).clamp_min(1e-12)

    def stabilise(self, x0: Tensor) -> Tensor:
        """The variance-stabilising transform, after which the noise has variance 1.

        x0 / sigma; with a gain g 2 (x0 / g + 3/8 + sigma^2 / g^2)^.5. Anscombe 1948, with Gaussian
        noise beside the Poisson (doi:10.1109/TIP.2012.2202675).
        """
        if not self.gain:
            return x0 / max(self.sigma, LEAST)
        return 2 * (x0 / self.gain + 0.375 + (self.sigma / self.gain) ** 2).clamp_min(0).sqrt()

    def inverse(self, mean: Tensor) -> Tensor:
        """The x in [0, 1] whose E[stabilise(x0)] is `mean`: undoes the root, its bias and that of
        the clip.
        """
        x, means = (each.to(mean) for each in self._table)
        above = torch.searchsorted(means, mean.contiguous()).clamp(1, len(means) - 1)
        share = (mean - means[above - 1]) / (means[above] - means[above - 1])
        return torch.lerp(x[above - 1], x[above], share.clamp(0, 1) if self.clipped else share)

    @cached_property
    def _table(self) -> tuple[Tensor, Tensor]:
        """x, and E[stabilise(x0)] of it, rising: an integral over the quantiles of n."""
        x = torch.linspace(0, 1, 1025, dtype=torch.float64)
        n = torch.special.ndtri((torch.arange(512, dtype=torch.float64) + 0.5) / 512)
        x0 = x + self.deviation(x) * n[:, None]
        return x, self.stabilise(x0.clamp(0, 1) if self.clipped else x0).mean(dim=0)


def clipped_mean(x: Tensor, deviation: Tensor | float) -> Tensor:
    """E[c] of c = clip(x + n, 0, 1), n ~ N(0, deviation^2), elementwise, x in [0, 1].

    With s the deviation, a = -x / s, b = (1 - x) / s it is x (Phi(b) - Phi(a)) + s (phi(a) -
    phi(b)) + Phi(-b).
    """
    a, b = -x / deviation, (1 - x) / deviation
    below, above = torch.special.ndtr(a), torch.special.ndtr(b)
    return x * (above - below) + deviation * (_bell(a) - _bell(b)) + 1 - above


def clipped_square(x: Tensor, deviation: Tensor | float) -> Tensor:
    """E[(c - x)^2] of the same c: s^2 (a^2 Phi(a) + b^2 Phi(-b) + Phi(b) - Phi(a) + a phi(a) - b
    phi(b)).
    """
    a, b = -x / deviation, (1 - x) / deviation
    below, above = torch.special.ndtr(a), torch.special.ndtr(b)
    inside = above - below + a * _bell(a) - b * _bell(b)
    return deviation**2 * (a**2 * below + b**2 * (1 - above) + inside)


def _bell(t: Tensor) -> Tensor:
    """phi, the density of the normal distribution."""
    return torch.exp(-0.5 * t**2) / (2 * torch.pi) ** 0.5


def estimate_noise(observation: Tensor, clipped: bool = True) -> Noise:
    """The noise of x0 (1, C, H, W), from the finest cosines of its flattest patches in every band
    of brightness.

    The flattest are chosen by their coarse cosines, which white noise leaves independent of the
    fine ones (Ponomarenko 2007, DOI 10.1117/12.768782). The variances are fitted by sigma^2 + gain
    x. Patches with NaN tell nothing.
    """
    small = min(observation.shape[-2:]) < 2 * PATCH
    if small:
        observation = pad_reflect(observation, (PATCH, PATCH))
    step = max(1, math.isqrt(observation[0, 0].numel() // ENOUGH))
    coefficients = (
        patches(observation, PATCH, step) @ dct_basis(PATCH).to(observation).T
    )  # (C, positions, 64)
    if (unknown := coefficients.isnan().any(dim=2).any(dim=0)).any():
        coefficients = coefficients[:, ~unknown]
    order = torch.arange(PATCH)
    rank = (order[:, None] + order).flatten().to(observation.device)
    low, high = (rank > 0) & (rank <= PATCH // 2), rank >= PATCH + 2
    brightness = coefficients[..., 0].flatten() / PATCH
    structure = coefficients[..., low].square().mean(dim=-1).flatten()
    fine = coefficients[..., high].square().mean(dim=-1).flatten()
    points = []
    for band in brightness.argsort().tensor_split(min(BANDS, max(1, len(brightness) // 64))):
        flat = band[structure[band].argsort()[: max(8, int(FLAT * len(band)))]]
        points.append((brightness[flat].mean(), fine[flat].mean(), structure[flat].mean()))
    x, variance, coarse = (torch.stack(each).cpu().double() for each in zip(*points, strict=True))
    textured = bool((coarse / variance.clamp_min(1e-9)).median() > TEXTURED)
    noise = _affine(x, variance, clipped)
    model = noise.variance(x)
    beyond = (
        (variance > BEYOND * model) & (variance > model + SEEN**2) & (coarse < ROUGH * variance)
    )
    uneven = bool(beyond.double().mean() >= SHARE)
    return replace(noise, textured=textured or small, uneven=uneven)


def _affine(x: Tensor, variance: Tensor, clipped: bool) -> Noise:
    """The sigma^2 + gain x nearest to the points in the logarithm; gain 0 if that is nearly as
    near.
    """
    typical = variance.median().clamp_min(LEAST**2)
    gains, offsets = (
        torch.linspace(0, 4, 101).double() * typical,
        torch.linspace(0, 2, 101).double() * typical,
    )
    gain, offset = gains[:, None, None], offsets[None, :, None]
    model = (offset + gain * x).clamp_min(LEAST**2)  # (gains, offsets, bands)
    if clipped:
        model = clipped_square(x, model.sqrt()) - (clipped_mean(x, model.sqrt()) - x).square()
    error = (variance.clamp_min(LEAST**2) / model.clamp_min(1e-9)).log().abs().mean(dim=-1)
    constant, free = error[0].argmin(), error.argmin()
    if error[0, constant] < 1.4 * error.flatten()[free] + 0.02:
        return Noise(float(offsets[constant]) ** 0.5, 0.0, clipped)
    return Noise(
        float(offsets[free % len(offsets)]) ** 0.5, float(gains[free // len(offsets)]), clipped
    )
