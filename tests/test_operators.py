import numpy as np
import pytest
import torch
from helpers import check_linear_operator
from PIL import Image
from scipy.signal import convolve2d
from skimage import data

from deep_image_prior.operators import Blur, Downsample, Mask, identity


def test_contracts():
    check_linear_operator(identity, (1, 3, 5, 7), (1, 3, 5, 7))
    mask = torch.rand(1, 1, 5, 7, generator=torch.Generator().manual_seed(0)).round().double()
    check_linear_operator(Mask(mask), (1, 3, 5, 7), (1, 3, 5, 7))
    for kernel in (torch.rand(3, 5), torch.rand(4, 2)):
        height, width = (side - more + 1 for side, more in zip((9, 8), kernel.shape, strict=True))
        check_linear_operator(Blur(kernel), (2, 2, 9, 8), (2, 2, height, width))
    for factor in (2, 3, 4, 8):
        for lobes in (2, 3):
            check_linear_operator(
                Downsample(factor, lobes), (1, 3, 5 * factor, 2 * factor), (1, 3, 5, 2)
            )


@pytest.mark.parametrize("sides", [(3, 3), (4, 2), (1, 7), (9, 8)])
def test_blur_is_a_convolution_where_the_kernel_lies_on_the_image(sides):
    random = np.random.default_rng(0)
    image, kernel = random.random((9, 8)), random.random(sides)
    blurred = Blur(torch.from_numpy(kernel))(torch.from_numpy(image)[None, None])
    np.testing.assert_allclose(blurred[0, 0], convolve2d(image, kernel, "valid"), atol=1e-12)


@pytest.mark.parametrize("sides", [(3, 3), (4, 2), (1, 7)])
def test_a_kernel_of_one_point_at_its_centre_changes_nothing(sides):
    kernel = torch.zeros(sides, dtype=torch.float64)
    kernel[sides[0] // 2, sides[1] // 2] = 1
    image = torch.rand(1, 2, 9, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    blur = Blur(kernel)
    torch.testing.assert_close(blur(image), blur.inside(image))


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
