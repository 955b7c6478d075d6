"""Section 2: what the network resists (figure 4), and what it draws before it is fitted (figure
5).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from torch import Generator, nn

from deep_image_prior import Settings, codes, descent
from deep_image_prior.networks import Hourglass, bilinear, nearest
from deep_image_prior.objectives import Preset, Residual

from .. import data
from ..methods import Contender, Effort, Outcome, prior
from ..problems import SIGMA, Problem, centred
from .item import Item

LEVEL = 0.005  # of the squared error, 23 dB: between a blurred image and a fitted one
SUBJECT = ("set5", "butterfly")
TARGETS = ("image", "image + noise", "shuffled", "noise")


def _target(folder: Path, picture: str, crop: int) -> Problem:
    """What the network is to reproduce, being its own truth."""
    image = centred(data.load(folder, *SUBJECT), crop)
    random = np.random.default_rng(0)
    targets = {
        "image": image,
        "image + noise": np.clip(image + random.normal(0, SIGMA, image.shape), 0, 1),
        "shuffled": random.permutation(image.reshape(-1, image.shape[2])).reshape(image.shape),
        "noise": random.random(image.shape),
    }
    return Problem(picture, targets[picture], targets[picture])


def impedance(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Whether the image is taken up first, and by how many steps: the claim of figure 4."""
    errors = {
        record["picture"]: dict(
            zip(record["curve"]["step"], record["curve"]["energy"], strict=True)
        )
        for record in records
        if record["seed"] == 0 and record["complete"]
    }
    if set(errors) != set(TARGETS):
        return []
    reached = {
        name: min((step for step, error in errors[name].items() if error <= LEVEL), default=None)
        for name in TARGETS
    }
    last = {name: curve[max(curve)] for name, curve in errors.items()}
    first = reached["image"]
    others = [reached[name] for name in TARGETS[1:]]
    earlier = first is not None and all(other is None or first < other for other in others)
    ordered = last["image"] < last["image + noise"] < min(last["shuffled"], last["noise"])
    steps = ", ".join(f"{name} {reached[name] or 'never'}" for name in TARGETS)
    ends = ", ".join(f"{name} {last[name]:.2g}" for name in TARGETS)
    return [
        f"{_holds(earlier)}: the image is the first to reach an error of {LEVEL} (step: {steps})",
        f"{_holds(ordered)}: at the end the error is least for the image, then the noisy image, "
        f"then the rest ({ends})",
    ]


def growth(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Whether the scale of what is drawn grows with depth: the claim of figure 5."""
    scales = [
        fmean(found)
        for name in list(ARCHITECTURES)[:3]
        if (
            found := [
                record["scores"][name]["scale"]
                for record in records
                if "scale" in record["scores"].get(name, {})
            ]
        )
    ]
    if len(scales) < 3:
        return []
    grows = scales[0] < scales[1] < scales[2]
    return [
        f"{_holds(grows)}: the scale grows with depth 1, 3, 5 "
        f"({', '.join(f'{scale:.1f}' for scale in scales)} pixels)"
    ]


def _holds(claim: bool) -> str:
    return "HOLDS" if claim else "DOES NOT HOLD"


curves = Item(
    name="curves",
    shows="Learning curves of an image, the image with noise, the image shuffled, and noise "
    "(figure 4)",
    protocol="Squared error to the target itself along the steps, of butterfly; the "
    "paper's network, Adam 0.01, no jitter, 2400 steps. Noise of sigma 25, clipped; pixels "
    "permuted; U(0, 1). The "
    "paper names neither picture nor number of steps.",
    pictures=dict.fromkeys(TARGETS, SUBJECT),
    make=_target,
    baselines={
        "hourglass": prior.task(
            prior.denoise,
            Preset(Hourglass, Residual(codes.noise), Settings(steps=2400, jitter=0)),
            prior.PACE["paper"],
            share=0.06,
        )
    },
    metrics=("PSNR",),
    figure="energies",
    verdicts=impedance,
)

SIDE = 256  # of the samples, at budget paper
ARCHITECTURES = {
    "a: depth 1, bilinear": partial(Hourglass, down=(128,), up=(128,), skip=(0,)),
    "b: depth 3, bilinear": partial(Hourglass, down=(128,) * 3, up=(128,) * 3, skip=(0,) * 3),
    "c: depth 5, bilinear": partial(Hourglass, skip=(0,) * 5),
    "d: depth 5, skips, bilinear": partial(Hourglass, upsample=bilinear),
    "e: depth 5, skips, nearest": partial(Hourglass, upsample=nearest),
}


def _sample(network: Callable[..., nn.Module]) -> Contender:
    """f_theta(z) before any step, for one z and the theta of the seed."""

    def method(problem: Problem, effort: Effort) -> Outcome:
        shape = prior.tensor(problem.observation, effort.device)
        posed = descent.Problem(
            network=partial(network, 32, 3),
            code=lambda generator: codes.noise(shape, Generator().manual_seed(0)),
            energy=lambda image: image.sum(),
        )
        step = next(descent.descend(posed, Settings(steps=1, jitter=0, seed=effort.seed)))
        return Outcome({"": prior.pixels(step.image)}, seconds=0.0, steps=0)

    return Contender(method, cost=10, random=True)


def _blank(folder: Path, picture: str, crop: int) -> Problem:
    side = crop or SIDE
    return Problem(picture, np.zeros((side, side, 3)))


samples = Item(
    name="samples",
    shows="What five architectures draw with random weights (figure 5)",
    protocol="One code z ~ U(0, 1/10), two draws of the weights (--seeds 2), nothing fitted. "
    "Scale: the distance in "
    "pixels at which the autocorrelation of the image has fallen to one half; the paper says "
    "that it grows with depth.",
    pictures={"code": ("", "")},
    make=_blank,
    baselines={name: _sample(network) for name, network in ARCHITECTURES.items()},
    metrics=("scale",),
    verdicts=growth,
)
