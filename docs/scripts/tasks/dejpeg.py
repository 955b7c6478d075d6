"""
Remove JPEG artefacts
=====================

Strong JPEG compression leaves blocks of 8 x 8 pixels and halos at edges. The quality is read from
the pixels, so the picture need not be a JPEG file any more.
"""

import io

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from skimage import data

import deep_image_prior as dip

photo = data.astronaut()[:128, 160:288]  # (128, 128, 3), uint8
file = io.BytesIO()
Image.fromarray(photo).save(file, "JPEG", quality=15)
compressed = np.asarray(Image.open(file))

result = dip.dejpeg(compressed, channel_axis=-1)

plt.figure(figsize=(9, 3), layout="constrained")
plt.imshow(np.hstack([compressed, result.image, photo]))
plt.axis("off")

# %%
# Left the compressed picture, in the middle the restored one, right the one before compression.

for name, image in {"compressed": compressed, "restored": result.image}.items():
    print(f"{name}: {dip.metrics.psnr(photo, image, peak=255):.1f} dB")
print("quality that was found:", result.compression.quality)
print("confidence:", result.confidence)

# %%
# The same on the command line, for a file::
#
#     dip dejpeg photo.jpg -o photo-dejpeg.png
