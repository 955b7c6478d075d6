"""What a picture costs as it grows: seconds a megapixel and memory, up to what cameras make."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from deep_image_prior.images import Pixels

from .. import data
from ..methods.classical import denoisers, untouched
from ..problems import Problem, centred, filed, noisy
from .camera import METRIC, PRESETS
from .item import Item

SET, PHOTOS = "denoise9", ("kodim01", "kodim02", "kodim03", "kodim12")
# name -> height, width, and how many times the mosaic is enlarged
SIZES = {
    "256 x 256": (256, 256, 1.0),
    "512 x 512": (512, 512, 1.0),
    "768 x 512": (512, 768, 1.0),
    "1024 x 1024": (1024, 1024, 1.0),
    "2000 x 1500": (1500, 2000, 1.5),
    "4000 x 3000": (3000, 4000, 3.0),
}


def mosaic(folder: Path) -> Pixels:
    """The four photographs, two by two, (1024, 1536, 3) in [0, 1]."""
    first, second, third, fourth = (data.load(folder, SET, name) for name in PHOTOS)
    return np.concatenate(
        [np.concatenate([first, second], axis=1), np.concatenate([third, fourth], axis=1)]
    )


def enlarged(image: Pixels, times: float) -> Pixels:
    """Pillow's Lanczos resize, a channel at a time, in [0, 1]."""
    height, width = (round(times * side) for side in image.shape[:2])
    planes = [
        Image.fromarray(plane.astype(np.float32)).resize((width, height), Image.Resampling.LANCZOS)
        for plane in np.moveaxis(image, -1, 0)
    ]
    return np.clip(np.stack([np.asarray(plane) for plane in planes], axis=-1), 0, 1)


def _sized(folder: Path, picture: str, crop: int) -> Problem:
    height, width, times = SIZES[picture]
    whole = mosaic(folder) if times == 1 else enlarged(mosaic(folder), times)
    top, left = ((had - side) // 2 for had, side in zip(whole.shape, (height, width), strict=False))
    clean = centred(whole[top : top + height, left : left + width], crop)
    return filed(picture, clean, noisy(picture, clean).observation)


def verdicts(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Seconds a megapixel and the peak of memory, by method and size."""
    lines = []
    for record in records:
        if record["method"] == "x0" or record["picture"] not in SIZES:
            continue
        height, width, _ = SIZES[record["picture"]]
        pace = record["seconds"] / (height * width / 1e6)
        peak = record["peak_memory_bytes"] / 2**30
        lines.append(
            f"{record['picture']}, {record['method']}: {record['seconds']:.0f} s, {pace:.0f} s a "
            f"megapixel, peak {peak:.1f} GiB, {record['threads']} threads"
        )
    return lines


scale = Item(
    name="scale",
    shows="What a picture costs as it grows",
    protocol="The centre of a mosaic of kodim01, 02, 03 and 12 (1536 x 1024), enlarged by Pillow's "
    "Lanczos resize 1.5 times for 2000 x 1500 and 3 times for 4000 x 3000; white noise of sigma 25 "
    "from default_rng(0), clipped, in 8 bits. The prior is told nothing, CBM3D sigma. Seconds are "
    "of everything but reading and writing.",
    pictures=dict.fromkeys(SIZES, (SET, PHOTOS[0])),
    make=_sized,
    presets={"fast": PRESETS["fast"]},
    baselines={"x0": untouched, "CBM3D": denoisers["CBM3D"]},
    metrics=(METRIC,),
    verdicts=verdicts,
)
