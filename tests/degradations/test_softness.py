import pytest
import torch
from helpers import photograph, tensor
from skimage import data

from deep_image_prior.degradations import Downsampling
from deep_image_prior.degradations.prefilters import prefilter
from deep_image_prior.degradations.softness import SHARPEST, SIDE, SOFT, SOFTEST, softness

SCENE = tensor(data.rocket()[:384, 100:484] / 255)


def shrunk(psf, factor=4):
    return Downsampling(factor, prefilter(psf, factor, SCENE.shape[-2:])).shrink(SCENE)


@pytest.mark.parametrize("factor", [2, 4])
def test_what_a_gaussian_left_is_measured(factor):
    sharp, *soft = (
        softness(shrunk(psf, factor))
        for psf in ("lanczos2", f"gaussian:{0.5 * factor}", f"gaussian:{0.75 * factor}")
    )
    assert soft == [pytest.approx(0.5, abs=0.1), pytest.approx(0.75, abs=0.12)]
    assert sharp < min(SOFT, soft[0])


def test_it_is_between_limits_and_of_the_middle():
    assert SHARPEST < softness(tensor(photograph(64))) < softness(shrunk("gaussian:3", 2))
    assert softness(shrunk("gaussian:6", 2)) > SOFTEST - 0.1
    part = shrunk("gaussian:1.5", 2)[..., :SIDE, :SIDE]
    wide = torch.nn.functional.pad(part, (20,) * 4)
    assert softness(wide) == softness(part)


@pytest.mark.parametrize("side", [2, 3, 5])
def test_of_few_pixels_nothing_is_said(side):
    assert softness(tensor(photograph(side))) is None
    assert softness(tensor(photograph(64))[..., :side, :]) is None


def test_of_few_patches_of_high_contrast_nothing_is_said():
    assert softness(tensor(photograph(16))) is None
    assert softness(tensor(photograph(32))) is not None


def test_of_what_has_no_structure_or_was_drawn_nothing_is_said():
    assert softness(torch.full((1, 3, 64, 64), 0.5)) is None
    faint = tensor(data.page()[40:136, 100:196, None] / 255) * 0.08 + 0.4
    assert softness(faint) is None
    enlarged = tensor(photograph(32)).repeat_interleave(4, -1).repeat_interleave(4, -2)
    assert softness(enlarged) is None
