import warnings

import numpy as np
import pytest
import tifffile
import torch

from deep_image_prior import BadInput
from deep_image_prior.degradations import kernels
from deep_image_prior.degradations.kernels import named, normalised


@pytest.mark.parametrize(
    "name", ["gaussian:1.6", "disk:3", "disk:0.5", "motion:9@30", "motion:15@-45", "motion:1@7"]
)
def test_a_kernel_has_sum_1_and_is_centred(name):
    kernel = named(name)
    assert kernel.min() >= 0
    assert kernel.sum().item() == pytest.approx(1, abs=1e-6)
    assert all(side % 2 == 1 for side in kernel.shape)
    torch.testing.assert_close(kernel, kernel.flip(0, 1))
    assert kernel[0].sum() > 0
    assert kernel[:, 0].sum() > 0


def test_kernels_have_the_size_that_is_asked_for():
    columns = torch.arange(13.0) - 6
    row = named("gaussian:2").sum(dim=0)
    assert (row * columns**2).sum().item() ** 0.5 == pytest.approx(2, rel=0.03)  # cut at 3 sigma
    torch.testing.assert_close(named("motion:9@0"), torch.full((1, 9), 1 / 9))
    torch.testing.assert_close(named("motion:4@90").sum(dim=0), torch.ones(1))
    disk = named("disk:3")
    area = 1 / disk.max().item()
    assert area == pytest.approx(np.pi * 3**2, rel=0.02)


def test_angles_are_from_the_right_to_the_top():
    kernel = named("motion:9@30")
    assert kernel[0, -1] > 0
    assert kernel[0, 0] == kernel[-1, -1] == 0
    torch.testing.assert_close(named("motion:9@-30"), kernel.flip(0))
    torch.testing.assert_close(named("motion:9@210"), kernel)
    torch.testing.assert_close(named("motion:9@120"), kernel.rot90())


@pytest.mark.parametrize(
    "name",
    ["", "box:3", "gaussian", "gaussian:", "gaussian:1@2", "motion:9", "disk:3px", "disk:1e9"],
)
def test_what_is_no_kernel_is_refused_with_what_is_one(name):
    with pytest.raises(BadInput, match=r"there is no kernel .*gaussian:SIGMA, .* or the kernel"):
        named(name)


@pytest.mark.parametrize("name", ["gaussian:0", "disk:-2", "motion:1000@0"])
def test_sizes_have_limits(name):
    with pytest.raises(BadInput, match="but must be above 0 and at most 255"):
        named(name)


def test_a_kernel_of_ones_own_is_divided_by_its_sum():
    kernel = normalised(np.array([[1, 2], [3, 2]], dtype=np.uint8), (2, 2))
    torch.testing.assert_close(kernel, torch.tensor([[1, 2], [3, 2]]) / 8)


@pytest.mark.parametrize(
    ("kernel", "why"),
    [
        (np.ones(3), "one channel"),
        (np.ones((3, 3, 1)), "one channel"),
        (np.ones((0, 3)), "one channel"),
        (np.ones((2, 2)) * 1j, "dtype complex128"),
        (np.zeros((3, 3)), "not 0 everywhere"),
        (np.array([[1, -0.1]]), "not negative"),
        (np.array([[1, np.nan]]), "finite"),
        (np.array([[1, np.inf]]), "finite"),
        (np.ones((3, 9)), "9 x 3 pixels, larger than the picture, 8 x 4"),
    ],
)
def test_what_cannot_be_a_kernel_is_refused(kernel, why):
    with pytest.raises(BadInput, match=why):
        normalised(kernel, (4, 8))


def test_a_kernel_beside_its_middle_is_said():
    k = np.zeros((9, 9))
    k[4:6, 3:5] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        normalised(k, (20, 20))
    k = np.roll(k, (2, -2), axis=(0, 1))
    with pytest.warns(UserWarning, match=r"2\.5 rows below its middle and -2\.5 columns right"):
        normalised(k, (20, 20))


def test_a_kernel_may_be_a_file_or_a_name(tmp_path):
    k = kernels.named("motion:5@30")
    np.save(tmp_path / "k.npy", 3 * k.numpy())
    tifffile.imwrite(tmp_path / "k.tif", 9 * k.numpy())
    for given in (str(tmp_path / "k.npy"), str(tmp_path / "k.tif"), k.numpy(), "motion:5@30"):
        torch.testing.assert_close(kernels.of(given, (20, 20)), k)
    (tmp_path / "bad.npy").write_bytes(b"no array")
    with pytest.raises(BadInput, match="no array of NumPy"):
        kernels.of(str(tmp_path / "bad.npy"), (20, 20))


def test_a_kernel_in_any_order_of_its_numbers_is_the_same():
    k = kernels.named("motion:5@30").numpy()
    expected = torch.from_numpy(k)
    for given in (
        k.astype(">f4"),
        k.astype(">f8"),
        k[::-1][::-1],
        np.asfortranarray(k),
        k.tolist(),
    ):
        torch.testing.assert_close(kernels.of(given, (20, 20)), expected)
    for wrong, why in (
        (None, "dtype object"),
        (1j * k, "dtype complex"),
        ([[1, 2], [3]], "is no array"),
        (np.ma.masked_less(k, 0.1), "masked array"),
    ):
        with pytest.raises(BadInput, match=why):
            kernels.of(wrong, (20, 20))
