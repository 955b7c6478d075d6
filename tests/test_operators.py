import numpy as np
import pytest
import torch
from helpers import check_linear_operator
from PIL import Image
from skimage import data

from deep_image_prior.operators import Blur, Downsample, Mask, identity


def test_contracts():
    check_linear_operator(identity, (1, 3, 5, 7), (1, 3, 5, 7))
    mask = torch.rand(1, 1, 5, 7, generator=torch.Generator().manual_seed(0)).round().double()
    check_linear_operator(Mask(mask), (1, 3, 5, 7), (1, 3, 5, 7))
    for kernel in (torch.rand(3, 5), torch.rand(4, 2)):
        check_linear_operator(Blur(kernel), (1, 2, 9, 8), (1, 2, 9, 8))
    for factor in (2, 3, 4, 8):
        for lobes in (2, 3):
            check_linear_operator(
                Downsample(factor, lobes), (1, 3, 5 * factor, 2 * factor), (1, 3, 5, 2)
            )


def test_blur_spreads_a_point_into_its_kernel():
    image = torch.zeros(1, 1, 5, 5)
    image[..., 2, 2] = 1
    odd, even = torch.arange(9.0).reshape(3, 3), torch.arange(8.0).reshape(4, 2)
    assert torch.equal(Blur(odd)(image)[0, 0, 1:4, 1:4], odd)
    assert torch.equal(Blur(even)(image)[0, 0, 0:4, 1:3], even)


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
@pytest.mark.parametrize("lobes", [2, 3])
def test_downsampling_keeps_constants_and_ramps(factor, lobes):
    ramp = torch.arange(16.0 * factor).expand(1, 1, 4 * factor, -1)
    small = Downsample(factor, lobes)(ramp)
    centres = torch.arange(16) * factor + (factor - 1) / 2
    torch.testing.assert_close(small[0, 0, 0, 4:-4], centres[4:-4], rtol=1e-5, atol=0)


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_lanczos_is_pillows_in_the_interior(factor):
    size = 504 // (factor * 8) * (factor * 8)
    gray = (data.camera()[:size, :size] / 255).astype(np.float32)
    pillow = Image.fromarray(gray).resize((size // factor,) * 2, Image.Resampling.LANCZOS)
    ours = Downsample(factor, lobes=3)(torch.from_numpy(gray)[None, None])[0, 0].numpy()
    assert np.abs(ours - np.asarray(pillow))[4:-4, 4:-4].max() < 1e-2
    paper = Downsample(factor)(torch.from_numpy(gray)[None, None])[0, 0].numpy()
    assert np.sqrt(np.mean((paper - np.asarray(pillow))[4:-4, 4:-4] ** 2)) < 1e-2
