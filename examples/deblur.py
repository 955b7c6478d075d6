"""Your own operator: undo a known motion blur. Needs nothing but an A that is differentiable."""

from functools import partial

import torch
from skimage import data

import deep_image_prior as dip
from deep_image_prior import codes, energies, networks, operators, stopping

# x is larger than x0 by what the blur reaches: nothing is supposed of what is outside
sharp = torch.from_numpy(data.camera()[128:256, 188:324] / 255).float()[None, None]
blur = operators.Blur(torch.full((1, 9), 1 / 9))  # A: nine pixels of motion to the side
x0 = blur(sharp)
x0 += 0.01 * torch.randn(x0.shape, generator=torch.Generator().manual_seed(0))

problem = dip.Problem(
    network=lambda: networks.Hourglass(
        inputs=32, outputs=1, down=(32,) * 4, up=(32,) * 4, skip=(4,) * 4
    ),
    code=partial(codes.noise, sharp),  # of the size of x
    energy=energies.squared_error(x0, blur),
)
result = dip.fit(problem, dip.Settings(steps=1500, jitter=0), stop=stopping.Discrepancy(0.01))
print(
    result.stopped,
    *(
        f"PSNR {-10 * (image - blur.inside(sharp)).square().mean().log10():.2f}"
        for image in (x0, blur.inside(result.image))
    ),
)
