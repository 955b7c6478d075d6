import numpy as np
import pytest
import torch
from skimage import data

from deep_image_prior.degradations.stripes import detect, remove

RANDOM = np.random.default_rng(0)
NAMES = ("astronaut", "coffee", "chelsea", "camera", "brick")


def picture(name):
    pixels = getattr(data, name)() / 255
    return tensor(pixels if pixels.ndim == 3 else pixels[..., None])


def tensor(pixels):
    return torch.from_numpy(np.ascontiguousarray(pixels)).float().permute(2, 0, 1)[None]


def striped(image, sigma, axis, alike=True):
    shape = [1, 1 if alike else image.shape[1], 1, 1]
    shape[axis] = image.shape[axis]
    return (image + torch.from_numpy(RANDOM.normal(0, sigma, shape)).float()).clamp(0, 1)


def psnr(clean, image):
    return -10 * (clean - image).square().mean().log10().item()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sigma", [0, 20])
def test_photographs_have_no_stripes_with_white_noise_or_without(name, sigma):
    clean = picture(name)
    noise = torch.from_numpy(RANDOM.normal(0, sigma / 255, clean.shape)).float()
    observation = (clean + noise).clamp(0, 1)
    assert detect(observation) is None
    assert torch.equal(remove(observation), observation)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sigma", [3, 5, 10])
@pytest.mark.parametrize("axis", [-2, -1])
def test_stripes_are_found_and_taken_off(name, sigma, axis):
    clean = picture(name)
    observation = striped(clean, sigma / 255, axis)
    stripes = detect(observation)
    strength, other = (stripes.rows, stripes.columns)[:: 1 if axis == -2 else -1]
    assert 255 * strength == pytest.approx(sigma, rel=0.35)
    assert other == 0
    assert psnr(clean, remove(observation).clamp(0, 1)) > psnr(clean, observation) + 4


@pytest.mark.parametrize(
    ("name", "top", "left", "size"),
    [("chelsea", 0, 192, 64), ("astronaut", 0, 448, 64), ("coffee", 0, 256, 128)],
)
def test_parts_of_photographs_have_no_stripes(name, top, left, size):
    part = picture(name)[..., top : top + size, left : left + size]
    assert detect(part) is None


@pytest.mark.parametrize("name", ["astronaut", "chelsea"])
def test_in_very_small_pictures_no_stripes_are_told_from_chance(name):
    clean = picture(name)
    rows, columns = (range(0, side - 40, 40) for side in clean.shape[-2:])
    parts = (clean[..., y : y + 40, x : x + 40] for y in rows for x in columns)
    assert not any(detect(part) for part in parts)


def test_weak_stripes_are_found_in_strong_noise():
    clean = picture("camera")
    draw = np.random.default_rng(0)
    rows = torch.from_numpy(draw.normal(0, 3 / 255, (1, 1, 512, 1)))
    noise = torch.from_numpy(draw.normal(0, 20 / 255, clean.shape))
    assert 255 * detect((clean + rows + noise).clamp(0, 1).float()).rows > 1.5


def test_channels_may_have_stripes_of_their_own_and_white_noise_beside():
    clean = picture("coffee")
    observation = striped(striped(clean, 10 / 255, -2, alike=False), 10 / 255, -1)
    assert psnr(clean, remove(observation).clamp(0, 1)) > psnr(clean, observation) + 6
    noise = torch.from_numpy(RANDOM.normal(0, 15 / 255, clean.shape)).float()
    both = (striped(clean, 10 / 255, -2) + noise).clamp(0, 1)
    only = (clean + noise).clamp(0, 1)
    assert psnr(clean, remove(both).clamp(0, 1)) > psnr(clean, only) - 0.5


def test_what_was_clipped_stays_at_black_and_white():
    page = torch.ones(1, 1, 128, 128)
    page[..., 40:80, 20:100] = torch.rand(40, 80, generator=torch.Generator().manual_seed(0))
    clean = 0.5 * page + 0.5 * (page == 1)
    draw = np.random.default_rng(0)
    observation = (clean + torch.from_numpy(draw.normal(0, 10 / 255, (1, 1, 128, 1)))).clamp(0, 1)
    result = remove(observation.float())
    assert psnr(clean, result) > psnr(clean, observation) + 1
    white = (clean == 1) & (observation == 1)
    assert (result[white] - 1).abs().median() == 0
    assert result.max() < 1 + 4 / 255


def test_lines_and_edges_that_span_the_picture_are_no_stripes():
    framed = picture("camera").clone()
    framed[..., :3, :] = framed[..., -1:, :] = 0
    framed[..., 200:, :] *= 0.5
    assert detect(framed) is None
    again = remove(striped(framed, 5 / 255, -2))
    assert (again[..., 198, :] - again[..., 202, :]).mean() > 0.15, "the edge is still there"


@pytest.mark.parametrize("step", [0.15, 0.2])
def test_the_edge_of_a_shadow_stays_under_stripes(step):
    clean = torch.full((1, 1, 128, 128), 0.7)
    clean[..., 64:, :] -= step
    draw = np.random.default_rng(0)
    rows = torch.from_numpy(draw.normal(0, 5 / 255, (1, 1, 128, 1)))
    noise = torch.from_numpy(draw.normal(0, 2 / 255, clean.shape))
    kept = remove((clean + rows + noise).float())
    left = kept[..., 32:64, :].mean() - kept[..., 64:96, :].mean()
    assert left.item() > 0.6 * step


@pytest.mark.parametrize("shape", [(1, 1, 2, 2), (1, 3, 16, 16), (1, 2, 8, 90), (1, 1, 90, 47)])
def test_small_and_flat_pictures_are_left_alone(shape):
    noise = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    assert torch.equal(remove(noise), noise)
    assert detect(torch.full(shape, 0.3)) is None
