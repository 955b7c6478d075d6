"""Section 3.1: noise of sigma 25, JPEG artefacts, and who is better for the time it takes."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from deep_image_prior import tasks
from deep_image_prior.images import Pixels
from deep_image_prior.networks import Hourglass

from .. import data
from ..methods import Contender, Effort, Outcome, peers, prior
from ..methods.classical import denoisers, untouched
from ..problems import Problem, centred, noisy, photons, salted
from .item import Item

PICTURES = {name: ("denoise9", name) for name in data.names("denoise9")}
PRESETS = prior.tasked(prior.denoise, tasks.denoise.white())
NOISE = (
    "x0 = clip(x + N(0, (25/255)^2)), not rounded, from default_rng(0) (pictures of one size "
    "share it); RGB PSNR of "
    "the whole picture, peak 1, results clipped. "
)


def _noisy(folder: Path, picture: str, crop: int) -> Problem:
    return noisy(picture, centred(data.load(folder, "denoise9", picture), crop))


denoising = Item(
    name="denoising",
    shows="Nine colour pictures with noise of sigma 25: last image, averaged image, two runs "
    "(section 3.1)",
    protocol=NOISE
    + "1800 steps, output average with weight 0.99. CBM3D, non-local means, total variation "
    "and wavelet "
    "are told sigma. The paper gives means only, and CBM3D and non-local means of other "
    "implementations (IPOL).",
    pictures=PICTURES,
    make=_noisy,
    presets=PRESETS,
    baselines={"x0": untouched, **denoisers},
    published={
        "prior (paper), last": {"mean": 29.22},
        "prior (paper), average": {"mean": 30.43},
        "prior (paper), average of 2 runs": {"mean": 31.00},
        "CBM3D": {"mean": 31.42},
        "non-local means": {"mean": 30.26},
    },
)

# means of Self2Self (doi:10.1109/CVPR42600.2020.00196), as its authors measured them, by sigma
SELF2SELF = {25: 31.74, 50: 29.25}


def _unclipped(name: str, shows: str, sigma: int, set: str, literature: str) -> Item:
    def make(folder: Path, picture: str, crop: int) -> Problem:
        clean = centred(data.load(folder, set, picture), crop)
        return noisy(picture, clean, sigma / 255, clips=False)

    return Item(
        name=name,
        shows=f"{shows} with noise of sigma {sigma} that nothing clips, as in most papers since",
        protocol=f"x0 = x + N(0, ({sigma}/255)^2), neither clipped nor rounded, from "
        "default_rng(0); RGB PSNR of the whole picture, peak 1, results clipped. CBM3D, non-local "
        "means, total variation and wavelet are told sigma, `fast` and `best` are told nothing. "
        f"{literature}",
        pictures={each: (set, each) for each in data.names(set)},
        make=make,
        presets=PRESETS,
        baselines={"x0": untouched, **denoisers},
    )


unclipped = (
    *(
        _unclipped(
            f"unclipped-{sigma}",
            "The nine pictures",
            sigma,
            "denoise9",
            f"Self2Self has {mean} in the mean, by its authors.",
        )
        for sigma, mean in SELF2SELF.items()
    ),
    _unclipped(
        "kodak24",
        "The 24 pictures of Kodak",
        25,
        "kodak24",
        "CBM3D has 31.7 to 31.9 in the mean in the literature.",
    ),
)

frontier = Item(
    name="frontier",
    shows="PSNR against seconds of every denoiser, the untrained peers among them",
    protocol=NOISE
    + "Seconds of one run on this machine; the presets are drawn along their steps, averaged "
    "image. "
    "CBM3D, non-local means, total variation and wavelet are told sigma; the prior and its "
    "untrained peers are not.",
    pictures={name: PICTURES[name] for name in ("house", "f16", "kodim03")},
    make=_noisy,
    presets=PRESETS,
    baselines={
        **denoisers,
        "zero-shot Noise2Noise": peers.zero_shot,
        "ConvDecoder, 64 channels (deepinv)": peers.conv_decoder,
    },
    figure="frontier",
)


PAPER = tasks.denoise.white()["paper"]
EXACT = replace(PAPER, network=partial(Hourglass, precise=True))

precision = Item(
    name="precision",
    shows="The paper's network with its convolutions in bfloat16, where the processor has it, "
    "and in float32",
    protocol=NOISE + "Equal seeds and steps; nothing else differs.",
    pictures=PICTURES,
    make=_noisy,
    presets={"paper": PRESETS["paper"]},
    baselines={
        "prior (paper), float32": prior.task(
            prior.denoise, EXACT, 2 * prior.PACE["paper"], share=0.25
        )
    },
    metrics=("PSNR",),
)


NOISES: dict[str, Callable[[str, Pixels], Problem]] = {
    "sigma10": partial(noisy, sigma=10 / 255),
    "sigma50": partial(noisy, sigma=50 / 255),
    "photons30": partial(photons, count=30),
    "impulses20": partial(salted, share=0.2),
}


def _damaged(folder: Path, picture: str, crop: int) -> Problem:
    name, _, kind = picture.partition("-")
    return NOISES[kind](picture, centred(data.load(folder, *PICTURES[name]), crop))


def _for_its_kind(name: str) -> Contender:
    """The preset `name` that the kind of the noise calls for."""
    other, filling = (
        prior.tasked(prior.denoise, presets)[name]
        for presets in (tasks.denoise.white(), tasks.denoise.impulses())
    )

    def method(problem: Problem, effort: Effort) -> Outcome:
        return (filling if "-impulses" in problem.name else other).method(problem, effort)

    return replace(other, method=method)


noises = Item(
    name="other-noise",
    shows="Other noise than that of sigma 25: weaker, stronger, of photons, and impulses",
    protocol="Gaussian of sigma 10 and 50, Poisson of 30 photons at white, a fifth of the "
    "values black or white; "
    "clipped, not rounded, from default_rng(0); RGB PSNR of the whole picture. CBM3D, "
    "non-local means, total variation "
    "and wavelet are told the deviation of the noise; the prior is told nothing, and `fast` "
    "finds out its kind.",
    pictures={
        f"{name}-{kind}": PICTURES[name] for kind in NOISES for name in ("house", "f16", "kodim03")
    },
    make=_damaged,
    presets={name: _for_its_kind(name) for name in PRESETS},
    baselines={"x0": untouched, **denoisers},
)
