from functools import partial

import pytest
import torch
from helpers import check_network, count

from deep_image_prior.networks import (
    Hourglass,
    Refiner,
    ResNet,
    UNet,
    average,
    bilinear,
    lanczos2,
    maximum,
    nearest,
    strided,
)
from deep_image_prior.networks.bfloat16 import in_bfloat16

WIDTHS = (16, 32, 64, 128, 128, 128)


@pytest.mark.parametrize(
    ("network", "parameters"),
    [
        (partial(Hourglass, 32), 2_217_831),  # denoising and super-resolution
        (
            partial(
                Hourglass,
                3,
                down=(8, 16, 32, 64, 128),
                up=(8, 16, 32, 64, 128),
                skip=(0, 0, 0, 4, 4),
            ),
            572_827,
        ),  # JPEG
        (partial(Hourglass, 2, skip=(0,) * 5, upsample=nearest), 2_157_955),  # vase
        (partial(Hourglass, 32, skip=(128,) * 5), 3_002_627),  # kate
        (
            partial(Hourglass, 1, down=WIDTHS, up=WIDTHS, skip=(0,) * 6, down_kernel=5, mix=False),
            2_996_467,
        ),  # library
        (partial(Hourglass, 3), 2_184_307),  # flash
        # counted by hand: convolutions n_in n_out k^2 + n_out, and 2 n for each affine
        # normalisation
        (
            partial(UNet, 1, widths=(4, 8)),
            4 * 9 + 4 + 148 + (296 + 584) + (8 * 4 * 16 + 4) + (8 * 4 * 9 + 4) + 148 + 15,
        ),
        (partial(ResNet, 1, blocks=2, width=4), 40 + 2 * (144 + 8 + 144 + 8) + 148 + 8 + 111),
    ],
)
def test_golden_parameter_counts(network, parameters):
    assert count(network(outputs=3)) == parameters


@pytest.mark.parametrize("downsample", [strided, average, maximum, lanczos2])
@pytest.mark.parametrize("upsample", [bilinear, nearest])
@pytest.mark.parametrize("padding", ["reflect", "zeros"])
def test_hourglass_takes_any_size(downsample, upsample, padding):
    check_network(
        partial(
            Hourglass,
            down=(4, 6, 8),
            up=(6, 4, 4),
            skip=(2, 0, 3),
            down_kernel=(7, 5, 3),
            up_kernel=5,
            skip_kernel=3,
            downsample=downsample,
            upsample=(upsample, bilinear, nearest),
            padding=padding,
        )
    )


@pytest.mark.parametrize("depth", [1, 2, 5, 6])
def test_hourglass_takes_any_depth(depth):
    check_network(
        partial(Hourglass, down=(4,) * depth, up=(4,) * depth, skip=(1,) * depth, down_kernel=5)
    )


def test_unet_and_resnet_take_any_size():
    check_network(partial(UNet, widths=(4, 8, 8)))
    check_network(partial(ResNet, blocks=2, width=4))


def test_hourglass_refuses_lists_of_different_lengths():
    with pytest.raises(ValueError, match="depth 2"):
        Hourglass(1, 1, down=(8, 8), up=(8, 8, 8), skip=(0, 0))


def test_downsampling_choices_differ():
    code = torch.rand(1, 1, 32, 32)
    images = []
    for downsample in (strided, average, maximum, lanczos2):
        torch.manual_seed(0)
        images.append(Hourglass(1, 1, (4, 4), (4, 4), (0, 0), downsample=downsample)(code))
    assert all(not torch.equal(a, b) for i, a in enumerate(images) for b in images[:i])


def test_fitting_size_is_not_padded():
    network = Hourglass(1, 1, (4, 4), (4, 4), (1, 1))
    code = torch.rand(1, 1, 16, 24)
    torch.testing.assert_close(network(code), network.head(in_bfloat16(network.body, code)))


def test_features_may_be_coarse_but_images_are_float32(monkeypatch):
    code = torch.rand(1, 2, 16, 16)
    rough, exact = (Hourglass(2, 3, (8,), (8,), (2,), precise=precise) for precise in (False, True))
    exact.load_state_dict(rough.state_dict())
    monkeypatch.setattr(
        "deep_image_prior.networks.bfloat16.multiplies_bfloat16", lambda device: True
    )
    images = rough(code), exact(code)
    assert images[0].dtype == images[1].dtype == torch.float32
    assert not torch.equal(*images)
    torch.testing.assert_close(*images, atol=0.02, rtol=0)
    # not of the 256 values that bfloat16 has from 1/2 to 1
    assert not torch.equal(images[0], images[0].bfloat16().float())
    monkeypatch.setattr(
        "deep_image_prior.networks.bfloat16.multiplies_bfloat16", lambda device: False
    )
    torch.testing.assert_close(rough(code), images[1])


@pytest.mark.parametrize(
    ("inputs", "outputs", "height", "width"), [(3, 1, 2, 2), (6, 3, 33, 47), (2, 2, 64, 5)]
)
def test_the_refiner_begins_with_the_first_image_of_its_code(inputs, outputs, height, width):
    code = torch.rand(2, inputs, height, width)
    network = Refiner(inputs, outputs)
    image = network(code)
    torch.testing.assert_close(image, code[:, :outputs])
    image.square().sum().backward()
    assert network.head[0].weight.grad.abs().sum() > 0
    with torch.no_grad():
        network.head[0].bias += 0.1
    torch.testing.assert_close(network(code), code[:, :outputs] + 0.1)
