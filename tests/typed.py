"""A user's file that calls every function, for mypy --strict alone: an ignore that is not needed
is an error too.
"""

import numpy as np

import deep_image_prior as dip
from deep_image_prior import classifiers

image: np.ndarray = np.zeros((64, 64, 3))
results: list[dip.Result] = [
    dip.denoise(image, channel_axis=-1, noise="white", strength=0.5, sigma=0.1, stop="variance"),
    dip.dejpeg(image, channel_axis=-1, quality=10, preset="best", steps=3, memory=2**30),
    dip.deblur(image, "disk:3", channel_axis=-1),
    dip.upscale(image, 4, channel_axis=-1),
    dip.inpaint(image, image[..., 0], channel_axis=-1, holes="random", keep_known=False),
    dip.enhance(image, channel_axis=-1, boost=2.0, watch=lambda step: print(step.energy.item())),
    dip.flash(image, image, channel_axis=-1, checkpoint="kept", device="cpu", seed=3),
    dip.invert(image, classifiers.load("alexnet"), "conv1", channel_axis=-1),
    dip.solve(image, np.eye(4), (64, 64), sigma=0.1, bounds=None),
    dip.maximise(classifiers.load("alexnet"), "goldfish", layer=None),
]
words: list[str | None] = [results[0].confidence, results[0].stopped]
stops: list[dip.Stop] = [run.stop for run in results[0].runs]

dip.denoise(image, strength="half")  # type: ignore[arg-type]
dip.denoise(image, stepz=3)  # type: ignore[call-arg]
dip.upscale(image)  # type: ignore[call-arg]
