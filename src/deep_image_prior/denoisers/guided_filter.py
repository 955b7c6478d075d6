"""The guided filter: in every window an image is a linear function of another one."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ..padding import pad_reflect

RADIUS = 6  # pixels of a window to every side of its middle: 4 to 8 are within 0.1 dB


def guided_filter(image: Tensor, guide: Tensor, variance: Tensor) -> Tensor:
    """The mean over windows of m + (g - m_g)^T (S_g + variance)^-1 S_gx, (1, C, H, W).

    m, m_g, S_g and S_gx are the means and covariances of image (1, C, H, W) and guide (1, G, H, W)
    in a window. variance: (1, 1, H, W), of the noise of the guide. He, Sun, Tang 2013,
    doi:10.1109/TPAMI.2012.213.
    """
    count = guide.shape[1]
    both = torch.cat([guide, image], dim=1)
    mean = windowed(both)
    products = windowed((guide[:, :, None] * both[:, None]).flatten(1, 2))
    products = products.unflatten(1, (count, -1)) - mean[:, :count, None] * mean[:, None]
    # (1, H, W, G, G + C)
    square, mixed = products.permute(0, 3, 4, 1, 2).split([count, image.shape[1]], dim=-1)
    ridge = variance[:, 0, :, :, None, None] * torch.eye(count).to(square)
    slopes = torch.linalg.solve(square + ridge, mixed).permute(0, 3, 4, 1, 2)
    # (1, G, C, H, W)
    offsets = mean[:, count:] - (mean[:, :count, None] * slopes).sum(dim=1)
    slopes = windowed(slopes.flatten(1, 2)).unflatten(1, (count, -1))
    return (guide[:, :, None] * slopes).sum(dim=1) + windowed(offsets)


def windowed(planes: Tensor) -> Tensor:
    """The mean over the window around every pixel of (1, C, H, W)."""
    grown = pad_reflect(planes, (RADIUS, RADIUS), (RADIUS, RADIUS))
    down = F.avg_pool2d(grown, (2 * RADIUS + 1, 1), 1)
    return F.avg_pool2d(down, (1, 2 * RADIUS + 1), 1)
