"""
Upscale
=======

Make a picture 2, 3, 4 or 8 times as large. What the network draws, made smaller again, must give
the picture.
"""

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from skimage import data

import deep_image_prior as dip

photo = data.astronaut()[:128, 160:288]  # (128, 128, 3), uint8
small = np.asarray(Image.fromarray(photo).resize((64, 64), Image.Resampling.LANCZOS))
bicubic = np.asarray(Image.fromarray(small).resize((128, 128), Image.Resampling.BICUBIC))

result = dip.upscale(small, 2, channel_axis=-1)

plt.figure(figsize=(9, 3), layout="constrained")
plt.imshow(np.hstack([bicubic, result.image, photo]))
plt.axis("off")

# %%
# Left a bicubic enlargement, in the middle what ``upscale`` makes of the same 64 x 64 pixels, right
# the picture that was made smaller.

for name, image in {"bicubic": bicubic, "upscale": result.image}.items():
    print(f"{name}: {dip.metrics.psnr(photo, image, peak=255):.1f} dB")

# %%
# The same on the command line, for a file::
#
#     dip upscale photo.png --factor 2
