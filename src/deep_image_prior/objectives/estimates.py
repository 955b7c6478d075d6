"""Estimates of an image, made without a network."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain, islice

import torch
from torch import Tensor

from .. import codes
from ..degradations import (
    Blurring,
    Compression,
    CorrelatedNoise,
    Downsampling,
    Lossy,
    Noise,
    Palette,
)
from ..degradations.palette import undithered
from ..denoisers import (
    FAR,
    NEAR,
    OF_BESIDE,
    Covariance,
    Sampled,
    White,
    collaborative,
    dct_denoise,
    denoise_scales,
    guided_filter,
    in_turns,
    nonlocal_bayes,
    nonlocal_ridge,
    tv_least_squares,
    windowed,
    with_long_waves,
    with_momentum,
)
from ..energies import squared_error
from ..windows import Place, middle

SCALES = 2  # of white noise: three gain up to 0.07 dB and see farther than tiles do
# patches in a group of ridge regression under correlated noise, which patches nearby have in
# common: 128 lose on photographs, 32 under blurred noise
NEIGHBOURS = 64
BLUR = 1.0  # pixels, of the blurred x0 behind the estimates
ENLARGED = 3  # estimates of an enlargement
DECODED = 3  # estimates of what was compressed
TRIED = 192  # pixels a side of what a share is tried on
BEHIND = 4  # estimates of the image behind a blur
SMOOTH = 0.2  # weight of total variation behind a blur, for noise of deviation 1
# of the weight that the noise of an estimate calls for: 0.5 to 1 are alike, 2 and 0.25 worse
TRUST = 0.7


def of_white(
    noise: Noise,
    observation: Tensor,
    count: int,
    place: Place = (0, 0),
    guide: Tensor | None = None,
) -> Tensor:
    """`count` estimates, 1 to 7, of x0 (1, C, H, W), and a blur of it, (count + 1, C, H, W).

    place: rows and columns of the picture before x0. guide: (1, G, H, W), another picture of the
    scene.
    """
    stable = noise.stabilise(observation)
    made = (
        _of_variance_one(stable, place)
        if guide is None
        else _of_pair(stable, noise.stabilise(guide), place)
    )
    every = chain(islice(made, count), [codes.blurs(stable, sigmas=(BLUR,))])
    # one by one: the inverse takes several times the memory of what it is of
    return torch.cat([noise.inverse(each) for each in every])


def _of_variance_one(noisy: Tensor, place: Place) -> Iterator[Tensor]:
    """Quick ones first."""
    noise = White()
    pilot = dct_denoise(noisy, noise)
    yield pilot
    once = nonlocal_bayes(noisy, pilot, noise)
    once = with_long_waves(once, noisy, noise, alike, SCALES, place)
    yield once
    twice = nonlocal_bayes(noisy, once, noise)
    yield twice
    filtered = collaborative(noisy, twice)
    yield filtered
    again = nonlocal_bayes(noisy, filtered, noise, reach=FAR)
    yield again
    ridge = nonlocal_ridge(noisy, again)
    yield ridge
    yield nonlocal_bayes(noisy, (again + ridge) / 2, noise, larger=2, reach=FAR)


def alike(noisy: Tensor, noise: Covariance) -> Tensor:
    """Non-local Bayes, its pilot by cosines."""
    return nonlocal_bayes(noisy, dct_denoise(noisy, noise), noise)


def _of_pair(noisy: Tensor, guide: Tensor, place: Place) -> Iterator[Tensor]:
    """What the guide explains; with its help; and without, for where it tells nothing."""
    noise = White()
    yield _explained(noisy, guide, noise)
    both, joint = torch.cat([noisy, guide], dim=1), partial(_joint, channels=noisy.shape[1])
    pilot = with_long_waves(joint(both, noise), both, noise, joint, SCALES, place)
    drawn = nonlocal_bayes(noisy, pilot, noise, beside=guide)
    yield drawn
    alone = alike(noisy, noise)
    yield with_long_waves(alone, noisy, noise, alike, SCALES, place)
    yield nonlocal_bayes(noisy, drawn, noise, larger=1, beside=guide)
    yield _with_detail(noisy, guide, noise)
    yield nonlocal_ridge(noisy, drawn)
    yield collaborative(noisy, drawn)


def _joint(both: Tensor, noise: Covariance, channels: int) -> Tensor:
    """Of the first channels of (1, C + G, H, W), the others those of the guide."""
    noisy, guide = both.tensor_split([channels], dim=1)
    return nonlocal_bayes(noisy, _with_detail(noisy, guide, noise), noise, beside=guide)


def _with_detail(noisy: Tensor, guide: Tensor, noise: Covariance) -> Tensor:
    """The rest of x0, without the detail that the guide explains, denoised; and that detail."""
    explained = _explained(noisy, guide, noise)
    detail = explained - windowed(windowed(explained))
    return detail + dct_denoise(noisy - detail, noise)


def _explained(noisy: Tensor, guide: Tensor, noise: Covariance) -> Tensor:
    light = windowed(noisy.mean(dim=1, keepdim=True))
    variance = noise.of_patches(noisy.shape[1], 1).diagonal().mean()
    return guided_filter(noisy, guide, OF_BESIDE**2 * variance * noise.deviation(light).square())


def of_correlated(
    noise: CorrelatedNoise,
    observation: Tensor,
    count: int,
    place: Place = (0, 0),
    guide: Tensor | None = None,
) -> Tensor:
    """`count` estimates, 1 to 4, of x0 (1, C, H, W), better ones last, (count, C, H, W).

    place: rows and columns of the picture before x0. guide: (1, G, H, W), another picture of the
    scene.
    """
    channels = observation.shape[1]
    seen = observation if guide is None else torch.cat([observation, guide], dim=1)

    def denoise(seen: Tensor, covariance: Covariance) -> Tensor:
        noisy, beside = seen.tensor_split([channels], dim=1)
        made = (
            _of_covariance(noisy, covariance)
            if guide is None
            else _of_covariance_and_guide(noisy, beside, covariance)
        )
        return torch.cat(list(islice(made, count)))

    made = denoise_scales(seen, noise, denoise, place)
    if guide is None:
        return made
    last = nonlocal_bayes(observation, made[-1:], noise, beside=guide)
    return torch.cat([made[:-1], last])


def _of_covariance(noisy: Tensor, noise: Covariance) -> Iterator[Tensor]:
    """Quick ones first."""
    pilot = dct_denoise(noisy, noise)
    yield pilot
    alike = nonlocal_bayes(noisy, pilot, noise)
    yield alike
    twice = nonlocal_bayes(noisy, alike, noise, reach=FAR)
    ridge = nonlocal_ridge(noisy, twice, noise, NEIGHBOURS)
    both = (twice + ridge) / 2
    yield both
    yield (nonlocal_bayes(noisy, both, noise, larger=1, reach=FAR) + ridge) / 2


def _of_covariance_and_guide(noisy: Tensor, guide: Tensor, noise: Covariance) -> Iterator[Tensor]:
    """Quick ones first. Ridge regression gains nothing where a guide tells what the noise hid."""
    pilot = _with_detail(noisy, guide, noise)
    yield pilot
    alike = nonlocal_bayes(noisy, pilot, noise, beside=guide)
    yield alike
    twice = nonlocal_bayes(noisy, alike, noise, beside=guide, reach=FAR)
    yield twice
    yield nonlocal_bayes(noisy, twice, noise, larger=1, beside=guide, reach=FAR)


def of_compression(
    compression: Compression | Lossy | Palette,
    noise: Sampled,
    observation: Tensor,
    place: Place = (0, 0),
) -> Tensor:
    """Estimates of what was compressed to x0 (1, C, H, W) side by side in channels, (1, 3 C, H, W),
    the mean of the others first: at one scale, and with the long waves of two.

    noise: what compression added. place: rows and columns of the picture before x0.
    """
    compression = compression.at(*place)

    def near(image: Tensor) -> Tensor:
        return compression.project(image, observation)

    def drawn(pilot: Tensor, larger: int = 0) -> Tensor:
        return near(nonlocal_bayes(observation, pilot, noise, larger, reach=FAR))

    first = drawn(alike(observation, White(noise.sigma)))
    waves = near(with_long_waves(first, observation, noise, alike, SCALES, place))
    both = [drawn(pilot, larger=1) for pilot in (first, waves)]
    return torch.cat([(both[0] + both[1]) / 2, *both], dim=1)


def of_dither(palette: Palette, noise: Sampled, observation: Tensor, share: float) -> Tensor:
    """Estimates of what was dithered to x0 (1, C, H, W) side by side in channels, (1, 3 C, H, W):
    the mix of the others first, `share` of it the second, whose groups are told by a blur.

    noise: what dithering added.
    """
    noisy = palette.without_offsets(observation)
    # what a coarse pattern leaves looks alike everywhere
    reach = NEAR if palette.coarse else FAR

    def drawn(pilot: Tensor) -> Tensor:
        alike = nonlocal_bayes(noisy, pilot, noise)
        twice = nonlocal_bayes(noisy, alike, noise, larger=1, reach=reach)
        return palette.project(twice, observation)

    sharp, smooth = (drawn(pilot) for pilot in (dct_denoise(noisy, noise), undithered(noisy)))
    return torch.cat([torch.lerp(sharp, smooth, share), sharp, smooth], dim=1)


def share_of_smooth(palette: Palette, noise: Sampled, observation: Tensor) -> float:
    """Of the smooth estimate, the share in the mix of `of_dither` that is best where the sharp one
    is the truth: it is dithered once more. All, where the sharp one takes a pattern for texture.
    """
    if palette.coarse:
        return 1.0
    part = middle(observation.shape, TRIED)
    here = palette.at(part.rows.start, part.columns.start)
    _, sharp, _ = of_dither(here, noise, part(observation), 0).chunk(3, dim=1)
    moved = palette.moved(0)
    _, one, other = of_dither(moved, noise, moved.compress(sharp), 0).chunk(3, dim=1)
    apart = other - one
    best = (apart * (sharp - one)).sum() / apart.square().sum().clamp_min(1e-9)
    return best.clamp(0, 1).item()


def of_downsampling(
    downsampling: Downsampling, observation: Tensor, rounds: Sequence[float]
) -> Tensor:
    """Enlargements of x0 (1, C, H, W) side by side in channels, (1, 3 C, t H, t W), the best first:
    the `smooth` one `refined`, itself, and a bicubic one.
    """
    least = smooth(downsampling, observation)
    best = refined(least, observation, downsampling, rounds)
    bicubic = downsampling.enlarge(observation)
    return torch.cat([best, least, downsampling.project(bicubic, observation)], dim=1)


def smooth(downsampling: Downsampling, observation: Tensor) -> Tensor:
    """The enlargement of x0 (1, C, H, W) with the least total variation, (1, C, t H, t W)."""
    energy = squared_error(observation, downsampling.operator)
    return tv_least_squares(downsampling.enlarge(observation), energy)


def refined(
    image: Tensor,
    observation: Tensor,
    downsampling: Downsampling,
    rounds: Sequence[float],
    larger: int = 1,
) -> Tensor:
    """`image` (1, C, t H, t W), in turns denoised, as if it had noise of the deviations `rounds`,
    and moved to where downsampling makes x0 of it. larger: which patches of nonlocal_bayes.

    Plug and play: Venkatakrishnan, Bouman and Wohlberg 2013, doi:10.1109/GlobalSIP.2013.6737048.
    """

    def denoise(x: Tensor, sigma: float) -> Tensor:
        return nonlocal_bayes(x, x, White(sigma), larger, caution=1, reach=FAR)

    def seen(x: Tensor, sigma: float = 0) -> Tensor:
        return downsampling.project(x, observation)

    return seen(in_turns(image, denoise, seen, rounds))


def of_blurring(blurring: Blurring, observation: Tensor, rounds: Sequence[float]) -> Tensor:
    """Estimates of x behind x0 (1, C, H, W) side by side in channels, (1, 4 C, H + h - 1, W + w -
    1), the best first: that of the last round, it before it was denoised, that of half of the
    rounds, and the one of least total variation, which the rounds begin with.
    """
    energy = squared_error(observation, blurring.operator)
    weight = SMOOTH * blurring.deviation(observation)
    images = [tv_least_squares(blurring.extended(observation), energy, weight)]
    ahead, before = images[0], None
    for deviation in rounds:
        moved, drawn = sharpened(ahead, observation, blurring, deviation)
        ahead, before = with_momentum(drawn, before), drawn
        images.append(drawn)
    return torch.cat([images[-1], moved, images[len(rounds) // 2], images[0]], dim=1)


def sharpened(
    image: Tensor, observation: Tensor, blurring: Blurring, deviation: float
) -> tuple[Tensor, Tensor]:
    """`image` (1, C, H + h - 1, W + w - 1), as if it had noise of that deviation, moved to where it
    blurs to about x0; and that denoised.

    Plug and play by half-quadratic splitting: Zoran and Weiss 2011, doi:10.1109/ICCV.2011.6126278.
    """
    weight = TRUST * (blurring.deviation(observation) / deviation) ** 2
    moved = blurring.nearest(image, observation, weight)
    return moved, nonlocal_bayes(moved, moved, White(deviation), caution=1)
