"""
Denoise
=======

Take the noise out of a photograph. Neither the kind nor the amount of noise is told: both are
measured in the picture.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

import deep_image_prior as dip

photo = data.astronaut()[:96, 160:256]  # (96, 96, 3), uint8
noise = np.random.default_rng(0).normal(0, 25, photo.shape)
noisy = (photo + noise).clip(0, 255).astype(np.uint8)

result = dip.denoise(noisy, channel_axis=-1)

plt.figure(figsize=(9, 3), layout="constrained")
plt.imshow(np.hstack([noisy, result.image, photo]))
plt.axis("off")

# %%
# Left the noisy picture, in the middle the restored one, right the clean one. The distance to the
# clean one falls:

for name, image in {"noisy": noisy, "restored": result.image}.items():
    print(f"{name}: {dip.metrics.psnr(photo, image, peak=255):.1f} dB")

# %%
# The result tells what was found. The deviation of the noise is in units of full scale, so 25 of
# 255 is 0.098:

print(result.noise)
print(result.stopped)
print("confidence:", result.confidence)

# %%
# Some of the grain can be kept; the result then lies between the noisy and the restored picture.

grainy = dip.denoise(noisy, channel_axis=-1, strength=0.7)
print(f"restored at 0.7: {dip.metrics.psnr(photo, grainy.image, peak=255):.1f} dB")

# %%
# The same on the command line, for a file::
#
#     dip denoise photo.png
#     dip denoise photo.png --strength 0.7
