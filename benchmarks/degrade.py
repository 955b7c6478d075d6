"""Make the degraded pictures of the gallery from a data folder: `python -m benchmarks.degrade DATA OUT`.

Noise is numpy's default_rng(0), clipped to [0, 1] and not rounded (float TIFF): the protocol of the published figures.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from deep_image_prior import files
from deep_image_prior.files import Picture

CROPS = {"f16": (128, 128), "house": (0, 0), "kodim03": (100, 200)}  # row, column of 256 x 256


def crop(path: Path, row: int, column: int, size: int = 256) -> Picture:
    return Picture(files.read(path).pixels[row : row + size, column : column + size])


def main(data: Path, out: Path) -> None:
    """Write clean crops and noisy, JPEG-compressed, small and punctured versions into `out`."""
    out.mkdir(parents=True, exist_ok=True)

    def write(name: str, picture: Picture) -> None:
        files.write_atomically(out / name, files.encode(picture, Path(name).suffix), overwrite=True)

    for name, (row, column) in CROPS.items():
        clean = crop(data / "denoise9" / f"{name}.png", row, column)
        noise = np.random.default_rng(0).normal(0, 25 / 255, clean.pixels.shape)
        noisy = np.clip(clean.pixels / 255 + noise, 0, 1).astype(np.float32)
        write(f"{name}.png", clean)
        write(f"{name}-sigma25.tif", clean.with_pixels(noisy))
        Image.fromarray(clean.pixels).save(out / f"{name}-q10.jpg", quality=10)

    butterfly = files.read(data / "set5" / "butterfly.png")
    write("butterfly.png", butterfly)
    small = Image.fromarray(butterfly.pixels).resize((64, 64), Image.Resampling.LANCZOS)
    write("butterfly-small.png", butterfly.with_pixels(np.asarray(small)))

    house = files.read(data / "inpaint11" / "house.png")
    known = np.random.default_rng(0).random(house.pixels.shape[:2]) < 0.5
    write("house-gray.png", house)
    write("house-half.png", house.with_pixels(house.pixels * known[..., None]))
    write("house-half-mask.png", house.with_pixels((255 * known[..., None]).astype(np.uint8)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
