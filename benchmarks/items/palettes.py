"""Pictures of few colours, as GIF files and old screens have them."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.spatial import KDTree

from deep_image_prior import tasks
from deep_image_prior.images import Pixels

from .. import data
from ..methods import prior
from ..methods.classical import best_strong_denoisers, untouched
from ..problems import ARTEFACTS, Problem, centred
from .compression import NARROW, SIDE
from .item import Item


def _in_colours(
    name: str, scene: Pixels, colours: int | Pixels, dithered: bool, gray: bool = False
) -> Problem:
    """The scene in so many colours that suit it, or in these, (K, 3) of 8 bits."""
    if gray:
        scene = scene.mean(axis=2, keepdims=True)
    pixels = Image.fromarray(
        np.rint(255 * np.broadcast_to(scene, (*scene.shape[:2], 3))).astype("u1")
    )
    if isinstance(colours, int):
        palette = pixels.quantize(colours)
    else:
        palette = Image.new("P", (1, 1))
        palette.putpalette(
            colours[np.arange(256).clip(max=len(colours) - 1)].astype("u1").tobytes()
        )
    dither = Image.Dither.FLOYDSTEINBERG if dithered else Image.Dither.NONE
    kept = np.asarray(pixels.quantize(palette=palette, dither=dither).convert("RGB")) / 255
    return Problem(name, kept[..., : scene.shape[2]], scene, sigma=ARTEFACTS)


WEB = np.stack(np.meshgrid(*3 * [np.arange(0, 256, 51)], indexing="ij"), axis=-1).reshape(-1, 3)


def _grays(count: int) -> Pixels:
    return np.linspace(0, 255, count).round()[:, None].repeat(3, axis=1)


def bayer(levels: int) -> Pixels:
    """Thresholds in (-1/2, 1/2), 2^levels a side (Bayer 1973)."""
    order = np.zeros((1, 1))
    for _ in range(levels):
        order = np.block([[4 * order, 4 * order + 2], [4 * order + 3, 4 * order + 1]])
    return (order + 0.5) / order.size - 0.5


def _ordered(
    name: str, scene: Pixels, colours: int | Pixels, amplitude: float, gray: bool = False
) -> Problem:
    """The same, with 8 x 8 thresholds of that amplitude added before."""
    plain = _in_colours(name, scene, colours, dithered=False, gray=gray)
    assert plain.clean is not None
    height, width, channels = plain.clean.shape
    if isinstance(colours, int):
        colours = np.unique(np.rint(255 * plain.observation).reshape(-1, channels), axis=0)
    pattern = np.tile(bayer(3), (height // 8 + 1, width // 8 + 1))[:height, :width, None]
    table = colours[:, :channels] / 255
    kept = table[KDTree(table).query(plain.clean + amplitude * pattern)[1]]
    return replace(plain, observation=kept)


KINDS: dict[str, Callable[[str, Pixels], Problem]] = {
    "gray2": partial(_in_colours, colours=_grays(2), dithered=True, gray=True),
    "gray4": partial(_in_colours, colours=_grays(4), dithered=True, gray=True),
    "web": partial(_in_colours, colours=WEB, dithered=True),
    "gif": partial(_in_colours, colours=256, dithered=True),
    "bayer-gray2": partial(_ordered, colours=_grays(2), amplitude=1.0, gray=True),
    "bayer-web": partial(_ordered, colours=WEB, amplitude=0.2),
    "bayer-64": partial(_ordered, colours=64, amplitude=16 / 255),
    "gray16-bands": partial(_in_colours, colours=_grays(16), dithered=False, gray=True),
    "bands": partial(_in_colours, colours=64, dithered=False),
}
SCENES = ("f16", "house", "kodim01", "kodim03")
CASES = {f"{name}-{kind}": (name, kind) for kind in KINDS for name in SCENES}


def _of_kind(folder: Path, picture: str, crop: int) -> Problem:
    name, kind = CASES[picture]
    scene = centred(data.load(folder, "denoise9", name), min(crop or SIDE, SIDE))
    return KINDS[kind](picture, scene)


palettes = Item(
    name="palettes",
    shows="Pictures of few colours, dithered or not, as GIF files have them",
    protocol=f"Centres of at most {SIDE} pixels a side. gif: 256 colours that suit the picture "
    "(Pillow), web: 6 levels of red, green and blue, gray2 and gray4: so many levels of the mean "
    "of the channels, all with the dither of Floyd and Steinberg; gray16-bands: 16 levels, bands: "
    "64 colours that suit it, without dither; bayer: 2 levels of gray, web, or 64 colours, with an "
    "8 x 8 pattern of thresholds, of the amplitude of a step, or 16 of 255. PSNR of the whole "
    "picture in 8 bits' range. The prior finds the palette and the dither; the others have the "
    "strength that is best by the truth of each picture, of five. Chosen on pictures of Set14, "
    "but for when more than 128 colours are taken for dithered: with gif seen.",
    pictures={case: ("denoise9", name) for case, (name, _) in CASES.items()},
    make=_of_kind,
    presets=prior.tasked(prior.dejpeg, tasks.dejpeg.of_palette(), {**prior.PACE, "paper": NARROW}),
    baselines={"x0": untouched, **best_strong_denoisers},
    metrics=("PSNR", "SSIM"),
    side=SIDE,
)
