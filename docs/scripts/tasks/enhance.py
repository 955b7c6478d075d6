"""
Enhance
=======

Boost fine detail, and not the noise. The network draws the image without its noise, ``x*``, and of
that the coarse image ``x_c`` is made, which keeps strong edges. What is left over is the detail,
and ``boost`` times of it is added: ``x0 + boost (x* - x_c)``.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

import deep_image_prior as dip

photo = data.chelsea()[60:156, 100:196]  # (96, 96, 3), uint8

result = dip.enhance(photo, channel_axis=-1, boost=2)

plt.figure(figsize=(9, 3), layout="constrained")
plt.imshow(np.hstack([photo, result.image, result.parts["coarse"]]))
plt.axis("off")

# %%
# Left the photograph, in the middle the enhanced one, right the coarse image. The detail is a part
# of the result, too; here middle gray is none.

plt.figure(figsize=(3, 3), layout="constrained")
plt.imshow(result.parts["detail"])
plt.axis("off")

# %%
# The noise of the photograph is about as strong as before; ``strength=1`` takes it out, too. On
# the command line, for a file::
#
#     dip enhance photo.png --boost 2
#     dip enhance photo.png --boost 2 --strength 1
