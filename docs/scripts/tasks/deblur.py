"""
Deblur
======

Undo a blur whose kernel is known: a lens out of focus, a camera that moved, a Gaussian. The kernel
is what the blur makes of a single point.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import convolve
from skimage import data

import deep_image_prior as dip

scene = data.astronaut()[:136, 156:292].astype(float)  # (136, 136, 3)
kernel = np.full((1, 9), 1 / 9)  # nine pixels of motion to the side
moved = np.stack([convolve(channel, kernel) for channel in np.moveaxis(scene, -1, 0)], axis=-1)
noise = np.random.default_rng(0).normal(0, 1, scene.shape)
inside = slice(4, -4)  # nothing from outside of the scene
blurred = (moved + noise)[inside, inside].round().clip(0, 255).astype(np.uint8)
photo = scene[inside, inside].astype(np.uint8)

result = dip.deblur(blurred, kernel, channel_axis=-1)

plt.figure(figsize=(9, 3), layout="constrained")
plt.imshow(np.hstack([blurred, result.image, photo]))
plt.axis("off")

# %%
# Left the blurred picture, in the middle the restored one, right the sharp one.

for name, image in {"blurred": blurred, "restored": result.image}.items():
    print(f"{name}: {dip.metrics.psnr(photo, image, peak=255):.1f} dB")
print("confidence:", result.confidence)

# %%
# The confidence is low: noise as weak as this could be fine texture. Where the noise is known, say
# so (``sigma``). A blur that is told is borne out by nothing, so the confidence is never high here.
#
# Common kernels have names: ``gaussian:1.5``, ``disk:3`` for a lens out of focus, ``motion:9@0``
# for the one above. On the command line, for a file::
#
#     dip deblur photo.png --psf motion:9@0
