"""Restore NumPy arrays: one function a task, in the conventions of scikit-image.

Every function takes an image of any real dtype, (H, W) or with channels along `channel_axis`, and
these options:

channel_axis: None for a gray image (H, W), or the axis of the channels. preset: "fast", "best" or
"paper". sigma: standard deviation of white noise, if it is known, in units of full scale for 8 and
16 bits, and in the image's own units for floats, signed and 32-bit integers. stop:
"auto", by the rule of the task (stopping.py) or, if sigma is given and the task is not to denoise,
by the discrepancy principle; or "never" before all steps are done. device: "auto", "cpu", "cuda" or
"mps". memory: bytes that a fit may take, by default most of what is free; a picture too large for
that is fitted in tiles. checkpoint: a folder for what is done of a long job; the same call goes on
from it, to the same bits, and removes it at the end. watch: called with every `Step`; tell: with
every `Phase` (phases.py). And every field of `Settings` by its name.

They return a `Result` and raise BadInput.
"""

import math
import warnings
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import images, tasks
from .degradations import (
    SMALLEST,
    AnyNoise,
    CorrelatedNoise,
    Downsampling,
    Impulses,
    Noise,
    estimate_correlated,
    estimate_noise,
    impulses,
    jpeg,
    marked,
    recognise,
    stripes,
)
from .descent import Problem
from .errors import BadInput
from .images import Pixels, Scale
from .job import Job, Result, is_clean, lost, named
from .storage import strips

NOISES = ("auto", "white", "correlated", "impulses")
# of the pixels are known as a rule; and of single ones, where others are drawn from them
MOST, SCATTERED = 0.5, 0.01
CORNER = 1024  # pixels a side, in which an enlargement is held against its input


def denoise(
    image: Pixels, *, noise: str | CorrelatedNoise = "auto", strength: float = 1.0, **options: Any
) -> Result:
    """Remove noise: x* = f(z), |f(z) - x0|^2 fitted until it would fit the noise (section 3.1).

    noise: "white" (Gaussian or Poisson), "correlated" (of cameras and scanners: over neighbouring
    pixels and channels, depending on brightness), "impulses" (values that are black or white
    whatever they were), "auto", which tells them apart and takes stripes off first, an offset of
    its own in every row or column, or a CorrelatedNoise of one's own, in the units of sigma. What
    was found, or told, is Result.noise and Result.stripes. strength: 0 (x0) to 1 (x*), how much of
    the noise is taken out: x0 + strength (x* - x0).
    """
    if not isinstance(strength, Real) or isinstance(strength, bool) or not 0 <= strength <= 1:
        raise BadInput(f"strength is {strength!r}, but must be a number from 0 to 1")
    job = Job(tasks.denoise.PRESETS, options)
    observation, scale = job.observe(image)
    striped = stripes.detect(observation) if noise == "auto" else None
    clean = stripes.remove(observation) if striped else observation
    found = _told(noise, clean, job, scale)
    job = job.with_presets(tasks.denoise.presets(found, clean.shape[-2:]))
    done = job.fit_anywhere(
        lambda x0, panels: tasks.denoise.denoise(x0, job.preset, found, panels),
        clean,
        f"denoise {found}",
    )
    cautions = lost(done.image, clean, found)
    if stripes.detect(done.image):
        cautions.append("rows or columns of noise stay in it")
    told = isinstance(noise, CorrelatedNoise) or job.options.sigma is not None
    measured = not told and not isinstance(found, Impulses)
    unseen = measured and is_clean(done.image, observation)
    if strength < 1:
        torch.lerp(observation, done.image, float(strength), out=done.image)
    return replace(
        job.result(done, scale),
        noise=found.rescaled(scale.span, scale.offset),
        stripes=striped and striped.rescaled(scale.span, 0.0),
        clean=unseen,
        cautions=tuple(cautions),
    )


def _told(noise: str | CorrelatedNoise, observation: Tensor, job: Job, scale: Scale) -> AnyNoise:
    """The noise of x0 in [0, 1], as it is told, or else as it is found."""
    sigma = job.sigma(scale)
    if not isinstance(noise, CorrelatedNoise):
        kind = named("noise", {each: each for each in NOISES}, noise)
        return _noise(observation, kind, sigma, scale.clips)
    if sigma is not None:
        raise BadInput("sigma and a noise model are both given; give one of them")
    if len(noise.spectrum) != observation.shape[1]:
        raise BadInput(
            f"the noise has {len(noise.spectrum)} channels, the image {observation.shape[1]}; give "
            "a spectrum for each"
        )
    known = noise.rescaled(1 / scale.span, -scale.offset / scale.span)
    if max(known.deviations) > 1:
        raise BadInput(
            f"the noise has a deviation of {max(noise.deviations):.4g}, more than all that the "
            f"image spans, {scale.span:.4g}; give its spectrum in the units of sigma"
        )
    return known


def _noise(observation: Tensor, kind: str, sigma: float | None, clipped: bool) -> AnyNoise:
    least, most = observation.aminmax()
    if (
        kind != "impulses"
        and sigma is None
        and least < most
        and all(
            bool(((part == least) | (part == most)).all())
            for part in (observation[..., rows, :] for rows in strips(*observation.shape[-2:]))
        )
    ):
        raise BadInput(
            "the image has two values only, and no gray to measure noise in; say how strong it is "
            "(--sigma), or that it is impulses (--noise impulses)"
        )
    if kind == "auto" and sigma is None:
        return recognise(observation, clipped)
    if kind in ("correlated", "impulses") and sigma is not None:
        raise BadInput(f"sigma is of white noise, not of {kind}; leave it out, or say white")
    if kind == "correlated":
        if min(observation.shape[-2:]) < SMALLEST:
            raise BadInput(
                f"the image is too small to tell correlated noise in, {SMALLEST} pixels a side at "
                "the least; choose another noise"
            )
        return estimate_correlated(observation, jpeg.is_compressed(observation))
    if kind != "impulses":
        return (
            estimate_noise(observation, clipped) if sigma is None else Noise(sigma, clipped=clipped)
        )
    found = impulses.measure(observation)
    if not found.share:
        raise BadInput(
            "there are no impulses, black or white and unlike what is around them; choose "
            "another noise"
        )
    return found


def dejpeg(image: Pixels, *, quality: int | None = None, **options: Any) -> Result:
    """Remove the blocks and halos of JPEG compression (section 3.1, figure 6).

    quality: of the compression, 1 to 100, if it is known; else it is found, and Result.compression
    says it.
    """
    whole = isinstance(quality, Integral) and not isinstance(quality, bool)
    if quality is not None and not (whole and 1 <= quality <= 100):
        raise BadInput(f"quality is {quality!r}, but must be a whole number from 1 to 100")
    job = Job(tasks.dejpeg.PRESETS, options)
    observation, scale = job.observe(image)
    compression = jpeg.detect(observation, quality and int(quality))
    done = job.fit_anywhere(
        lambda x0, panels: tasks.dejpeg.dejpeg(x0, job.preset, compression, panels),
        observation,
        f"dejpeg {compression}",
        scale,
    )
    cautions = tuple(lost(done.image, observation))
    return replace(job.result(done, scale), compression=compression, cautions=cautions)


def upscale(image: Pixels, factor: int, **options: Any) -> Result:
    """Super-resolve by `factor` 2, 3, 4 or 8: (H, W) -> (factor * H, factor * W) (section 3.2)."""
    if factor not in tasks.upscale.FACTORS:
        raise BadInput(
            f"factor is {factor!r}; choose one of {', '.join(map(str, tasks.upscale.FACTORS))}"
        )
    factor = int(factor)
    job = Job(tasks.upscale.presets(factor), options)
    observation, scale = job.observe(image)
    done = job.fit_anywhere(
        lambda x0, panels: tasks.upscale.upscale(x0, factor, job.preset, panels),
        observation,
        f"upscale {factor}",
        scale,
        factor=factor,
    )
    side = factor * CORNER
    again = Downsampling(factor).shrink(done.image[..., :side, :side])
    cautions = tuple(lost(again, observation[..., :CORNER, :CORNER]))
    return replace(job.result(done, scale), cautions=cautions)


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

    mask_marks: "missing" if the mask says it the other way round. Missing pixels may hold anything,
    NaN too. holes: "text" (lines and scratches), "random" (pixels) or "large" (regions).
    keep_known: paste x0 back where known.
    """
    job = Job(named("holes", tasks.inpaint.HOLES, holes), options)
    scattered = holes == "random"
    pixels, axis = np.asarray(image), job.options.channel_axis
    images.check_axis(pixels, axis, "image")
    known = known_pixels(mask, pixels, axis, mask_marks)
    if known.mean() < MOST:
        warnings.warn(
            f"the mask says that {1 - known.mean():.2%} of the pixels are missing; if it is the "
            "other way round, say --mask-marks missing, or leave that out",
            stacklevel=2,
        )
    observation, scale = job.observe(blanked(pixels, known, axis))
    seen = marked(observation, torch.from_numpy(known)[None, None].to(observation))
    done = job.fit_anywhere(
        lambda x0, panels: tasks.inpaint.inpaint(x0, job.preset, scattered, panels),
        seen,
        f"inpaint {holes}",
        scale,
        tiled=holes != "large",
    )
    result = job.result(done, scale)
    share = known.mean()
    cautions = (
        (f"only {share:.2%} of the pixels were known",)
        if share < (SCATTERED if scattered else MOST)
        else ()
    )
    kept = np.where(_across(known, axis), pixels, result.image) if keep_known else result.image
    return replace(result, image=kept, cautions=cautions)


def known_pixels(
    mask: Pixels, image: Pixels, channel_axis: int | None, mask_marks: str = "known"
) -> Pixels:
    """The mask (H, W) of `image` as booleans, True where known.

    Raises BadInput, also if the known pixels have nothing in them; warns if it had to be
    thresholded.
    """
    inverted = named("mask_marks", {"known": False, "missing": True}, mask_marks)
    mask = np.asarray(mask)
    height, width = image.shape if channel_axis is None else np.delete(image.shape, channel_axis)
    if mask.shape != (height, width):
        raise BadInput(
            f"the mask has shape {mask.shape}, the image {height} rows of {width}; they must be "
            "of one size"
        )
    if not np.isfinite(mask).all():
        raise BadInput("the mask has NaN or infinite values; make it 0 and 1")
    values = np.unique(mask)
    white = 1.0 if values[-1] <= 1 else images.scale_of(mask).white
    if not set(values.tolist()) <= {0, white}:
        warnings.warn(
            f"the mask is not only 0 and {white:g}; values above {white / 2:g} count as white",
            stacklevel=3,
        )
    known = (mask > white / 2) != inverted
    if known.all():
        raise BadInput("the mask says that every pixel is known: there is nothing to inpaint")
    if not known.any():
        raise BadInput(
            "the mask says that every pixel is missing; mark the known ones, or say what marks mean"
        )
    left = image[np.broadcast_to(_across(known, channel_axis), image.shape)]
    if known.mean() < MOST and left.min() == left.max():
        raise BadInput(
            f"the mask leaves {np.count_nonzero(known)} of {known.size} pixels known, all of them "
            f"{left.flat[0]}: there is nothing to draw from; does it mark the missing ones "
            "(--mask-marks missing)?"
        )
    return known


def blanked(image: Pixels, known: Pixels, channel_axis: int | None) -> Pixels:
    """`image` with the least known value in its missing pixels, so that they count neither for its
    range nor as NaN.
    """
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
    job = Job(tasks.enhance.PRESETS, options)
    observation, scale = job.observe(image)
    done = job.fit_anywhere(
        lambda x0, panels: tasks.enhance.enhance(x0, job.preset), observation, "enhance", scale
    )
    coarse = done.image
    parts = {"coarse": coarse, "detail": (0.5 + observation - coarse).clamp(0, 1)}
    return job.result(
        replace(done, image=tasks.enhance.boosted(observation, coarse, boost)), scale, parts
    )


def flash(image: Pixels, guide: Pixels, **options: Any) -> Result:
    """Remove the noise of a photo without flash, guided by one with flash, both of one size
    (section 3.7).
    """
    job = Job(tasks.flash.PRESETS, options)
    observation, scale = job.observe(image)
    code, _ = job.observe(guide, name="flash photo")
    if code.shape[-2:] != observation.shape[-2:]:
        raise BadInput(
            f"the flash photo is {_size(code)}, the image {_size(observation)}; they must be of "
            "one size"
        )
    channels = observation.shape[1]

    def pose(both: Tensor, panels: int) -> Problem:
        return tasks.flash.flash(both[:, :channels], both[:, channels:], job.preset)

    done = job.fit_anywhere(pose, torch.cat([observation, code], dim=1), "flash", scale)
    return replace(job.result(done, scale), cautions=tuple(lost(done.image, observation)))


def _size(image: Tensor) -> str:
    return f"{image.shape[-1]} x {image.shape[-2]}"
