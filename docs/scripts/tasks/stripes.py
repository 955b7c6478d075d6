"""
Stripes
=======

Scanners and line sensors give every row, or every column, an offset of its own. ``denoise`` finds
such stripes and takes them off before it looks at the rest of the noise. Nothing is to be said.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

import deep_image_prior as dip

photo = data.camera()[64:192, 160:288]  # (128, 128), uint8
random = np.random.default_rng(0)
rows = random.normal(0, 12, (128, 1))  # the same for all pixels of a row
grain = random.normal(0, 5, photo.shape)
striped = (photo + rows + grain).clip(0, 255).astype(np.uint8)

result = dip.denoise(striped)

plt.figure(figsize=(9, 3), layout="constrained")
plt.imshow(np.hstack([striped, result.image, photo]), cmap="gray")
plt.axis("off")

# %%
# Left the picture with stripes, in the middle the restored one, right the clean one.

for name, image in {"striped": striped, "restored": result.image}.items():
    print(f"{name}: {dip.metrics.psnr(photo, image, peak=255):.1f} dB")
print(result.stripes)
print(result.noise)

# %%
# The same on the command line, for a file::
#
#     dip denoise scan.png
