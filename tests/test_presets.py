"""What the presets make of a small photograph in a few steps: a constant that is changed shows."""

import numpy as np
import pytest
import torch
from helpers import noisy, photograph
from skimage.filters import gaussian

import deep_image_prior as dip
from deep_image_prior.degradations import Compression
from deep_image_prior.metrics import psnr
from deep_image_prior.networks import bfloat16

CLEAN = photograph(64)
NOISY = noisy(CLEAN)
KNOWN = np.random.default_rng(0).random(CLEAN.shape[:2]) > 0.5
HOLED = np.ones_like(KNOWN)
HOLED[16:44, 20:48] = False


def planes(pixels):
    return torch.from_numpy(pixels).float().permute(2, 0, 1)[None]


def pixels(image):
    return image[0].permute(1, 2, 0).numpy()


def grainy():
    noise = gaussian(np.random.default_rng(0).normal(size=CLEAN.shape), 1, channel_axis=-1)
    return np.clip(CLEAN + 0.06 * noise / noise.std(), 0, 1)


def impulsive():
    drawn = np.random.default_rng(0).random(CLEAN.shape)
    return np.where(drawn < 0.1, 0.0, np.where(drawn > 0.9, 1.0, CLEAN))


BLUR = dip.operators.Blur(dip.degradations.kernels.named("disk:2"))
LARGE = planes(photograph(68))
SMALL = dip.operators.Downsample(2)(planes(CLEAN))
# the observation, the function, and its options
CASES = {
    "denoise": (lambda how: dip.denoise(NOISY, noise="white", **how), CLEAN),
    "correlated": (lambda how: dip.denoise(grainy(), noise="correlated", **how), CLEAN),
    "impulses": (lambda how: dip.denoise(impulsive(), noise="impulses", **how), CLEAN),
    "dejpeg": (
        lambda how: dip.dejpeg(pixels(Compression(20).compress(planes(CLEAN))), quality=20, **how),
        CLEAN,
    ),
    "deblur": (
        lambda how: dip.deblur(pixels(BLUR(LARGE)), "disk:2", **how),
        pixels(BLUR.inside(LARGE)),
    ),
    "upscale": (lambda how: dip.upscale(pixels(SMALL), 2, **how), CLEAN),
    "inpaint": (lambda how: dip.inpaint(CLEAN, KNOWN, keep_known=False, **how), CLEAN),
    "large holes": (lambda how: dip.inpaint(CLEAN, HOLED, holes="large", **how), CLEAN),
    "enhance": (lambda how: dip.enhance(NOISY, **how), CLEAN),
}
# where processors that round in other ways are further apart than 0.05 dB
LOOSE = {"correlated": 0.3, "impulses": 0.15}
# PSNR in dB, in single precision
GOLDEN = {
    ("denoise", "fast"): 29.58,
    ("denoise", "best"): 29.5,
    ("correlated", "fast"): 28.5,
    ("impulses", "fast"): 42.53,
    ("dejpeg", "fast"): 28.60,
    ("deblur", "fast"): 38.70,
    ("deblur", "best"): 38.72,
    ("upscale", "fast"): 30.37,
    ("inpaint", "fast"): 30.82,
    ("large holes", "fast"): 27.55,
    ("large holes", "best"): 27.78,
    ("enhance", "fast"): 20.53,
}


@pytest.mark.parametrize("case", GOLDEN)
def test_a_preset_makes_what_it_made(case, monkeypatch):
    monkeypatch.setattr(bfloat16, "multiplies_bfloat16", lambda device: False)
    name, preset = case
    run, truth = CASES[name]
    result = run({"channel_axis": -1, "preset": preset, "steps": 8, "runs": 1, "stop": "never"})
    near = pytest.approx(GOLDEN[case], abs=LOOSE.get(name, 0.05))
    assert psnr(truth, result.image, 1) == near
