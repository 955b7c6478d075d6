"""Fits of some parts of a picture, and of one stage after the other."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from .checkpoint import Checkpoint
from .fitting import Fit
from .neighbourhoods import Neighbourhood

Put = Callable[[Tensor], Tensor]  # x of a part (1, C, h, w) -> the picture with it
# x0 of a part, how it is put into the picture, where it is kept -> its fit
FitPart = Callable[[Tensor, Put, Checkpoint | None], Fit]


def fit_around(
    parts: Sequence[Neighbourhood], x0: Tensor, fit_part: FitPart, checkpoint: Checkpoint | None
) -> Fit:
    """A fit of every part of x0 (1, C, H, W), one after the other, each of what the ones before
    have filled; x is x0 elsewhere. Without parts: of all of it.
    """
    if not parts:
        return fit_part(x0, lambda x: x, checkpoint)
    x, variance, fits = x0.clone(), torch.zeros_like(x0[:, :1]), []
    for number, part in enumerate(parts, 1):
        put = partial(_put, x, part)
        at = checkpoint and checkpoint.within(f"part{number}")
        done = fit_part(part.window(x), put, at)
        if done.interrupted and number < len(parts):  # the rest of the holes are left
            raise KeyboardInterrupt
        fits.append(done)
        x = put(done.image)
        if done.variance is not None:
            part.window(variance).copy_(done.variance.where(part.own, part.window(variance)))
    known = all(done.variance is not None for done in fits)
    return _joined(fits, x, variance if known else None)


def _put(x: Tensor, part: Neighbourhood, drawn: Tensor) -> Tensor:
    """x with the own pixels of `part` as they are `drawn`."""
    picture = x.clone()
    part.window(picture).copy_(drawn.where(part.own, part.window(x)))
    return picture


def in_stages(fits: Sequence[Fit]) -> Fit:
    """The last of fits, each of what the one before it came to; their variances added up."""
    variances = [done.variance for done in fits if done.variance is not None]
    known = len(variances) == len(fits)
    return _joined(fits, fits[-1].image, torch.stack(variances).sum(dim=0) if known else None)


def _joined(fits: Sequence[Fit], image: Tensor, variance: Tensor | None) -> Fit:
    return Fit(
        image=image,
        variance=variance,
        runs=tuple(run for done in fits for run in done.runs),
        seconds=sum(done.seconds for done in fits),
    )
