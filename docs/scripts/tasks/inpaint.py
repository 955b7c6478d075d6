"""
Inpaint
=======

Draw pixels that are missing. A mask says which are known: white, 1 or ``True`` is known, black is
missing. What the picture holds at missing pixels is not looked at.
"""

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data

import deep_image_prior as dip

photo = data.astronaut()[:128, 160:288]  # (128, 128, 3), uint8

# %%
# Text and scratches
# ------------------
#
# The mask tells what kind of holes these are.

canvas = Image.new("1", (128, 128), 1)
draw = ImageDraw.Draw(canvas)
for top in (8, 38, 68, 98):
    draw.text((4, top), "some words", 0, ImageFont.load_default(20))
known = np.asarray(canvas)
written = np.where(known[..., None], photo, 255).astype(np.uint8)

result = dip.inpaint(written, known, channel_axis=-1)

plt.figure(figsize=(9, 3), layout="constrained")
plt.imshow(np.hstack([written, result.image, photo]))
plt.axis("off")

# %%
# Left the picture with text on it, in the middle the restored one, right the clean one.

for name, image in {"written on": written, "restored": result.image}.items():
    print(f"{name}: {dip.metrics.psnr(photo, image, peak=255):.1f} dB")
print("confidence:", result.confidence)

# %%
# Single pixels
# -------------
#
# Here half of the pixels are missing, here and there.

known = np.random.default_rng(0).random((128, 128)) < 0.5
sparse = np.where(known[..., None], photo, 0).astype(np.uint8)

result = dip.inpaint(sparse, known, channel_axis=-1)

plt.figure(figsize=(9, 3), layout="constrained")
plt.imshow(np.hstack([sparse, result.image, photo]))
plt.axis("off")

# %%

print(f"restored: {dip.metrics.psnr(photo, result.image, peak=255):.1f} dB")

# %%
# Whole regions are ``holes="large"``, which goes on with what is around them.
#
# The same on the command line, for files::
#
#     dip inpaint photo.png mask.png
#     dip inpaint photo.png mask.png --holes large
