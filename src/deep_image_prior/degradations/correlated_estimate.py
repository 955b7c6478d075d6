"""The spectrum and strength of correlated noise, estimated from the flat patches of one image."""

from dataclasses import dataclass, replace
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from ..colour import to_opponent
from ..images import thinned
from ..patches import dct_basis
from .correlated import BINS, CorrelatedNoise, interpolate
from .structure import LEAST, MONOCHROME, ROUNDED, Evidence, Verdict, bound_by_colour, part_of_noise

PATCH = 8  # pixels a side of the patches that the noise is measured on
ENOUGH = 2**15  # patches; larger images are looked at every few pixels
BANDS = 8  # of brightness
FLAT = 0.1  # share of the patches of a band that count
FEWEST = 24  # of them
ROUNDS = 4
EDGES = (0.01, 0.1, 0.15, 0.2, 0.26, 0.32, 0.38, 0.45, 0.53, 0.8)  # cycles a pixel, of the bins
FINE = slice(1, 6)  # bins that tell flat from structure; the first has shades, the last are rounded
SHARP = 12.0  # times the noise: more structure than this is no worse
PATIENT = 0.15  # weight of what lies above the curve of the noise: structure only adds
STIFF = 4.0  # weight of the bend of the curve over brightness
REACHED = 1.4  # of the logarithm of variance: how far a curve goes from its mean
EXCESS = 0.15  # of the same: bands that lie higher have structure, and count less
WIDTHS = torch.cat([torch.arange(0, 1, 0.05), torch.arange(1, 3.6, 0.125)])
FLOORS = torch.tensor([0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3])
# of the power of coarse waves that the fine ones of white noise have: measured 0.29 and more with
# white noise of sigma 5 to 50 (but for a fingerprint), 0.084 and less in photographs of cameras
WHITE = 0.16
# exponent of the powers that count more in a fit: where structure is rare and noise is whole, that
# of the strongest; else that of the middle ones, which have the most to say
STRONG, EVEN = 0.5, 0.25
SHADES, SMOOTHED = 0.1, 0.5  # weight of the first bin, and in colour that JPEG keeps little else of
FLATTEST = 0.01  # share of all patches
QUIET, QUIETEST = 0.02, 0.005  # the same, of those with the least energy


def estimate_correlated(observation: Tensor, compressed: bool) -> CorrelatedNoise:
    """The noise of x0 (1, C, H, W) in [0, 1], from the flattest patches in every band of
    brightness; x0 has at least 64 pixels a side. compressed: x0 has been a JPEG file.

    A patch is chosen by the eight beside it, so that the choice does not depend on what is
    measured; in each band, since noise depends on brightness (Colom and Buades 2013,
    doi:10.5201/ipol.2013.45). The spectrum is a Gaussian in each opponent channel, as blurred white
    noise has it, and a floor. How much of it is structure is for structure.py to say.
    """
    cosines, energies, brightness = _measured(observation)
    light, flat = brightness.flatten(), energies.flatten(2)  # (N,), (C, bins, N)
    bands = light.argsort().tensor_split(BANDS)
    knots = torch.stack([light[band].median() for band in bands])
    everywhere = torch.arange(len(light), device=light.device)
    quiet = _flattest(flat[0, FINE].sum(dim=0), everywhere, FLAT)
    powers = flat[..., quiet].mean(dim=2).clamp_min(LEAST)
    curve = torch.zeros(BANDS)  # the logarithm of the variance over that of the mean

    def structure() -> Tensor:
        variance = interpolate(brightness, knots, curve.exp())
        return _structure(energies, powers, variance).flatten()

    for _ in range(ROUNDS):
        score = structure()
        chosen = [_flattest(score, band, FLAT) for band in bands]
        # (bands, C, bins)
        seen = torch.stack([flat[..., band].mean(dim=2) for band in chosen]).clamp_min(LEAST)
        levels = (seen[..., FINE] / powers[:, FINE]).mean(dim=2).log()
        noisy = powers[:, FINE].mean(dim=1) > ROUNDED
        if noisy.any():  # what is only rounded does not know how noise follows brightness
            levels = torch.where(noisy, levels, levels[:, noisy].mean(dim=1, keepdim=True))
        curve, excess = _curve(levels, curve)
        trust = torch.exp(-excess.clamp_min(0) / EXCESS)
        trust = trust / trust.sum(dim=0)
        mean = (seen / curve.exp()[:, None, None] * trust[..., None]).sum(dim=0)
        fits = [
            _fit(each, compressed, colour=len(mean) == 3 and index > 0)
            for index, each in enumerate(mean)
        ]
        powers = torch.stack([fit.powers for fit in fits])
    spectrum = torch.stack([fit.spectrum for fit in fits])
    noise = CorrelatedNoise(spectrum, knots, (curve / 2).exp())
    score, picked = structure(), torch.cat(chosen)
    levels = (flat / powers[..., None])[:, FINE].mean(dim=1) / noise.deviation(light).square()
    power = spectrum.mean(dim=(1, 2))
    found = part_of_noise(
        Evidence(
            power,
            _moments(cosines[..., picked] / noise.deviation(light[picked])),
            quiet=levels.quantile(QUIET, dim=1) / _of_noise(QUIET),
            quietest=levels.quantile(QUIETEST, dim=1) / _of_noise(QUIETEST),
            flattest=levels[0, _flattest(score, everywhere, FLATTEST)].mean(),
            flatter=levels[0, _flattest(score, everywhere, FLAT)].mean(),
            contrast=to_opponent(thinned(observation))[0].var(dim=(1, 2)),
        ),
        compressed,
    )
    return _judged(noise, power, found)


def _judged(noise: CorrelatedNoise, power: Tensor, found: Verdict) -> CorrelatedNoise:
    """What of `noise`, of that power (C,), is noise."""
    spectrum = noise.spectrum * (found.power / power)[:, None, None]
    spectrum[0] = _shortened(spectrum[0], found.longest)
    if found.bounded:
        spectrum = bound_by_colour(spectrum)
    return replace(noise, spectrum=spectrum, textured=found.doubtful)


def _shortened(spectrum: Tensor, longest: float) -> Tensor:
    """The spectrum (H, W) of white noise under a Gaussian of `longest` pixels, of the same floor
    and power, if that is shorter.
    """
    floor = spectrum.min()
    gaussian = _of_blur(torch.tensor(longest)).to(spectrum)
    short = floor + gaussian * ((spectrum.mean() - floor) / gaussian.mean())
    return short if short[0, 0] < spectrum[0, 0] else spectrum


def _moments(cosines: Tensor) -> Tensor:
    """The fourth moments of fine cosines (C, 64, N), 1 for a Gaussian, (C,)."""
    fine = _bins()[2][FINE].bool().any(dim=0).to(cosines.device)
    squares = cosines[:, fine].square()
    moments = squares.square().mean(dim=2) / squares.mean(dim=2).square().clamp_min(1e-12)
    return moments.median(dim=1).values / 3


@cache
def _of_noise(share: float) -> float:
    """The energy that this share of patches stays below, were they noise of power 1."""
    normal = torch.randn(PATCH**2, 2**15, generator=torch.Generator().manual_seed(0))
    return (_bins()[2][FINE] @ normal.square()).mean(dim=0).quantile(share).item()


def _flattest(score: Tensor, among: Tensor, share: float) -> Tensor:
    """The share of the places `among` (K,) that have the least score (N,)."""
    return among[score[among].argsort()[: max(FEWEST, int(share * len(among)))]]


def is_white(noise: CorrelatedNoise, compressed: bool) -> bool:
    """Whether its fine waves are about as strong as its coarse ones: in colour, where structure is
    rare, if it has any there; and in luminance too if x0 is `compressed`, which spares luminance.
    """
    frequency = _frequencies(BINS).to(noise.spectrum)
    fine = noise.spectrum[:, (frequency > EDGES[6]) & (frequency < EDGES[8])].mean(dim=1)
    coarse = noise.spectrum[:, (frequency > EDGES[1]) & (frequency < EDGES[3])].mean(dim=1)
    white = fine > WHITE * coarse
    power = noise.spectrum.mean(dim=(1, 2))
    coloured = len(power) == 3 and bool(power[1:].min() > ROUNDED)
    if not coloured or power[0] > MONOCHROME**2 * power[1:].mean():
        return bool(white[0])
    return bool(white.all() if compressed else white[1:].all())


def _frequencies(size: int) -> Tensor:
    """Cycles a pixel of every place in a spectrum, (size, size)."""
    along = torch.fft.fftfreq(size)
    return (along[:, None].square() + along.square()).sqrt()


def _of_blur(width: Tensor) -> Tensor:
    """The spectrum of white noise under a Gaussian of `width` pixels."""
    return torch.exp(-(2 * torch.pi * width * _frequencies(BINS)).square())


@cache
def _bins() -> tuple[Tensor, Tensor, Tensor]:
    """Rings of cosines: their mean power (W, bins) under Gaussian spectra of WIDTHS, those spectra
    (W, 64, 64), and which share of a bin (bins, 64) each cosine is.
    """
    along = torch.arange(PATCH) / (2 * PATCH)
    frequency = (along[:, None].square() + along.square()).sqrt().flatten()
    place = torch.bucketize(frequency, torch.tensor(EDGES)) - 1  # -1: the constant
    members = torch.stack([(place == ring).float() for ring in range(len(EDGES) - 1)])
    members = members / members.sum(dim=1, keepdim=True)
    spectra = _of_blur(WIDTHS[:, None, None])
    knots = torch.tensor([0.0, 1.0])
    models = [CorrelatedNoise(each[None], knots, torch.ones(2)) for each in spectra]
    powers = torch.stack([model.of_dct(1, PATCH).flatten() for model in models])
    return powers @ members.T, spectra, members


@dataclass(frozen=True)
class _Fit:
    powers: Tensor  # (bins,)
    spectrum: Tensor  # (64, 64)


def _fit(powers: Tensor, compressed: bool, colour: bool) -> _Fit:
    """The Gaussian and floor nearest to the powers (bins,) in the logarithm, those that are strong
    counting more.
    """
    shapes, spectra, _ = (each.to(powers) for each in _bins())
    models = shapes[:, None] + FLOORS.to(powers)[:, None]  # (W, floors, bins)
    weight = powers.pow(EVEN if compressed and not colour else STRONG)
    weight[0] *= SMOOTHED if compressed and colour else SHADES
    weight = weight / weight.sum()
    apart = powers.log() - models.clamp_min(1e-9).log()
    level = (apart * weight).sum(dim=-1, keepdim=True)
    for _ in range(15):  # least absolute distances
        near = weight / ((apart - level).abs() + 0.05)
        level = (apart * near).sum(dim=-1, keepdim=True) / near.sum(dim=-1, keepdim=True)
    cost = (weight * (apart - level).abs()).sum(dim=-1)
    width, floor = divmod(int(cost.argmin()), len(FLOORS))
    amplitude = level[width, floor].exp()
    return _Fit(
        (amplitude * models[width, floor]).clamp_min(LEAST),
        (amplitude * (spectra[width] + FLOORS[floor].to(powers))).clamp_min(LEAST),
    )


def _measured(observation: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of patches: cosines (C, 64, N), mean squares in each ring of them (C, bins, h, w), and mean
    brightness (h, w); N = h w.
    """
    area = observation.shape[-2] * observation.shape[-1]
    stride = max(PATCH // 2, int((area / ENOUGH) ** 0.5))
    planes = to_opponent(observation).transpose(0, 1)
    basis = dct_basis(PATCH).to(observation).reshape(PATCH**2, 1, PATCH, PATCH)
    cosines = F.conv2d(planes, basis, stride=stride)
    light = F.avg_pool2d(observation.mean(dim=1, keepdim=True), PATCH, stride)[0, 0]
    members = _bins()[2].to(observation)
    energies = torch.einsum("rk,ckhw->crhw", members, cosines.square())
    return cosines.flatten(2), energies, light


def _structure(energies: Tensor, powers: Tensor, variance: Tensor) -> Tensor:
    """How much stronger than the noise the patches beside each one are, (h, w).

    energies: (C, bins, h, w); powers: (C, bins); variance: (h, w), over that of the mean.
    """
    height, width = variance.shape
    ratio = energies[:, FINE] / powers[:, FINE, None, None] / variance
    each = ratio.clamp_max(SHARP).mean(dim=1)
    score = each[0] + each.mean(dim=0)  # most structure is in luminance
    step = min(2, (min(height, width) - 1) // 2)  # patches, of half a patch or more each
    grown = F.pad(score[None, None], (step,) * 4, mode="reflect")
    around = torch.zeros(1, 1, 2 * step + 1, 2 * step + 1).to(score)
    around[..., ::step, ::step] = 1 / 8
    around[..., step, step] = 0
    return F.conv2d(grown, around)[0, 0]


def _curve(levels: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
    """The smooth curve (bands,) of mean 0 that lies, but for a number for each channel, under the
    logarithms (bands, C); and how far they lie above it.
    """
    bend = torch.diff(torch.eye(BANDS), n=2, dim=0).to(levels)
    bend = bend.T @ bend
    curve, offset = start.to(levels), torch.quantile(levels - start.to(levels)[:, None], 0.3, dim=0)
    for _ in range(60):
        excess = levels - curve[:, None] - offset
        weight = torch.where(excess > 0, PATIENT, 1.0) / (excess.abs() + 0.05)
        weight[:, 0] /= 2  # most structure is in luminance
        stiff = torch.diag(weight.sum(dim=1)) + STIFF * weight.sum() / BANDS * bend
        curve = torch.linalg.solve(stiff, (weight * (levels - offset)).sum(dim=1))
        offset = (weight * (levels - curve[:, None])).sum(dim=0) / weight.sum(dim=0)
        offset, curve = offset + curve.mean(), curve - curve.mean()
    curve = curve.clamp(-REACHED, REACHED)
    return curve, levels - curve[:, None] - offset
