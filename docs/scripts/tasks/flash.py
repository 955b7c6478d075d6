"""
Flash and no flash
==================

A photograph without flash has the right light and much noise; one with flash has little noise and
the wrong light. The second helps to draw the first; its light and its shadows are not copied.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

import deep_image_prior as dip

flash = data.astronaut()[:96, 160:256]  # (96, 96, 3), uint8

# %%
# The photograph without flash is made of the same one here: dark, of warm light that falls from the
# left, and noisy.

warm = np.array([0.6, 0.45, 0.3])
falling = np.linspace(1, 0.5, 96)[:, None]
candle = flash * warm * falling
noise = np.random.default_rng(0).normal(0, 15, flash.shape)
noisy = (candle + noise).round().clip(0, 255).astype(np.uint8)

result = dip.flash(noisy, flash, channel_axis=-1)

plt.figure(figsize=(9, 2.3), layout="constrained")
plt.imshow(np.hstack([noisy, flash, result.image, candle.astype(np.uint8)]))
plt.axis("off")

# %%
# From the left: without flash, with flash, restored, and the same light without noise.

for name, image in {"noisy": noisy, "restored": result.image}.items():
    print(f"{name}: {dip.metrics.psnr(candle, image, peak=255):.1f} dB")

# %%
# Both must show the same scene from the same place, but for some pixels: the second is moved to lie
# on the first. On the command line, for files::
#
#     dip flash noflash.jpg flash.jpg
