import io
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from helpers import photograph
from PIL import Image
from skimage import data

from deep_image_prior.degradations.jpeg import Compression, detect, is_compressed
from deep_image_prior.files.picture import upright


def tensor(pixels):
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float()


def as_file(pixels, quality):
    buffer = io.BytesIO()
    Image.fromarray(np.rint(255 * pixels).astype(np.uint8)).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer)) / 255


CLEAN = photograph(128)


@pytest.mark.parametrize("quality", [5, 10, 30, 50, 75])
@pytest.mark.parametrize(("top", "left"), [(0, 0), (3, 5)])
def test_quality_and_grid_are_found_in_the_pixels(quality, top, left):
    x0 = as_file(CLEAN, quality)[top:, left:]
    assert detect(tensor(x0)) == Compression(quality, -top % 8, -left % 8)
    assert detect(tensor(x0), quality=33) == Compression(33, -top % 8, -left % 8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_grid_is_found_however_the_camera_was_held(orientation):
    x0 = upright(as_file(CLEAN[:100, :125], 20), orientation)
    height, width = x0.shape[:2]
    top = height % 8 if orientation in (3, 4, 7, 8) else 0
    left = width % 8 if orientation in (2, 3, 6, 7) else 0
    made = detect(tensor(x0))
    assert made == Compression(20, top, left, transposed=orientation >= 5)
    # its own brightness it hardly changes
    gray = tensor(upright(as_file(CLEAN[:100, :125, 0], 20)[..., None], orientation))
    wrong = replace(made, transposed=not made.transposed)
    change, other = ((each.compress(gray) - gray).square().mean() for each in (made, wrong))
    assert change < 0.3 * other
    torch.testing.assert_close(made.project(tensor(x0), tensor(x0)), tensor(x0))


def test_consistent_knows_a_table_that_was_turned():
    clean = tensor(0.1 + 0.8 * CLEAN)
    x0 = tensor(as_file(0.1 + 0.8 * CLEAN, 20))
    blurred = torch.nn.functional.avg_pool2d(clean, 5, stride=1, padding=2, count_include_pad=False)
    upright = Compression(20).project(blurred, x0)
    turned = Compression(20, transposed=True).project(blurred.mT, x0.mT)
    torch.testing.assert_close(turned.mT, upright, atol=1e-6, rtol=0)


def test_gray_is_found_too():
    gray = as_file(CLEAN[..., 0], 20)
    assert detect(torch.from_numpy(gray)[None, None].float()) == Compression(20)


def test_no_compression_leaves_no_trace():
    assert detect(tensor(CLEAN)) is None
    noise = np.random.default_rng(0).random((64, 64, 3))
    assert detect(tensor(noise)) is None
    assert detect(torch.full((1, 1, 64, 64), 0.5)) is None
    assert detect(torch.rand(1, 3, 9, 30)) is None


@pytest.mark.parametrize("shape", [(1, 1, 2, 3), (1, 3, 17, 40), (1, 2, 16, 9)])
def test_compressing_keeps_size_and_channels(shape):
    kept = Compression(10, top=3, left=5).compress(
        torch.rand(shape, generator=torch.Generator().manual_seed(0))
    )
    assert kept.shape == shape
    assert 0 <= kept.min() <= kept.max() <= 1


def test_compressing_is_what_a_file_keeps():
    differs = Compression(10).compress(tensor(CLEAN)) - tensor(as_file(CLEAN, 10))
    # but for a few values at the border, where colour is drawn from beyond
    assert (differs.abs() > 1 / 255).float().mean() < 0.01
    # and its own image it hardly changes, wherever the grid is
    x0 = tensor(as_file(CLEAN, 10)[2:, 1:])
    again = Compression(10, 6, 7).compress(x0)
    assert (again - x0).square().mean() < 0.5 * (Compression(10).compress(x0) - x0).square().mean()


def test_projection_moves_towards_the_truth_and_leaves_the_rest():
    clean = tensor(0.1 + 0.8 * CLEAN)
    x0 = tensor(as_file(0.1 + 0.8 * CLEAN, 20))
    made = Compression(20)
    blurred = torch.nn.functional.avg_pool2d(clean, 5, stride=1, padding=2, count_include_pad=False)
    moved = made.project(blurred, x0)
    assert (moved - clean).square().mean() < 0.9 * (blurred - clean).square().mean()
    torch.testing.assert_close(made.project(moved, x0), moved, atol=1e-4, rtol=0)
    torch.testing.assert_close(made.project(x0, x0), x0)
    # where x0 was clipped nothing is known
    black = torch.zeros_like(x0)
    torch.testing.assert_close(made.project(blurred, black), blurred)


def test_sigma_falls_with_quality():
    sigmas = [Compression(quality).sigma for quality in range(1, 101)]
    assert all(a > b for a, b in pairwise(sigmas[:99]))
    assert 24 < 255 * Compression(10).sigma < 28


@pytest.mark.parametrize("quality", [30, 75, 92])
@pytest.mark.parametrize(("top", "left"), [(0, 0), (3, 5)])
@pytest.mark.parametrize("gray", [False, True])
def test_a_file_is_known_by_the_zeros_of_its_blocks(quality, top, left, gray):
    x0 = as_file(CLEAN.mean(axis=2) if gray else CLEAN, quality)[top:, left:]
    assert is_compressed(tensor(x0[..., None] if gray else x0))


def test_a_noisy_file_of_the_highest_quality_is_known_too():
    camera = data.camera()[100:228, 100:228] / 255
    noisy = (camera + 15 / 255 * np.random.default_rng(0).normal(size=camera.shape)).clip(0, 1)
    assert is_compressed(tensor(as_file(noisy, 97)[..., None]))


@pytest.mark.parametrize("sigma", [0, 5])
def test_pixels_that_were_no_file_have_no_zeros_in_blocks(sigma):
    noise = np.random.default_rng(0).normal(size=CLEAN.shape)
    noisy = (CLEAN + sigma / 255 * noise).clip(0, 1)
    assert not is_compressed(tensor(np.rint(255 * noisy) / 255))
    assert not is_compressed(torch.zeros(1, 3, 20, 20)), "too small to tell"
    assert not is_compressed(torch.zeros(1, 3, 128, 128)), "all are zero, wherever they begin"
