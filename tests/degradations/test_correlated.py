from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
import torch
from helpers import photograph, tensor
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage import data

from deep_image_prior import BadInput
from deep_image_prior.colour import to_opponent
from deep_image_prior.degradations import (
    CorrelatedNoise,
    Noise,
    estimate_correlated,
    is_white,
    recognise,
)
from deep_image_prior.degradations.correlated import BINS
from deep_image_prior.denoisers import White
from deep_image_prior.resampling import halved

PHOTO = data.astronaut()[:256, 96:352] / 255
COFFEE = data.coffee()[100:356, 150:406] / 255


def gaussian_spectrum(width: float, variance: float = 1.0) -> torch.Tensor:
    """Of white noise blurred by a Gaussian of `width` pixels, its mean the variance."""
    along = torch.fft.fftfreq(BINS)
    squared = along[:, None].square() + along.square()
    power = torch.exp(-((2 * torch.pi * width) ** 2) * squared)
    return variance * power / power.mean()


def model(width=1.0, sigma=0.1, channels=3, factor=(1.0, 1.0)):
    spectrum = gaussian_spectrum(width, sigma**2).expand(channels, BINS, BINS)
    return CorrelatedNoise(spectrum, torch.tensor([0.0, 1.0]), torch.tensor(factor))


def blurred(photo, sigma, width, seed=0):
    """The photograph, in 8 bits, under Gaussian noise blurred by `width` pixels."""
    noise = np.random.default_rng(seed).normal(size=photo.shape)
    noise = gaussian_filter(noise, (width, width, 0)) if width else noise
    noisy = (photo + sigma / 255 * noise / noise.std()).clip(0, 1)
    return tensor(np.rint(255 * noisy) / 255)


def compressed(image, quality):
    """The image (1, 3, H, W) as a JPEG file keeps it."""
    buffer = BytesIO()
    pixels = np.rint(255 * image[0].permute(1, 2, 0).numpy()).astype(np.uint8)
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return tensor(np.asarray(Image.open(buffer)) / 255)


def test_draws_have_the_spectrum_and_follow_brightness():
    noise = model(width=1.5, factor=(0.5, 1.0))
    image = torch.full((1, 3, 200, 200), 0.4)  # where the factor is 0.7
    drawn = noise.draw(image, 4, torch.Generator().manual_seed(0))
    assert drawn.shape == (4, 3, 200, 200)
    torch.testing.assert_close(drawn.std(), torch.tensor(0.07), rtol=0.03, atol=0)
    # blurred twice by 1.5 pixels, noise has a correlation of exp(-1 / (4 * 1.5^2)) at one pixel
    beside = (drawn[..., 1:] * drawn[..., :-1]).mean() / drawn.square().mean()
    assert beside.item() == pytest.approx(np.exp(-1 / 9), abs=0.02)
    apart = torch.stack([drawn[0], drawn[1]]).flatten(1)
    assert abs(torch.corrcoef(apart)[0, 1]) < 0.05, "draws are independent"
    torch.testing.assert_close(
        noise.variance(image), torch.full_like(image, 0.07**2), rtol=1e-3, atol=0
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_cosines_and_patches_have_the_variance_of_draws(channels):
    noise = model(width=1.0, channels=channels)
    variances = noise.of_dct(channels, 8)
    assert variances.shape == (channels, 8, 8)
    assert variances.mean().item() == pytest.approx(0.01, rel=0.02)
    covariance = noise.of_patches(channels, 3)
    assert covariance.shape == (9 * channels, 9 * channels)
    # of neighbours, of two blurs by one pixel
    assert covariance[0, 0].item() == pytest.approx(0.01, rel=0.01)
    assert covariance[0, channels].item() == pytest.approx(0.01 * np.exp(-1 / 4), rel=0.02)


def test_it_is_printed_in_a_line():
    assert repr(model(sigma=0.1)) == (
        "CorrelatedNoise(deviation 0.1 in luminance, 0.1 in colour, textured=False)"
    )


def test_noise_at_half_the_resolution_has_the_spectrum_that_its_draws_have():
    noise = model(width=0.7)
    generator = torch.Generator().manual_seed(0)
    drawn = noise.draw(torch.full((1, 3, 256, 256), 0.5), 20, generator)
    halves = to_opponent(halved(drawn))
    told = noise.halved()
    measured = halves.square().mean(dim=(0, 2, 3))
    torch.testing.assert_close(measured, told.spectrum.mean(dim=(1, 2)), rtol=0.03, atol=0)
    neighbours = (halves[..., 1:] * halves[..., :-1]).mean(dim=(0, 2, 3))
    lag = torch.fft.ifft2(told.spectrum).real[:, 0, 1]
    torch.testing.assert_close(neighbours, lag, rtol=0.03, atol=0.03 * measured.max().item())


def test_at_half_the_resolution_the_long_waves_are_left():
    noise = model(width=2.0)
    coarse = noise.halved()
    assert coarse.lengths[0] == pytest.approx(noise.lengths[0] / 2, rel=0.1)
    assert coarse.deviations[0] == pytest.approx(noise.deviations[0], rel=0.05), "all was long"
    white = CorrelatedNoise(torch.ones(1, BINS, BINS), torch.tensor([0.0, 1]), torch.ones(2))
    assert white.halved().deviations[0] == pytest.approx(White().halved().sigma, rel=1e-4)


@pytest.mark.parametrize(("sigma", "width"), [(10, 0.7), (10, 2), (20, 1)])
def test_blurred_noise_is_measured_in_a_photograph(sigma, width):
    noise = recognise(blurred(PHOTO, sigma, width))
    assert isinstance(noise, CorrelatedNoise)
    luminance, colour = noise.deviations
    assert 0.6 * sigma < 255 * luminance < 1.5 * sigma
    assert 0.6 * sigma < 255 * colour < 1.3 * sigma
    expected = 2 * np.pi**0.5 * width  # the root of the area 4 pi width^2
    assert noise.lengths[1] == pytest.approx(expected, rel=0.3)


def test_noise_in_fur_is_no_stronger_than_it_is():
    fur = data.chelsea()[:256, 100:356] / 255
    found = estimate_correlated(blurred(fur, 10, 1), compressed=False)
    assert 255 * found.deviations[0] == pytest.approx(10, rel=0.25)


def test_noise_over_many_pixels_is_measured():
    found = estimate_correlated(blurred(PHOTO, 10, 3), compressed=False)
    assert 0.6 * 10 < 255 * found.deviations[0] < 1.5 * 10
    assert found.lengths[0] == pytest.approx(2 * np.pi**0.5 * 3, rel=0.3)


def test_weak_noise_is_measured():
    found = estimate_correlated(blurred(COFFEE, 2, 1), compressed=False)
    assert 255 * found.deviations[0] == pytest.approx(2, rel=0.5)
    assert 255 * found.deviations[1] == pytest.approx(2, rel=0.4)


def test_noise_in_a_small_picture_is_measured():
    found = estimate_correlated(blurred(photograph(64), 10, 1), compressed=False)
    assert 255 * found.deviations[0] == pytest.approx(10, rel=0.3)


@pytest.mark.parametrize("size", [32, 48, 96])
def test_the_smaller_a_picture_the_less_is_said(size):
    corner = data.astronaut()[:size, :size] / 255
    observation = blurred(corner, 10, 1)
    found = recognise(observation)
    assert isinstance(found, CorrelatedNoise if size > 64 else Noise)
    assert 255 * found.variance(observation).mean().sqrt() < 1.5 * 10


@pytest.mark.parametrize("gray", [False, True])
@pytest.mark.parametrize("sigma", [5, 25])
def test_white_noise_is_known_as_such(sigma, gray):
    photo = PHOTO.mean(axis=2, keepdims=True) if gray else PHOTO
    observation = blurred(photo, sigma, 0)
    assert is_white(estimate_correlated(observation, compressed=False), compressed=False)
    assert isinstance(recognise(observation), Noise)


def test_noise_that_is_brighter_where_the_image_is_has_a_rising_curve():
    noise = np.random.default_rng(0).normal(size=PHOTO.shape)
    noise = gaussian_filter(noise, (1, 1, 0))
    noisy = PHOTO + (0.01 + 0.06 * PHOTO) * noise / noise.std()
    found = estimate_correlated(tensor(noisy), compressed=False)
    assert found.factor[-1] > 1.5 * found.factor[0]


@pytest.mark.parametrize(
    ("photo", "dark", "bright"), [("astronaut", 2, 20), ("astronaut", 20, 2), ("coffee", 1, 30)]
)
def test_noise_follows_brightness_about_as_much_as_it_does(photo, dark, bright):
    photo = PHOTO if photo == "astronaut" else COFFEE
    noise = np.random.default_rng(0).normal(size=photo.shape)
    noise = gaussian_filter(noise, (1, 1, 0))
    sigma = dark + (bright - dark) * photo.mean(axis=2, keepdims=True)
    noisy = (photo + sigma / 255 * noise / noise.std()).clip(0, 1)
    found = estimate_correlated(tensor(np.rint(255 * noisy) / 255), compressed=False)
    low, high = found.deviation(torch.tensor([0.2, 0.8])).tolist()
    expected = (dark + 0.8 * (bright - dark)) / (dark + 0.2 * (bright - dark))
    assert 0.6 < high / low / expected < 1.5
    measured = 255 * found.variance(tensor(photo)).mean().sqrt().item()
    assert 0.45 < measured / np.square(sigma).mean() ** 0.5 < 1.4
    assert not found.textured


def test_noise_in_luminance_alone_is_not_certain():
    noise = model()
    assert noise.certain
    assert not replace(noise, textured=True).certain
    assert not model(channels=1).certain
    luminance = torch.tensor([16.0, 1, 1])[:, None, None]
    assert not replace(noise, spectrum=noise.spectrum * luminance).certain
    camera = torch.tensor([9.0, 1, 1])[:, None, None]  # three times colour, as cameras have it
    assert replace(noise, spectrum=noise.spectrum * camera).certain


def test_no_noise_at_all_divides_by_nothing():
    nothing = model(sigma=0.0)
    patches = nothing.of_patches(3, 4)
    assert torch.isfinite(torch.linalg.cholesky(patches)).all()
    cosines = nothing.of_dct(3, 8)
    assert (cosines > 0).all()
    assert 255 * cosines.max().sqrt() < 0.3, "less than rounding to 8 bits"
    assert nothing.lengths == (0, 0)


def test_a_clean_picture_of_texture_and_flat_parts_is_told():
    photo = data.astronaut()[::2, ::2] / 255
    assert estimate_correlated(tensor(photo), compressed=False).textured


@pytest.mark.parametrize("gray", [False, True])
def test_a_clean_picture_has_next_to_no_noise(gray):
    photo = data.astronaut()[::2, ::2] / 255
    photo = photo.mean(axis=2, keepdims=True) if gray else photo
    noise = recognise(tensor(np.rint(255 * photo) / 255))
    assert noise.variance(tensor(photo)).mean().sqrt().item() < 2.6 / 255


def test_clean_coffee_has_next_to_no_noise():
    found = estimate_correlated(tensor(COFFEE), compressed=False)
    assert max(found.deviations) < 2 / 255


def test_the_shades_of_a_drawing_are_no_noise():
    shades = np.tile(np.linspace(0, 0.75, 128)[:, None], (128, 1, 3))
    noise = recognise(tensor(np.rint(255 * shades) / 255))
    assert isinstance(noise, Noise)
    assert noise.sigma < 1 / 255


@pytest.mark.parametrize("sigma", [10, 20])
def test_film_grain_is_in_luminance_alone(sigma):
    noise = gaussian_filter(np.random.default_rng(0).normal(size=PHOTO.shape[:2]), 1)
    noisy = (PHOTO + sigma / 255 * (noise / noise.std())[..., None]).clip(0, 1)
    found = recognise(tensor(np.rint(255 * noisy) / 255))
    assert isinstance(found, CorrelatedNoise)
    # grain of sigma in all channels is 3^.5 times that in luminance
    assert 0.6 < 255 * found.deviations[0] / (3**0.5 * sigma) < 1.3
    assert found.textured, "it may be a fabric"


def test_a_photograph_as_a_camera_stores_it_is_correlated():
    found = recognise(compressed(blurred(PHOTO, 8, 1), 92))
    assert isinstance(found, CorrelatedNoise)
    assert 0.5 * 8 < 255 * found.deviations[0] < 1.6 * 8


def test_a_clean_file_has_next_to_no_noise():
    found = estimate_correlated(compressed(tensor(data.astronaut()[::2, ::2] / 255), 90), True)
    luminance, colour = found.deviations
    assert luminance < 1 / 255
    assert colour < 2.6 / 255


def test_noise_in_a_file_of_middle_quality_is_measured():
    found = estimate_correlated(compressed(blurred(PHOTO, 10, 1), 75), True)
    luminance, colour = found.deviations
    assert 255 * luminance == pytest.approx(10, rel=0.4)
    assert 255 * colour > 5, "in colour JPEG has taken much away"


def test_colours_without_noise_do_not_flatten_the_curve_over_brightness():
    gray = tensor(PHOTO).mean(dim=1, keepdim=True)
    grain = gaussian_filter(np.random.default_rng(0).normal(size=PHOTO.shape[:2]), 1)
    noisy = (gray + (0.01 + 0.1 * gray) * torch.from_numpy(grain / grain.std()).float()).clamp(0, 1)
    alone, with_colours = (
        estimate_correlated((noisy.expand(-1, channels, -1, -1) * 255).round() / 255, False).factor
        for channels in (1, 3)
    )
    torch.testing.assert_close(with_colours, alone, rtol=0.05, atol=0)
    assert alone.max() > 1.5 * alone.min()


@pytest.mark.parametrize(("quality", "pixels"), [(60, 2.8), (30, 2.3)])
def test_in_a_file_with_structure_luminance_is_not_long(quality, pixels):
    image = compressed(blurred(PHOTO, 8, 2), quality)  # 30 leaves little of colour
    (file, _), (other, _) = (estimate_correlated(image, made).lengths for made in (True, False))
    assert file == pytest.approx(pixels, abs=0.1)
    assert other > 4


@pytest.mark.parametrize(("width", "pixels"), [(1, 3.5), (1.5, 5.3)])
def test_grain_in_a_file_is_as_strong_and_as_long_as_it_is(width, pixels):
    grain = gaussian_filter(np.random.default_rng(0).normal(size=PHOTO.shape[:2]), width)
    noisy = (PHOTO + 12 / 255 * (grain / grain.std())[..., None]).clip(0, 1)
    found = recognise(compressed(tensor(np.rint(255 * noisy) / 255), 95))
    assert found.lengths[0] == pytest.approx(pixels, rel=0.1)
    assert 255 * found.deviations[0] == pytest.approx(12 * 3**0.5, rel=0.3)
    assert found.textured, "it may be a fabric"


def test_it_says_what_it_is():
    noise = model(width=1.0, sigma=10 / 255)
    assert noise.sentences(255, "of 255") == [
        "noise: correlated, sigma 10 of 255 in luminance over 3.5 pixels, 10 in colour over 3.5"
    ]
    assert "told apart" in replace(noise, textured=True).sentences(255, "of 255")[1]
    facts = noise.facts()
    assert facts["kind"] == "correlated"
    assert facts["colour"]["sigma"] == pytest.approx(10 / 255)
    doubled = noise.rescaled(2.0, 1.0)
    assert doubled.deviations[0] == pytest.approx(20 / 255)
    assert doubled.brightness.tolist() == [1, 3]


@pytest.mark.parametrize("size", [(64, 64), (70, 131)])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_small_images_and_any_channels_are_measured(size, channels):
    image = torch.rand((1, channels, *size), generator=torch.Generator().manual_seed(0))
    noise = estimate_correlated(image, compressed=False)
    assert all(np.isfinite(noise.deviations))
    assert noise.spectrum.shape == (channels, BINS, BINS)


@pytest.mark.parametrize(
    ("spectrum", "brightness", "factor", "message"),
    [
        (torch.ones(3, 8, 8), torch.zeros(2), torch.ones(2), "the spectrum has shape"),
        (
            torch.ones(3, BINS, BINS),
            torch.zeros(2),
            torch.ones(3),
            "brightness and factor",
        ),
        (
            torch.ones(3, BINS, BINS),
            torch.zeros(1),
            torch.ones(1),
            "brightness and factor",
        ),
        (-torch.ones(3, BINS, BINS), torch.zeros(2), torch.ones(2), "not negative"),
        (
            torch.ones(3, BINS, BINS),
            torch.zeros(2),
            torch.tensor([1.0, torch.inf]),
            "finite",
        ),
        (
            torch.ones(0, BINS, BINS),
            torch.zeros(2),
            torch.ones(2),
            "the spectrum has shape",
        ),
        (
            np.ones((3, BINS, BINS)),
            torch.zeros(2),
            torch.ones(2),
            "spectrum is ndarray",
        ),
        (torch.ones(3, BINS, BINS), [0.0, 1.0], torch.ones(2), "brightness is list"),
        (
            torch.ones(3, BINS, BINS),
            torch.zeros(2),
            torch.tensor([1, 1]),
            "factor is torch.int64",
        ),
        (
            torch.ones(3, BINS, BINS),
            torch.zeros(2, 2),
            torch.ones(2, 2),
            "brightness and factor",
        ),
        (
            torch.ones(3, BINS, BINS),
            torch.tensor([1.0, 0.0]),
            torch.ones(2),
            "must not fall",
        ),
        (
            torch.ones(3, BINS, BINS),
            torch.tensor([0.0, torch.nan]),
            torch.ones(2),
            "finite",
        ),
    ],
)
def test_models_that_make_no_sense_are_refused(spectrum, brightness, factor, message):
    with pytest.raises(BadInput, match=message):
        CorrelatedNoise(spectrum, brightness, factor)
