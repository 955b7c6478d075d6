"""Problems: degraded pictures, made from clean ones the way the paper's evaluation made them."""

import io
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
import scipy.ndimage
from PIL import Image

from deep_image_prior import files
from deep_image_prior.files import Coded, Quantisation
from deep_image_prior.images import Pixels

SIGMA = 25 / 255  # of the denoising experiments, white being 1
QUALITY = 10  # of the JPEG files that figure 6's curve is measured on
ARTEFACTS = 10 / 255  # about the standard deviation of what JPEG of that quality does
FRAMES = 9  # of a video
PAN = (0.75, 1.3)  # pixels a frame, down and across


@dataclass(frozen=True)
class Problem:
    """A picture to restore, (H, W, C) in [0, 1], and what is known of it.

    clean: the truth, if there is one. known (H, W): False where a pixel is missing. guide: the
    photo with flash. kernel (h, w): of the blur, x0 being of the middle of a larger x. factor: how
    many times larger the result is. sigma: of the noise, for the methods that want to be told.
    layer: of the classifier, whose features are to be inverted; label: the class to draw. coding:
    how a lossy file kept it; quality: of the compression, if that is told.
    """

    name: str
    observation: Pixels
    clean: Pixels | None = None
    known: Pixels | None = None
    guide: Pixels | None = None
    kernel: Pixels | None = None
    factor: int = 1
    sigma: float | None = None
    layer: str | None = None
    label: str = ""
    example: Any = None
    coding: Quantisation | Coded | None = None
    quality: int | None = None


def centred(image: Pixels, crop: int = 0, multiple: int = 1) -> Pixels:
    """The centre of `image`, at most `crop` pixels a side and a multiple of `multiple`."""
    sides = [min(side, crop or side) // multiple * multiple for side in image.shape[:2]]
    top, left = ((whole - side) // 2 for whole, side in zip(image.shape[:2], sides, strict=True))
    return image[top : top + sides[0], left : left + sides[1]]


def noisy(name: str, clean: Pixels, sigma: float = SIGMA, clips: bool = True) -> Problem:
    """x0 = x + sigma n, n ~ N(0, 1) from default_rng(0), clipped if it `clips`, not rounded."""
    observation = clean + np.random.default_rng(0).normal(0, sigma, clean.shape)
    return Problem(name, np.clip(observation, 0, 1) if clips else observation, clean, sigma=sigma)


def filed(name: str, clean: Pixels, noisy: Pixels) -> Problem:
    """x0 = `noisy` in 8 bits, as a file has it; sigma is the deviation of what it has too much."""
    observation = np.rint(255 * np.clip(noisy, 0, 1)) / 255
    return Problem(name, observation, clean, sigma=float(np.std(observation - clean)))


def halved(image: Pixels) -> Pixels:
    """Pillow's antialiased Lanczos resize to half the size, not rounded: what noise was in it is
    halved.
    """
    height, width = (side // 2 for side in image.shape[:2])
    planes = (Image.fromarray(plane.astype(np.float32)) for plane in np.moveaxis(image, 2, 0))
    small = (plane.resize((width, height), Image.Resampling.LANCZOS) for plane in planes)
    return np.clip(np.dstack([np.asarray(plane, dtype=np.float64) for plane in small]), 0, 1)


def photons(name: str, clean: Pixels, count: float) -> Problem:
    """x0 = clip(Poisson(count x) / count), `count` photons at white, from default_rng(0); sigma is
    that of the mean.
    """
    counted = np.random.default_rng(0).poisson(count * clean) / count
    return Problem(name, np.clip(counted, 0, 1), clean, sigma=float(np.sqrt(clean.mean() / count)))


def salted(name: str, clean: Pixels, share: float) -> Problem:
    """x0 = x, but for that share of its values, which are black or white, from default_rng(0)."""
    drawn = np.random.default_rng(0).random(clean.shape)
    observation = np.where(drawn < share, drawn < share / 2, clean)
    return Problem(name, observation, clean, sigma=float(np.std(observation - clean)))


def compressed(name: str, clean: Pixels, quality: int = QUALITY) -> Problem:
    """x0 = what a JPEG file of `quality` keeps of x."""
    buffer = io.BytesIO()
    _picture(clean).save(buffer, "JPEG", quality=quality)
    return Problem(
        name, np.asarray(Image.open(buffer)).reshape(clean.shape) / 255, clean, sigma=ARTEFACTS
    )


def in_file(name: str, clean: Pixels, ending: str, **how: Any) -> Problem:
    """x0 = what a file of that ending keeps of x, saved by Pillow as it is told, read as the
    command does it.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder, f"picture{ending}")
        _picture(clean).save(path, **how)
        picture = files.read(path)
    return Problem(name, picture.pixels / 255, clean, sigma=ARTEFACTS, coding=picture.coding)


def in_video(name: str, clean: Pixels, crf: int) -> Problem:
    """x0 = the middle one of FRAMES frames of H.264 video by libx264, through which x moves by PAN
    pixels a frame, from ffmpeg's own conversion to RGB.
    """
    moves = (np.multiply(PAN, time) for time in range(-(FRAMES // 2), FRAMES // 2 + 1))
    frames = [scipy.ndimage.shift(clean, (*move, 0), mode="mirror") for move in moves]
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as video:
        stream = video.add_stream("libx264", rate=25, options={"crf": str(crf)})
        stream.height, stream.width = clean.shape[:2]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            pixels = np.asarray(_picture(np.clip(frame, 0, 1)))
            video.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        video.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as video:
        shown = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    return Problem(name, shown[FRAMES // 2] / 255, clean, sigma=ARTEFACTS)


def resized(image: Pixels, factor: float) -> Pixels:
    """Pillow's bicubic resize by `factor`, in 8 bits."""
    height, width = (round(factor * side) for side in image.shape[:2])
    return np.asarray(_picture(image).resize((width, height), Image.Resampling.BICUBIC)) / 255


def shrunk(name: str, clean: Pixels, factor: int) -> Problem:
    """x0 = Pillow's antialiased Lanczos resize of x, in 8 bits; sides that are multiples of
    `factor`.
    """
    height, width, channels = clean.shape
    small = _picture(clean).resize((width // factor, height // factor), Image.Resampling.LANCZOS)
    observation = np.asarray(small).reshape(height // factor, width // factor, channels) / 255
    return Problem(name, observation, clean, factor=factor)


def punctured(name: str, clean: Pixels, missing: float) -> Problem:
    """x0 = m x, every pixel missing with that probability, from default_rng(0)."""
    return masked(name, clean, np.random.default_rng(0).random(clean.shape[:2]) >= missing)


def masked(name: str, clean: Pixels, known: Pixels) -> Problem:
    """x0 = m x; known (H, W), True where m is 1."""
    return Problem(name, clean * known[..., None], clean, known)


def _picture(image: Pixels) -> Image.Image:
    pixels = np.rint(image * 255).astype(np.uint8)
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
