"""Your own operator: undo a known motion blur. Needs nothing but an A that is differentiable."""

from functools import partial

import torch
from skimage import data

import deep_image_prior as dip
from deep_image_prior import codes, energies, networks, operators, stopping

sharp = torch.from_numpy(data.camera()[128:256, 192:320] / 255).float()[None, None]
blur = operators.Blur(torch.full((1, 9), 1 / 9))  # A: nine pixels of motion to the side
x0 = blur(sharp) + 0.01 * torch.randn(sharp.shape, generator=torch.Generator().manual_seed(0))

problem = dip.Problem(
    network=lambda: networks.Hourglass(
        inputs=32, outputs=1, down=(32,) * 4, up=(32,) * 4, skip=(4,) * 4
    ),
    code=partial(codes.noise, x0),
    energy=energies.squared_error(x0, blur),
)
result = dip.fit(problem, dip.Settings(steps=1500, jitter=0), stop=stopping.Discrepancy(0.01))
print(
    result.stopped,
    *(f"PSNR {-10 * (image - sharp).square().mean().log10():.2f}" for image in (x0, result.image)),
)
