"""
Your own operator
=================

Something measured your image, and you know how. Write that as a function ``A`` of tensors, and
``dip.solve`` finds the image by its measurements ``x0 = A(x) + n``.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from skimage import data

import deep_image_prior as dip

# %%
# A sensor that sees one colour at each pixel
# -------------------------------------------
#
# ``A`` takes an image ``(1, C, H, W)``. It may return a tensor of any shape, real or complex. Torch
# must be able to differentiate it; nothing else is asked.

photo = torch.from_numpy(data.astronaut()[:96, 160:256] / 255).float()
x = photo.movedim(-1, 0)[None]  # (1, 3, 96, 96)

mosaic = torch.zeros(1, 3, 96, 96)
mosaic[:, 0, ::2, ::2] = 1  # red
mosaic[:, 1, ::2, 1::2] = mosaic[:, 1, 1::2, ::2] = 1  # green
mosaic[:, 2, 1::2, 1::2] = 1  # blue


def sensor(x):  # (1, 3, 96, 96) -> (1, 1, 96, 96)
    return (mosaic * x).sum(1, keepdim=True)


x0 = sensor(x)
x0 = x0 + 0.01 * torch.randn(x0.shape, generator=torch.Generator().manual_seed(0))

result = dip.solve(x0, sensor, shape=(3, 96, 96), sigma=0.01)

raw = (mosaic * x0)[0].movedim(0, -1).clamp(0, 1)
found = np.moveaxis(result.image, 0, -1)

plt.figure(figsize=(9, 3), layout="constrained")
plt.imshow(np.hstack([raw, found, photo]).clip(0, 1))
plt.axis("off")

# %%
# Left what the sensor saw, in the middle the image that was found, right the true one. ``residual``
# is how far the measurements of the image are from those given; it should be about the noise.

print(f"{dip.metrics.psnr(photo.numpy(), found, peak=1):.1f} dB")
print(f"residual {result.measures['residual']:.4f}")

# %%
# Operators of other packages
# ---------------------------
#
# ``A`` may also be a matrix, dense or sparse, a ``LinearOperator`` of SciPy or PyLops, a ``Linop``
# of SigPy, or a physics of deepinv: see :func:`deep_image_prior.operators.linear`. Here a sparse
# matrix adds up blocks of 2 x 2 pixels.

from scipy import sparse

gray = photo.mean(-1).numpy()
pair = sparse.kron(sparse.eye_array(48), np.ones((1, 2)))
blocks = sparse.csr_array(sparse.kron(pair, pair))  # (48 * 48, 96 * 96)

result = dip.solve(blocks @ gray.ravel(), blocks, shape=(96, 96))

plt.figure(figsize=(6, 3), layout="constrained")
plt.imshow(np.hstack([result.image, gray]), cmap="gray")
plt.axis("off")

# %%
# Every part of the equation
# --------------------------
#
# Beneath all this are three choices: the network ``f``, its code ``z`` and the energy ``E``.
# ``descend`` gives every step of the fit, so you can look at any of them and leave at any moment.
# Here the plain prior fits the sensor's pixels.

from functools import partial

from deep_image_prior import codes, energies, networks

problem = dip.Problem(
    network=lambda: networks.Hourglass(32, 3, down=(32,) * 4, up=(32,) * 4, skip=(4,) * 4),
    code=partial(codes.noise, x),  # of the size of x
    energy=energies.squared_error(x0, sensor),
)
seen = {}
for step in dip.descend(problem, dip.Settings(steps=200)):
    if step.index in (10, 50, 200):
        seen[step.index] = step.image[0].movedim(0, -1).detach()

plt.figure(figsize=(9, 3), layout="constrained")
plt.imshow(np.hstack(list(seen.values())))
plt.axis("off")

# %%
# From the left the image after 10, 50 and 200 steps. ``examples/`` in the repository has
# tomography, phase retrieval, Fourier samples and a deepinv physics.
