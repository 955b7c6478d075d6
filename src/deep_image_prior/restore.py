"""Restore NumPy arrays: one function a task, in the conventions of scikit-image.

Every function takes an image of any real dtype, (H, W) or with channels along `channel_axis`, and these options:

channel_axis: None for a gray image (H, W), or the axis of the channels. preset: "fast", "best" or "paper".
sigma: standard deviation of white noise, white being 1, if it is known. Where there is no white (floats beyond [0, 1],
signed and 32-bit integers), it is in the image's own units. stop: "auto", by the rule of the task (stopping.py) or, if
sigma is given and the task is not to denoise, by the discrepancy principle; or "never" before all steps are done.
device: "auto", "cpu", "cuda" or "mps". watch: called with every `Step`. And every field of `Settings` by its name.

They return a `Result` and raise BadInput.
"""

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from . import images, jpeg, memory, tasks
from .descent import Fit, Problem, Settings, Step, fit
from .errors import BadInput
from .images import Pixels, Scale
from .jpeg import Compression
from .noise import Noise, impulses, measured, recognised
from .stopping import Departed, discrepancy
from .tasks import Preset

DEVICES = ("auto", "cpu", "cuda", "mps")
NOISES = ("auto", "white", "impulses")
STOPS = ("auto", "never")
# measured: benchmarks/README.md, the table of stops
SURE, UNSURE = 0.5, 1.5


@dataclass(frozen=True)
class Options:
    """What a task's function takes beside its images and `Settings`."""

    channel_axis: int | None = None
    preset: str = "fast"
    sigma: float | None = None
    device: str = "auto"
    stop: str = "auto"
    watch: Callable[[Step], None] | None = None


@dataclass(frozen=True)
class Result:
    """The restored image in the dtype of the observation, and how it came about.

    history: E of every step, run after run; steps: the length of each run; chosen: the steps that the image is
    made of, one a run; doubt: about how many decibels lie between it and what else could have been chosen, if a rule
    looked for it; stopped: why it ended; complete: not interrupted or destabilised; parts: what the result was made
    of, by name, in the same dtype. noise: what was taken out, white being 1, compression: what was undone; if measured
    or told.
    """

    image: Pixels
    history: Pixels
    stopped: str
    steps: list[int]
    chosen: list[int]
    doubt: float | None
    seconds: float
    complete: bool
    interrupted: bool
    settings: Settings
    device: str
    parts: Mapping[str, Pixels] = field(default_factory=dict)
    noise: Noise | None = None
    compression: Compression | None = None

    @property
    def confidence(self) -> str | None:
        """high, medium or low: how far the rules that look for the step agree; low if the noise may be texture."""
        if self.doubt is None:
            return None
        if self.noise and self.noise.textured:
            return "low"
        return "high" if self.doubt < SURE else "medium" if self.doubt < UNSURE else "low"


def denoise(image: Pixels, *, noise: str = "auto", **options: Any) -> Result:
    """Remove noise: x* = f(z), |f(z) - x0|^2 fitted until it would fit the noise (section 3.1).

    noise: "white" (Gaussian or Poisson), "impulses" (values that are black or white whatever they were), or "auto",
    which tells them apart. What was found, or told by sigma, is Result.noise.
    """
    kind = _named("noise", {each: each for each in NOISES}, noise)
    job = _Job(tasks.denoise.PRESETS, options)
    observation, scale = job.observe(image)
    found = _noise(observation, kind, job.sigma(scale), scale.clips)
    problem = tasks.denoise.denoise(observation, job.preset, found)
    return replace(job.result(job.fit(problem, scale, residual=False), scale), noise=found)


def _noise(observation: Tensor, kind: str, sigma: float | None, clipped: bool) -> Noise:
    least, most = observation.aminmax()
    if (
        kind != "impulses"
        and sigma is None
        and least < most
        and bool(((observation == least) | (observation == most)).all())
    ):
        raise BadInput("the image has two values only, and no gray to measure noise in; say sigma, or impulses")
    if kind == "auto" and sigma is None:
        return recognised(observation, clipped)
    if kind != "impulses":
        return measured(observation, clipped) if sigma is None else Noise(sigma, clipped=clipped)
    share = impulses(observation).mean().item()
    if not share:
        raise BadInput("there are no impulses, black or white and unlike what is around them; choose another noise")
    return Noise(0.0, clipped=clipped, impulses=share)


def dejpeg(image: Pixels, *, quality: int | None = None, **options: Any) -> Result:
    """Remove the blocks and halos of JPEG compression (section 3.1, figure 6).

    quality: of the compression, 1 to 100, if it is known; else it is found, and Result.compression says it.
    """
    whole = isinstance(quality, Integral) and not isinstance(quality, bool)
    if quality is not None and not (whole and 1 <= quality <= 100):
        raise BadInput(f"quality is {quality!r}, but must be a whole number from 1 to 100")
    job = _Job(tasks.dejpeg.PRESETS, options)
    observation, scale = job.observe(image)
    compression = jpeg.found(observation, quality and int(quality))
    done = job.fit(tasks.dejpeg.dejpeg(observation, job.preset, compression), scale)
    return replace(job.result(done, scale), compression=compression)


def upscale(image: Pixels, factor: int, **options: Any) -> Result:
    """Super-resolve by `factor` 2, 3, 4 or 8: (H, W) -> (factor * H, factor * W) (section 3.2)."""
    if factor not in tasks.upscale.FACTORS:
        raise BadInput(f"factor is {factor!r}; choose one of {', '.join(map(str, tasks.upscale.FACTORS))}")
    factor = int(factor)
    job = _Job(tasks.upscale.presets(factor), options)
    observation, scale = job.observe(image, factor=factor)
    done = job.fit(tasks.upscale.upscale(observation, factor, job.preset), scale)
    return job.result(done, scale)


def inpaint(
    image: Pixels,
    mask: Pixels,
    *,
    holes: str = "text",
    mask_marks: str = "known",
    keep_known: bool = True,
    **options: Any,
) -> Result:
    """Draw the missing pixels; mask (H, W): 1, True or white is known, 0 is missing (section 3.3).

    mask_marks: "missing" if the mask says it the other way round. Missing pixels may hold anything, NaN too.
    holes: "text" (lines and scratches), "random" (pixels) or "large" (regions). keep_known: paste x0 back where known.
    """
    job = _Job(_named("holes", tasks.inpaint.HOLES, holes), options)
    scattered = holes == "random"
    pixels, axis = np.asarray(image), job.options.channel_axis
    images.check_axis(pixels, axis, "image")
    known = known_pixels(mask, pixels, axis, mask_marks)
    observation, scale = job.observe(blanked(pixels, known, axis))
    marks = torch.from_numpy(known)[None, None].to(observation)
    problem = tasks.inpaint.inpaint(observation, marks, job.preset, scattered)
    result = job.result(job.fit(problem, scale), scale)
    kept = np.where(_across(known, axis), pixels, result.image) if keep_known else result.image
    return replace(result, image=kept)


def known_pixels(mask: Pixels, image: Pixels, channel_axis: int | None, mask_marks: str = "known") -> Pixels:
    """The mask (H, W) of `image` as booleans, True where known. Raises BadInput; warns if it had to be thresholded."""
    inverted = _named("mask_marks", {"known": False, "missing": True}, mask_marks)
    mask = np.asarray(mask)
    height, width = image.shape if channel_axis is None else np.delete(image.shape, channel_axis)
    if mask.shape != (height, width):
        raise BadInput(f"the mask has shape {mask.shape}, the image {height} rows of {width}; they must be of one size")
    if not np.isfinite(mask).all():
        raise BadInput("the mask has NaN or infinite values; make it 0 and 1")
    values = np.unique(mask)
    white = 1.0 if values[-1] <= 1 else images.scale_of(mask).white
    if not set(values.tolist()) <= {0, white}:
        warnings.warn(f"the mask is not only 0 and {white:g}; values above {white / 2:g} count as white", stacklevel=3)
    known = (mask > white / 2) != inverted
    if known.all():
        raise BadInput("the mask says that every pixel is known: there is nothing to inpaint")
    if not known.any():
        raise BadInput("the mask says that every pixel is missing; mark the known ones, or say what marks mean")
    return known


def blanked(image: Pixels, known: Pixels, channel_axis: int | None) -> Pixels:
    """`image` with the least known value in its missing pixels, so that they count neither for its range nor as NaN."""
    known = np.broadcast_to(_across(known, channel_axis), image.shape)
    return np.where(known, image, image[known].min())


def _across(plane: Pixels, channel_axis: int | None) -> Pixels:
    return plane if channel_axis is None else np.expand_dims(plane, channel_axis)


def enhance(image: Pixels, *, boost: float = 1.0, **options: Any) -> Result:
    """Boost fine detail: x0 + boost * (x0 - x_c), x_c a coarse fit stopped early (section 3.6).

    Result.parts holds `coarse`, x_c, and `detail`, x0 - x_c around middle gray.
    """
    if not isinstance(boost, Real) or not math.isfinite(boost):
        raise BadInput(f"boost is {boost!r}, but must be a finite number")
    job = _Job(tasks.enhance.PRESETS, options)
    observation, scale = job.observe(image)
    done = job.fit(tasks.enhance.enhance(observation, job.preset), scale)
    coarse = done.image
    parts = {"coarse": coarse, "detail": (0.5 + observation - coarse).clamp(0, 1)}
    return job.result(replace(done, image=tasks.enhance.boosted(observation, coarse, boost)), scale, parts)


def flash(image: Pixels, guide: Pixels, **options: Any) -> Result:
    """Remove the noise of a photo without flash, guided by one with flash, both of one size (section 3.7)."""
    job = _Job(tasks.flash.PRESETS, options)
    observation, scale = job.observe(image)
    code, _ = job.observe(guide, name="flash photo")
    if code.shape[-2:] != observation.shape[-2:]:
        raise BadInput(f"the flash photo is {_size(code)}, the image {_size(observation)}; they must be of one size")
    done = job.fit(tasks.flash.flash(observation, code, job.preset), scale)
    return job.result(done, scale)


class _Job:
    """The part that all tasks share: options checked, arrays to tensors and back, and the fit."""

    def __init__(self, presets: Mapping[str, Preset], options: Mapping[str, Any]) -> None:
        own = {each.name for each in fields(Options)}
        settings = {each.name for each in fields(Settings)}
        if unknown := set(options) - own - settings:
            raise TypeError(
                f"unknown option {', '.join(sorted(unknown))}; choose from {', '.join(sorted(own | settings))}"
            )
        self.options = Options(**{name: value for name, value in options.items() if name in own})
        self.preset = _named("preset", presets, self.options.preset)
        _named("stop", {each: each for each in STOPS}, self.options.stop)
        sigma = self.options.sigma
        if sigma is not None and not (isinstance(sigma, Real) and not isinstance(sigma, bool) and 0 < sigma < math.inf):
            raise BadInput("sigma must be a number above 0")
        changes = {name: value for name, value in options.items() if name in settings}
        self.settings = replace(self.preset.settings, **changes)
        self.device = find_device(self.options.device)

    def observe(self, image: Pixels, name: str = "image", factor: int = 1) -> tuple[Tensor, Scale]:
        """The image as (1, C, H, W) in [0, 1], and what its values mean; the result is `factor` times as large."""
        pixels = np.asarray(image)
        images.check_pixels(pixels, self.options.channel_axis, name)
        scale = images.scale_of(pixels)
        observation = images.to_tensor(pixels, self.options.channel_axis, scale, self.device)
        _, channels, height, width = observation.shape
        # the least that any code needs, before time is spent on the one
        smallest = partial(self.preset.network, channels, channels)
        self._check_memory(smallest, (1, channels, factor * height, factor * width))
        return observation, scale

    def sigma(self, scale: Scale) -> float | None:
        """The option, white being 1."""
        sigma = self.options.sigma
        if sigma is None or not scale.clips:
            return sigma and sigma / (scale.white - scale.black)
        if sigma > 1:
            raise BadInput(f"sigma is {255 * sigma:.4g} of 255, more than white; measure it, or leave it out")
        return sigma

    def fit(self, problem: Problem, scale: Scale, residual: bool = True) -> Fit:
        """Fit once it is known that memory suffices. residual: E can be compared with sigma."""
        assert problem.shape is not None
        self._check_memory(problem.network, problem.shape)
        sigma = self.sigma(scale)
        rule = problem.rule
        if residual and sigma is not None:
            if rule is Departed:
                raise BadInput("sigma has no use here, where E is no residual; leave it out, or use preset paper")
            rule = partial(discrepancy, sigma, scale.clips)
        return fit(problem, self.settings, rule if self.options.stop == "auto" else None, self.options.watch)

    def _check_memory(self, network: Callable[[], nn.Module], code: tuple[int, ...]) -> None:
        *batch, height, width = code
        more = self.settings.shifts - 1  # pixels that a shifted code has
        needed, free = memory.needed(network, (*batch, height + more, width + more)), memory.free(self.device)
        if needed > free:
            faster = "the preset fast, or " if self.options.preset != "fast" else ""
            raise BadInput(
                f"{width} x {height} pixels need about {needed / 2**30:.1f} GiB on {self.device}, and "
                f"{free / 2**30:.1f} GiB are free; use {faster}a smaller image or factor"
            )

    def result(self, done: Fit, scale: Scale, parts: Mapping[str, Tensor] = {}) -> Result:
        back = partial(images.from_tensor, channel_axis=self.options.channel_axis, scale=scale)
        return Result(
            image=back(done.image),
            history=np.array(done.history),
            stopped=done.stopped,
            steps=done.steps,
            chosen=done.chosen,
            doubt=done.doubt,
            seconds=done.seconds,
            complete=done.complete,
            interrupted=done.interrupted,
            settings=self.settings,
            device=str(self.device),
            parts={name: back(part) for name, part in parts.items()},
        )


def _named(what: str, choices: Mapping[str, Any], name: str) -> Any:
    if name not in choices:
        raise BadInput(f"unknown {what} {name!r}; choose one of {', '.join(choices)}")
    return choices[name]


def find_device(name: str) -> torch.device:
    """The device called `name`, "auto" being the fastest there is. Raises BadInput."""
    kind = str(name).partition(":")[0]
    if kind not in DEVICES:
        raise BadInput(f"unknown device {name!r}; choose one of {', '.join(DEVICES)}")
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    there = [each for each in present if present[each]]
    if kind != "auto" and kind not in there:
        raise BadInput(f"device {name} is not there; choose one of {', '.join(there)}")
    return torch.device(there[0] if kind == "auto" else name)


def _size(image: Tensor) -> str:
    return f"{image.shape[-1]} x {image.shape[-2]}"
