import numpy as np
import pytest
import torch
from helpers import photograph, tensor
from PIL import Image

from deep_image_prior.degradations import Downsampling, kernels
from deep_image_prior.degradations.prefilters import NAMED, prefilter
from deep_image_prior.errors import BadInput
from deep_image_prior.operators import Blur

SHAPE = (96, 96)
RAMP = torch.arange(96.0).repeat(96, 1)[None, None]
SPOT = np.ones((3, 3))
KERNELS = [*NAMED, "gaussian:1.5", "gaussian:0.3", "disk:3", "motion:9@30", SPOT, np.ones((4, 5))]


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
@pytest.mark.parametrize("psf", KERNELS, ids=str)
def test_a_pixel_of_x0_is_in_the_middle_of_what_it_stands_for(psf, factor):
    low_pass = prefilter(psf, factor, SHAPE)
    small = Downsampling(factor, low_pass).operator(RAMP)[0, 0, 5]
    centres = factor * torch.arange(96 // factor) + (factor - 1) / 2
    torch.testing.assert_close(small[5:-5], centres[5:-5], rtol=0, atol=0.02)
    for other in (2, factor):
        assert low_pass(other).sum().item() == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "filter"),
    [
        ("lanczos3", Image.Resampling.LANCZOS),
        ("bicubic", Image.Resampling.BICUBIC),
        ("box", Image.Resampling.BOX),
    ],
)
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_the_filters_of_programs_are_those_of_pillow(name, filter, factor):
    gray = photograph(96).mean(axis=2).astype(np.float32)
    pillow = Image.fromarray(gray).resize((96 // factor,) * 2, filter)
    shrinking = Downsampling(factor, prefilter(name, factor, SHAPE))
    ours = shrinking.shrink(torch.from_numpy(gray)[None, None])[0, 0].numpy()
    assert np.abs(ours - np.asarray(pillow))[4:-4, 4:-4].max() < 2e-3


def test_a_kernel_is_what_becomes_of_a_single_point():
    kernel = np.array([[0.0, 1, 2], [0, 3, 0], [0, 0, 4]])  # no symmetry
    x = tensor(photograph(63))
    blurred = Blur(kernels.of(kernel, (63, 63)))(x)
    small = Downsampling(3, prefilter(kernel, 3, (63, 63))).operator(x)
    # a pixel in the middle of three: x0[i] is at 3 i + 1, and blurred begins at 1
    torch.testing.assert_close(small[..., 1:-1, 1:-1], blurred[..., 3:-3:3, 3:-3:3])


def test_for_another_factor_a_kernel_is_as_wide_in_pixels_of_x0():
    for psf in ("gaussian:4", "disk:8"):
        low_pass = prefilter(psf, 4, SHAPE)
        widths = [_deviation(low_pass(factor)) / factor for factor in (4, 2)]
        assert widths[0] == pytest.approx(widths[1], rel=0.08)


def _deviation(kernel):
    along = kernel.sum(dim=0)
    at = torch.arange(len(along)) - (len(along) - 1) / 2
    return (along * at.square()).sum().sqrt().item()


def test_what_is_no_kernel_is_refused():
    for psf, words in {
        "lanczos4": "choose one of lanczos2, lanczos3",
        "gaussian:0": "0 pixels",
    }.items():
        with pytest.raises(BadInput, match=words):
            prefilter(psf, 2, SHAPE)
