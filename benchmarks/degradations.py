"""Noise as pictures have it outside a laboratory: clean (H, W, 3) in [0, 1] -> Problem in 8 bits,
all of it from default_rng(0), if no seed is told.
"""

import io

import cv2
import numpy as np
from PIL import Image
from skimage.filters import gaussian

from deep_image_prior.images import Pixels

from .problems import Problem, filed

LENS = 1.0  # pixels that it blurs: sharper scenes leave false colours in the mosaic
WHITE = 2**16 - 1
BLACK = 0.1  # of the sensor, over that of the scene: its noise is seldom cut off
PHOTONS = 1000  # at white
READ = 0.004  # standard deviation of the electronics' noise, white being 1
GAMMA = 2.2
QUALITY = 90
# the sensor's colours to those of the screen, whose white is kept
COLOURS = np.array([[1.7, -0.6, -0.1], [-0.2, 1.6, -0.4], [0.0, -0.6, 1.6]])


def blurred(name: str, clean: Pixels, sigma: float, blur: float) -> Problem:
    """x0 = x + n, n Gaussian, blurred by `blur` pixels, then of deviation `sigma`; white for 0."""
    noise = _blurred_noise(clean.shape, blur)
    return filed(name, clean, clean + sigma * noise)


def striped(name: str, clean: Pixels, sigma: float, axis: int) -> Problem:
    """x0 = x + n, one n ~ N(0, sigma^2) for each row (axis 0) or column (axis 1)."""
    shape = [1, 1, 1]
    shape[axis] = clean.shape[axis]
    return filed(name, clean, clean + np.random.default_rng(0).normal(0, sigma, shape))


def grained(name: str, clean: Pixels, sigma: float) -> Problem:
    """x0 = x + 2 sqrt(y (1 - y)) n of the mean y over the channels: film grain, blurred by a pixel,
    of deviation `sigma` at middle gray, the same in all channels.
    """
    gray = clean.mean(axis=2, keepdims=True)
    noise = _blurred_noise(gray.shape, blur=1)
    return filed(name, clean, clean + 2 * sigma * np.sqrt(gray * (1 - gray)) * noise)


def photographed(name: str, scene: Pixels, photons: float = PHOTONS, seed: int = 0) -> Problem:
    """x0: the scene seen by a sensor, developed and kept as a JPEG file; its truth: the same
    without noise and file. photons: at white. seed: of the noise.
    """
    sharp = np.clip(scene**GAMMA @ np.linalg.inv(COLOURS).T, 0, 1)
    seen = gaussian(sharp, LENS, mode="reflect", channel_axis=-1)
    light = _mosaic(seen)
    random = np.random.default_rng(seed)
    counted = random.poisson(photons * light) / photons + random.normal(0, READ, light.shape)
    buffer = io.BytesIO()
    picture = np.rint(255 * _developed(counted)).astype(np.uint8)
    Image.fromarray(picture).save(buffer, "JPEG", quality=QUALITY)
    return filed(name, _developed(light), np.asarray(Image.open(buffer)) / 255)


def unharmed(name: str, clean: Pixels) -> Problem:
    """x0 = x in 8 bits."""
    return filed(name, clean, clean)


def _blurred_noise(shape: tuple[int, ...], blur: float) -> Pixels:
    """(H, W, C) of deviation 1, periodic."""
    white = np.random.default_rng(0).normal(size=shape)
    noise = gaussian(white, blur, mode="wrap", channel_axis=-1) if blur else white
    return noise / noise.std()


def _mosaic(image: Pixels) -> Pixels:
    """(H, W): red, green; green, blue."""
    mosaic = image[..., 1].copy()
    mosaic[::2, ::2], mosaic[1::2, 1::2] = image[::2, ::2, 0], image[1::2, 1::2, 2]
    return mosaic


def _developed(light: Pixels) -> Pixels:
    """A mosaic (H, W) as a picture (H, W, 3): demosaiced along edges in 16 bits, in the screen's
    colours, with gamma.
    """
    levels = np.rint(WHITE * np.clip((light + BLACK) / (1 + 2 * BLACK), 0, 1)).astype(np.uint16)
    colours = cv2.demosaicing(levels, cv2.COLOR_BayerRGGB2RGB_EA) / WHITE
    linear = (colours * (1 + 2 * BLACK) - BLACK) @ COLOURS.T
    return np.clip(linear, 0, 1) ** (1 / GAMMA)
