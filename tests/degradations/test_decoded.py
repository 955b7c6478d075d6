import io

import numpy as np
import pytest
from helpers import photograph, tensor
from PIL import Image, ImageDraw, ImageFilter

from deep_image_prior.degradations import Lossy
from deep_image_prior.degradations.decoded import is_decoded
from deep_image_prior.degradations.lossy_traces import detect

CLEAN = np.rint(255 * photograph(256)).astype(np.uint8)


def coded(pixels, format, quality):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format, quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def quickly_decoded(pixels):
    """As ffmpeg does by default: each pixel of a square has the same offsets from brightness."""
    y, *colour = np.moveaxis(np.asarray(Image.fromarray(pixels).convert("YCbCr"), float), 2, 0)
    halves = [plane.reshape(128, 2, 128, 2).mean(axis=(1, 3)) for plane in colour]
    blue, red = (plane.repeat(2, 0).repeat(2, 1) - 128 for plane in halves)
    offsets = np.stack([1.402 * red, -0.344 * blue - 0.714 * red, 1.772 * blue], axis=-1)
    limited = np.rint(y * 219 / 255) * 255 // 219
    return np.clip(limited[..., None] + np.rint(offsets), 0, 255).astype(np.uint8)


def scaled(pixels, factor, how=Image.Resampling.BICUBIC):
    size = [round(factor * side) for side in pixels.shape[1::-1]]
    return np.asarray(Image.fromarray(pixels).resize(size, how))


def found(pixels, quality=None):
    return detect(tensor(pixels / 255), quality)


STRONG = {
    "webp": coded(CLEAN, "WEBP", 10),
    "avif": coded(CLEAN, "AVIF", 30),
    "video": quickly_decoded(coded(CLEAN, "WEBP", 10)),
}


@pytest.mark.parametrize("kind", STRONG)
def test_a_strong_codec_is_found_in_mere_pixels(kind):
    made = found(STRONG[kind][3:, 5:])
    assert made.smoothed
    assert made.traced
    assert 60 <= made.quality <= 90
    assert "as of video" in made.sentence
    assert found(STRONG[kind], quality=33) == Lossy(33, smoothed=True)


def test_what_is_of_a_decoder_but_hardly_compressed_is_left_as_it_is():
    for fine in (coded(CLEAN, "WEBP", 97), quickly_decoded(CLEAN)):
        assert is_decoded(tensor(fine / 255))
        assert found(fine) is None


@pytest.mark.parametrize("kind", STRONG)
def test_a_picture_that_was_changed_since_is_not_as_a_decoder_leaves_it(kind):
    x0 = STRONG[kind]
    noisy = x0 + np.random.default_rng(0).normal(0, 3, x0.shape)
    for changed in (scaled(x0, 0.75), scaled(x0, 1.5), np.rint(noisy.clip(0, 255))):
        assert not is_decoded(tensor(changed / 255))


@pytest.mark.parametrize("factor", [0.5, 1, 1.5])
@pytest.mark.parametrize("blur", [0, 0.6, 1.5])
def test_a_picture_that_no_decoder_made_is_left_as_it_is(factor, blur):
    smooth = Image.fromarray(scaled(CLEAN, factor)).filter(ImageFilter.GaussianBlur(blur))
    assert not is_decoded(tensor(np.asarray(smooth) / 255))
    assert found(np.asarray(smooth)) is None


def test_repeated_pixels_and_gray_are_no_sign_of_a_decoder():
    noisy = np.random.default_rng(0).normal(CLEAN, 3).clip(0, 255).astype(np.uint8)
    larger = scaled(noisy, 2, Image.Resampling.NEAREST)
    gray = np.asarray(Image.fromarray(CLEAN).convert("L"))
    for plain in (larger, np.dstack([gray] * 3), gray[..., None], CLEAN[:1], CLEAN[:2, :1]):
        assert not is_decoded(tensor(plain / 255))


@pytest.mark.parametrize("quality", [85, 95])
def test_jpeg_is_no_such_codec(quality):
    assert not is_decoded(tensor(coded(CLEAN, "JPEG", quality) / 255))


def test_of_a_smooth_picture_the_strength_is_guessed_and_a_screenshot_is_left_as_it_is():
    smooth = np.asarray(Image.fromarray(CLEAN).filter(ImageFilter.GaussianBlur(2)))
    made = found(coded(smooth, "AVIF", 30))
    assert made == Lossy(85, smoothed=True, guessed=True)
    assert made.sentence.startswith("taken for")
    text = Image.fromarray(np.full_like(CLEAN, 250))
    for line in range(0, 250, 14):
        ImageDraw.Draw(text).text((4, line), "the quick brown fox jumps over it", fill=(20, 30, 60))
    shot = np.asarray(text).copy()
    shot[100:160, 100:160] = CLEAN[100:160, 100:160]
    assert is_decoded(tensor(quickly_decoded(shot) / 255))
    assert found(quickly_decoded(shot)) is None
