"""Pairs of photos of one scene: in the weak light of a room, with noise, and under a flash, which
casts shadows and highlights of its own. (H, W, 3) in [0, 1] -> Problem in 8 bits, its guide the
photo with flash.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.ndimage import shift
from skimage.draw import polygon
from skimage.filters import gaussian

from deep_image_prior.images import Pixels

from .degradations import GAMMA, photographed
from .problems import Problem, filed

ROOM = np.array([0.6, 0.35, 0.15])  # its light, in the colours of the screen
SHADOWS, SHADOW = 7, 0.3  # quadrilaterals, and the light that is left in them
HIGHLIGHTS, GLARE = 12, 1.5  # spots, and the light that they add
SIGMA, GRAIN = 25 / 255, 3 / 255  # of white noise without flash and with it
PHOTONS, FLASHED = 100, 2000  # at white
EXPOSURES = 100  # without flash, whose mean is the truth as of photographs in benchmarks
MOVED = (2.6, -1.8)  # pixels down and right, of a camera held by hand


def under(scene: Pixels) -> tuple[Pixels, Pixels]:
    """The scene in the light of the room, and under the flash, neither of them with noise.

    The room's light is warm, falls to a quarter from left to right and has a soft edge; that of the
    flash falls towards the corners and has shadows with hard edges, and highlights. From
    default_rng(2).
    """
    shape, random = scene.shape[:2], np.random.default_rng(2)
    down, right = (2 * (np.arange(size) + 0.5) / size - 1 for size in shape)
    v, u = np.meshgrid(down, right, indexing="ij")
    room = np.interp(u, (-1, 1), (1, 0.25)) * (1 - 0.5 / (1 + np.exp(-12 * (v - 0.3 * u - 0.2))))
    shadows, glare = np.ones(shape), np.zeros(shape)
    for _ in range(SHADOWS):
        middle, radius = random.uniform(0, 1, 2) * shape, random.uniform(0.08, 0.2) * min(shape)
        angles = np.sort(random.uniform(0, 2 * np.pi, 4))
        corners = (middle[0] + radius * np.sin(angles), middle[1] + radius * np.cos(angles))
        shadows[polygon(*corners, shape)] = SHADOW
    rows, columns = np.indices(shape)
    for _ in range(HIGHLIGHTS):
        middle, size = random.uniform(0, 1, 2) * shape, random.uniform(1, 4)
        apart = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2
        glare += GLARE * np.exp(-apart / (2 * size**2))
    flash = gaussian(shadows, 0.7) / (1 + 0.7 * (u**2 + v**2))
    light = scene**GAMMA
    dim = light * ROOM * room[..., None]
    bright = np.clip(light * flash[..., None] + glare[..., None], 0, 1)
    return dim ** (1 / GAMMA), bright ** (1 / GAMMA)


def white(name: str, scene: Pixels, seen: Pixels) -> Problem:
    """White noise of SIGMA, and of GRAIN under the flash. seen: the scene as the flash photo has
    it.
    """
    (dim, _), (_, bright) = under(scene), under(seen)
    noise, grain = (np.random.default_rng(seed).normal(size=scene.shape) for seed in (0, 1))
    flash = filed(name, bright, bright + GRAIN * grain).observation
    return replace(filed(name, dim, dim + SIGMA * noise), guide=flash)


def camera(name: str, scene: Pixels, seen: Pixels) -> Problem:
    """As a camera makes them, of PHOTONS and of FLASHED."""
    (dim, _), (_, bright) = under(scene), under(seen)
    flash = photographed(name, bright, FLASHED).observation
    return replace(photographed(name, dim, PHOTONS), guide=flash)


def exposures(name: str, scene: Pixels, seen: Pixels) -> Problem:
    """The same pair, its truth the mean of EXPOSURES others: it has what noise does to dark parts
    when they are developed, as the truth of real photographs has.
    """
    (dim, _), others = under(scene), range(1, EXPOSURES + 1)
    images = (photographed(name, dim, PHOTONS, seed).observation for seed in others)
    return replace(camera(name, scene, seen), clean=sum(images, np.zeros_like(dim)) / EXPOSURES)


def moved(scene: Pixels) -> Pixels:
    """By MOVED, with cubic splines."""
    return np.clip(shift(scene, (*MOVED, 0), order=3, mode="reflect"), 0, 1)


KINDS: dict[str, Callable[[str, Pixels, Pixels], Problem]] = {
    "white": white,
    "camera": camera,
    "exposures": exposures,
    "moved": white,
}
