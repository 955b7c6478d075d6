"""`dip demo`: a photograph that comes with scikit-image, noise added, restored beside non-local
means.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from skimage import data

from .. import files
from ..baselines import nonlocal_means
from ..files import Picture
from ..functions import denoise
from ..images import Pixels
from ..metrics import psnr, ssim
from ..panels import Tile, panel
from ..step import Step
from .progress import Bar
from .say import answer
from .signals import interruptible

SIGMA = 25 / 255


@dataclass(frozen=True)
class Row:
    """One picture of the demonstration (H, W, C) in [0, 1], with its scores against the clean
    one.
    """

    name: str
    image: Pixels
    psnr: float
    ssim: float
    seconds: float


def photograph() -> Pixels:
    """The astronaut of scikit-image (NASA, public domain), 256 x 256 of it, in [0, 1]."""
    return data.astronaut()[:256, 96:352] / 255


def demonstrate(watch: Callable[[Step], None]) -> list[Row]:
    """Clean, noisy (sigma 25, clipped), restored by the preset fast, and non-local means told the
    sigma.
    """
    clean = photograph()
    noisy = np.clip(clean + np.random.default_rng(0).normal(0, SIGMA, clean.shape), 0, 1)
    methods: list[tuple[str, Callable[[], Pixels]]] = [
        ("clean", lambda: clean),
        ("noisy", lambda: noisy),
        ("deep image prior", lambda: _restored(noisy, watch)),
        ("non-local means", lambda: nonlocal_means(noisy, SIGMA)),
    ]
    rows = []
    for name, method in methods:
        start = time.perf_counter()
        image = np.clip(method(), 0, 1)
        seconds = time.perf_counter() - start
        rows.append(Row(name, image, psnr(clean, image, 1), ssim(clean, image, 1) or 0, seconds))
    return rows


def _restored(noisy: Pixels, watch: Callable[[Step], None]) -> Pixels:
    result = denoise(noisy, channel_axis=-1, watch=watch)
    if result.interrupted:
        raise KeyboardInterrupt
    return result.image


def picture(rows: list[Row]) -> Pixels:
    """The pictures side by side, uint8, each with its name and PSNR above it."""
    labels = [row.name if np.isinf(row.psnr) else f"{row.name}  {row.psnr:.2f} dB" for row in rows]
    tiles = [
        Tile([label], np.rint(row.image * 255).astype(np.uint8))
        for label, row in zip(labels, rows, strict=True)
    ]
    return panel(tiles, columns=len(tiles))


def run(output: Path, overwrite: bool, quiet: bool) -> int:
    """Write the pictures, and show the scores."""
    like = Picture(np.zeros((2, 2, 3), np.uint8))
    files.check_format(output, like)
    files.check_free(output, overwrite)
    interruptible()
    with Bar(1, quiet) as watch:
        rows = demonstrate(watch)
    panel = like.with_pixels(picture(rows))
    files.write_atomically(output, partial(files.encode, panel, output.suffix), overwrite)
    table = Table("", "PSNR dB", "SSIM", "seconds", title="256 x 256, sigma 25, clipped, RGB")
    for row in rows[1:]:
        table.add_row(row.name, f"{row.psnr:.2f}", f"{row.ssim:.3f}", f"{row.seconds:.1f}")
    Console().print(table)
    answer(f"wrote {output}")
    return 0
