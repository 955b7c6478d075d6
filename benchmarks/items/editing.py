"""Sections 3.6 and 3.7: enhancement (figure 18), and pairs with and without flash (figure 19)."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from deep_image_prior import tasks
from deep_image_prior.images import Pixels
from deep_image_prior.objectives import Preset
from deep_image_prior.tasks.preset import small

from .. import data
from ..methods import Contender, Effort, Outcome, prior
from ..methods.classical import denoisers, guided_filters, untouched
from ..problems import Problem, centred, noisy
from .camera import SMALL
from .item import Item

STOPS = (125, 250, 500, 1000)
GRAIN = 5 / 255  # of the flash photo
WARM = np.array([0.8, 0.6, 0.4])  # what the light of a room leaves of the colours under flash


def _itself(folder: Path, picture: str, crop: int) -> Problem:
    """A picture that is its own truth: nothing is wrong with it."""
    image = centred(data.load(folder, *ENHANCED[picture]), crop)
    return Problem(picture, image, image)


def _stops(preset: Preset, pace: float, share: float) -> Contender:
    """Coarse and enhanced images of several stops of one fit (eq. 10-11)."""
    preset, task = prior.longer(preset, STOPS[-1]), tasks.Enhance(preset="paper")

    def method(problem: Problem, effort: Effort) -> Outcome:
        observation = prior.tensor(problem.observation, effort.device)
        posed = task.build(observation, preset, tasks.Damage())
        outcome = prior.descend(posed, preset.settings, effort, keep=STOPS)
        images: dict[str, Pixels] = {}
        for stop, coarse in outcome.images.items():
            if stop.startswith("step"):
                x = prior.tensor(coarse, effort.device)
                boosted = task.finish(x, observation, observation, tasks.Damage())
                images |= {
                    f"coarse, {stop}": coarse,
                    f"enhanced, {stop}": prior.pixels(boosted.image),
                }
        return replace(outcome, images=images)

    return Contender(method, pace * STOPS[-1], share, random=True, settings=asdict(preset.settings))


PAPER = tasks.enhance.paper()
ENHANCED = {"monkey": ("demo", "monkey"), "kodim03": ("denoise9", "kodim03")}
enhancement = Item(
    name="enhancement",
    shows="Coarse and enhanced images for several stops (figure 18)",
    protocol=f"x_c at {', '.join(map(str, STOPS))} steps without jitter, and x0 + (x0 - x_c), "
    "clipped. PSNR to x0; "
    "sharpness: mean absolute difference of neighbouring pixels, over that of x0. The paper "
    "gives pictures only. The small hourglass has the code and the settings of the paper's.",
    pictures=ENHANCED,
    make=_itself,
    presets={"paper": _stops(PAPER, prior.PACE["paper"], prior.SHARE["paper"])},
    baselines={"small hourglass": _stops(replace(PAPER, network=small), SMALL, share=1.0)},
    metrics=("PSNR", "sharpness"),
)


def _pair(folder: Path, picture: str, crop: int) -> Problem:
    """The paper's cave; and a pair with a truth: a picture in warm light from one side, and itself
    under a flash.
    """
    if picture == "cave":
        observation = centred(data.load(folder, "demo", "cave_noflash"), crop)
        return Problem(
            picture, observation, guide=centred(data.load(folder, "demo", "cave_flash"), crop)
        )
    flashed = centred(data.load(folder, "denoise9", picture), crop)
    falloff = np.linspace(1, 0.5, flashed.shape[1])[:, None]
    grain = np.random.default_rng(1).normal(0, GRAIN, flashed.shape)
    return replace(noisy(picture, flashed * WARM * falloff), guide=np.clip(flashed + grain, 0, 1))


flash = Item(
    name="flash",
    shows="A photo without flash restored by one with flash, beside joint bilateral and guided "
    "filter (figure 19)",
    protocol="The paper's cave: no truth; noise: scikit-image's wavelet estimate of sigma, of "
    "255; light: PSNR between "
    "the result and x0, both under a Gaussian of 8 pixels, for the light must stay that of x0. "
    "A pair made from "
    "kodim03: colours times 0.8, 0.6, 0.4 and a light that falls to a half from left to right, "
    "noise of sigma 25, "
    "guided by the picture itself with noise of sigma 5; RGB PSNR.",
    pictures={"cave": ("demo", "cave_noflash"), "kodim03": ("denoise9", "kodim03")},
    make=_pair,
    presets=prior.flash,
    baselines={"x0": untouched, **guided_filters, "non-local means": denoisers["non-local means"]},
    metrics=("PSNR", "SSIM", "noise", "light"),
)
