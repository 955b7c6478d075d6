from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import photograph, tensor
from PIL import Image
from skimage import data

from deep_image_prior.degradations import Palette
from deep_image_prior.degradations.lossy_traces import detect as compression_of
from deep_image_prior.degradations.palette import DITHER, detect, undithered
from deep_image_prior.files import Quantisation

CLEAN = data.coffee()[100:228, 200:328]
GRAYS = Palette(((0.0,), (0.4,), (1.0,)), dithered=False)


def quantised(pixels, count, dithered):
    image = Image.fromarray(pixels)
    dither = Image.Dither.FLOYDSTEINBERG if dithered else Image.Dither.NONE
    kept = image.quantize(palette=image.quantize(count), dither=dither)
    return np.asarray(kept.convert("RGB"))


def found(pixels):
    return detect(tensor(pixels / 255))


@pytest.mark.parametrize("dithered", [True, False])
@pytest.mark.parametrize("count", [8, 24])
def test_the_palette_of_a_photograph_is_found_and_its_dither(count, dithered):
    x0 = quantised(CLEAN, count, dithered)
    made = found(x0)
    colours = {tuple(np.rint(255 * np.array(each)).astype(int)) for each in made.colours}
    assert colours == {tuple(each) for each in x0.reshape(-1, 3).tolist()}
    assert made.dithered == dithered
    assert ("dithered" in made.sentence) == dithered
    assert f"{len(made.colours)} colours" in made.sentence


def test_levels_of_gray_are_a_palette_if_they_lie_apart():
    gray = CLEAN[..., :1]
    levels = [round(255 * level) for (level,) in found(gray // 16 * 16).colours]
    assert levels == np.unique(gray // 16 * 16).tolist()
    assert found(gray) is None
    assert found(gray.repeat(3, axis=2)) is None, "a gray photograph has 256 colours at the most"
    assert found(gray * np.array([255, 200, 150]) // 255) is None, "and so has one in sepia"


def test_what_has_many_colours_or_few_pixels_has_no_palette():
    assert found(CLEAN) is None
    assert found(np.full((64, 64, 3), 7)) is None
    hundred = np.random.default_rng(0).integers(0, 10, (32, 32, 2)) * 25
    assert found(np.dstack([hundred, hundred[..., :1]])) is None
    assert len(found(np.tile(np.dstack([hundred, hundred[..., :1]]), (2, 2, 1))).colours) == 100
    assert found(np.concatenate([quantised(CLEAN, 16, True)] * 2, axis=2)[..., :5]) is None


def test_it_is_the_compression_of_what_no_file_says_otherwise_of():
    x0 = tensor(quantised(CLEAN, 16, True) / 255)
    assert isinstance(compression_of(x0), Palette)
    tables = ((1,) * 64, (1,) * 64)
    assert not isinstance(compression_of(x0, file=Quantisation(tables, (False, False))), Palette)
    assert compression_of(x0, 40).quality == 40


def test_the_nearest_colour_is_kept():
    image = torch.linspace(0, 1, 256)[None, None, None].expand(1, 1, 3, 256)
    kept = GRAYS.compress(image)
    nearest = (image[..., None] - torch.tensor([0, 0.4, 1])).abs().argmin(dim=-1)
    assert (kept == torch.tensor([0, 0.4, 1])[nearest]).float().mean() > 0.98, "but for rounding"
    assert GRAYS.at(3, 5) == GRAYS


def test_a_dither_keeps_what_a_blur_shows():
    image = tensor(photograph(64))
    eight = tuple((r, g, b) for r in (0.0, 1.0) for g in (0.0, 1.0) for b in (0.0, 1.0))
    dithered, plain = (Palette(eight, each).compress(image) for each in (True, False))
    assert set(dithered.unique().tolist()) == {0, 1}
    apart, far = (undithered(each - image).abs().mean() for each in (dithered, plain))
    assert apart < 0.5 * far
    one, other = (Palette(eight, True).moved(number).compress(image) for number in (0, 1))
    assert one.shape == other.shape == image.shape
    assert (one != other).float().mean() > 0.1, "each is another dither"
    drawn = Palette(eight, True).artefacts(image)
    assert drawn.std().item() == pytest.approx((dithered - image).std().item(), rel=0.1)


BAYER = torch.tensor([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) / 16 - 15 / 32
LEVELS = tuple((k / 5,) for k in range(6))


def ordered(image, colours=LEVELS, amplitude=0.2):
    """With a dither of 4 x 4 thresholds."""
    pattern = (amplitude * BAYER).tile(*(side // 4 + 1 for side in image.shape[-2:]))
    rows, columns = image.shape[-2:]
    plain = Palette(colours, dithered=False)
    return plain.compress(image + pattern[:rows, :columns])


def test_an_ordered_dither_is_found_with_its_pattern():
    image = tensor(CLEAN[:101, :, :1] / 255)
    x0 = ordered(image)
    made = detect(x0)
    assert made.dithered
    assert "dithered by a pattern of 4 x 4 pixels" in made.sentence
    offsets = torch.tensor(made.offsets)
    assert (offsets - 0.2 * BAYER).abs().max() < 0.05
    assert (made.compress(image) == x0).float().mean() > 0.85
    passed_on = tensor(quantised(CLEAN, 16, True) / 255)
    assert detect(passed_on).offsets == ()
    assert detect(tensor(quantised(CLEAN, 16, False) / 255)).offsets == ()
    assert detect(x0[..., :7, :]).offsets == ()
    few = tensor(quantised(CLEAN[:40, :40], 16, True) / 255)
    assert detect(few).offsets == (), "a pattern by chance"


@pytest.mark.parametrize("side", [2, 8])
def test_the_period_of_a_pattern_is_the_shortest(side):
    image = tensor(CLEAN[..., :1] / 255)
    order = torch.randperm(side**2, generator=torch.Generator().manual_seed(1))
    thresholds = torch.linspace(-0.1, 0.1, side**2)[order]
    pattern = thresholds.view(side, side).tile(*(each // side + 1 for each in image.shape[-2:]))
    rows, columns = image.shape[-2:]
    x0 = Palette(LEVELS, dithered=False).compress(image + pattern[:rows, :columns])
    assert len(detect(x0).offsets) == side


@pytest.mark.parametrize("apart", [8, 12, 16])
def test_lines_of_text_are_no_pattern_of_a_dither(apart):
    page, random = np.full((128, 128, 3), 255), np.random.default_rng(0)
    for top in range(2, 128, apart):
        ink = random.integers(20, 256, (5, 128 // 2)).repeat(2, axis=1)
        page[top : top + 5] = ink[..., None]
    x0 = quantised(page.astype(np.uint8), 4, False)
    assert not found(x0).offsets


@pytest.mark.parametrize("side", [8, 16])
def test_pictures_made_of_tiles_are_not_dithered(side):
    """Their tiles have a pattern of their own, which comes again as that of a dither does."""
    random = np.random.default_rng(0)
    colours = np.array([[40, 90, 30], [70, 130, 50], [110, 160, 70], [30, 60, 120], [80, 110, 180]])
    kinds = random.integers(0, 5, (2, side, side))
    grounds = np.arange(16) // 8 ^ (np.arange(16) // 8)[:, None]  # regions of eight tiles
    tiles = kinds[grounds].swapaxes(1, 2).reshape(16 * side, 16 * side)
    made = found(colours[tiles])
    assert not made.dithered
    assert not made.offsets


def test_a_part_of_an_ordered_dither_has_its_part_of_the_pattern():
    image = tensor(CLEAN[..., :1] / 255)
    made = detect(ordered(image))
    part = made.at(11, 6).compress(image[..., 11:, 6:])
    assert torch.equal(part, made.compress(image)[..., 11:, 6:])
    drawn, true = made.artefacts(image), made.without_offsets(ordered(image)) - image
    assert drawn.std().item() == pytest.approx(true.std().item(), rel=0.1)


def test_an_ordered_dither_says_where_x_is():
    image = tensor(CLEAN[..., :1] / 255)
    x0 = ordered(image)
    made = detect(x0)
    estimate = undithered(x0)
    moved = made.project(estimate, x0)
    assert (moved - image).square().mean() < 0.8 * (estimate - image).square().mean()
    right = made.compress(estimate) == x0
    assert torch.allclose(moved[right], estimate[right], atol=1e-6)
    two = detect(ordered(image, ((0.0,), (1.0,)), amplitude=1.0))
    assert two.coarse
    assert not made.coarse
    assert torch.equal(two.project(estimate, x0), estimate), "borders of wide cells show as dots"


def test_less_its_offsets_an_ordered_dither_has_less_noise_and_no_pattern():
    image = tensor(CLEAN[..., :1] / 255)
    x0 = ordered(image)
    made = detect(x0)
    level = made.without_offsets(x0)
    assert (level - image).std() < 0.85 * (x0 - image).std()
    passed_on = Palette(LEVELS, dithered=True)
    assert passed_on.without_offsets(x0).equal(x0)


def test_offsets_spread_what_is_rounded_off():
    even = Palette(tuple((k / 4,) for k in range(5)), dithered=False)
    weak, whole = (replace(even, dithered=True, offsets=((-a, a),) * 2) for a in (0.05, 0.125))
    assert weak.rounded == pytest.approx((even.rounded**2 - 0.05**2) ** 0.5, rel=1e-4)
    assert whole.rounded == 0


def test_a_blur_hides_a_checkerboard():
    board = (torch.arange(32)[:, None] + torch.arange(32)) % 2
    smooth = undithered(board[None, None].float())
    inside = slice(round(3 * DITHER), -round(3 * DITHER))
    assert (smooth[..., inside, inside] - 0.5).abs().max() < 1e-3


def test_an_estimate_is_moved_into_the_cells_of_x0_and_no_farther():
    x0 = tensor(quantised(CLEAN, 16, False) / 255)
    palette = detect(x0)
    estimate = (
        x0 + 0.05 * torch.randn(x0.shape, generator=torch.Generator().manual_seed(0))
    ).clamp(0, 1)
    moved = palette.project(estimate, x0)
    wrong = (palette.compress(estimate) != x0).any(dim=1)
    assert wrong.float().mean() > 0.2
    assert (moved - x0).norm() < (estimate - x0).norm()
    left = (palette.compress(moved + 0.2 * (x0 - moved)) != x0).any(dim=1)
    assert left.float().mean() < 0.02, "but for rounding"
    right = ~wrong[:, None].expand_as(x0)
    assert torch.allclose(moved[right], estimate[right])
    dithered = Palette(palette.colours, dithered=True)
    assert torch.equal(dithered.project(estimate, x0), estimate)


def test_what_is_rounded_off_is_uniform_between_two_colours():
    even = Palette(tuple((k / 4,) for k in range(5)), dithered=False)
    image = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    assert (even.compress(image) - image).std().item() == pytest.approx(even.rounded, rel=0.05)
