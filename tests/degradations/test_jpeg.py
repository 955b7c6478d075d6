import io
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from helpers import photograph
from PIL import Image
from skimage import data

from deep_image_prior import BadInput, files
from deep_image_prior.degradations.jpeg import YCBCR, Compression
from deep_image_prior.degradations.jpeg_traces import detect, is_compressed
from deep_image_prior.files.picture import upright


def tensor(pixels):
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float()


def as_file(pixels, quality):
    buffer = io.BytesIO()
    Image.fromarray(np.rint(255 * pixels).astype(np.uint8)).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer)) / 255


CLEAN = photograph(128)
CLEANED = tensor(CLEAN)


@pytest.mark.parametrize("quality", [5, 10, 30, 50, 75])
@pytest.mark.parametrize(("top", "left"), [(0, 0), (3, 5)])
def test_quality_and_grid_are_found_in_the_pixels(quality, top, left):
    x0 = as_file(CLEAN, quality)[top:, left:]
    assert detect(tensor(x0)) == Compression(quality, -top % 16, -left % 16)
    told = detect(tensor(x0), quality=33)
    assert (told.quality, told.top % 8, told.left % 8) == (33, -top % 8, -left % 8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_grid_is_found_however_the_camera_was_held(orientation):
    x0 = upright(as_file(CLEAN[:100, :125], 20), orientation)
    height, width = x0.shape[:2]
    top = height % 16 if orientation in (3, 4, 7, 8) else 0
    left = width % 16 if orientation in (2, 3, 6, 7) else 0
    made = detect(tensor(x0))
    assert made == Compression(20, top, left, transposed=orientation >= 5)
    # its own brightness it hardly changes
    gray = tensor(upright(as_file(CLEAN[:100, :125, 0], 20)[..., None], orientation))
    wrong = replace(made, transposed=not made.transposed)
    change, other = ((each.compress(gray) - gray).square().mean() for each in (made, wrong))
    assert change < 0.3 * other
    torch.testing.assert_close(made.project(tensor(x0), tensor(x0)), tensor(x0), atol=5e-3, rtol=0)


def test_consistent_knows_a_table_that_was_turned():
    clean = tensor(0.1 + 0.8 * CLEAN)
    x0 = tensor(as_file(0.1 + 0.8 * CLEAN, 20))
    blurred = torch.nn.functional.avg_pool2d(clean, 5, stride=1, padding=2, count_include_pad=False)
    upright = Compression(20).project(blurred, x0)
    turned = Compression(20, transposed=True).project(blurred.mT, x0.mT)
    torch.testing.assert_close(turned.mT, upright, atol=1e-6, rtol=0)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_what_the_file_says_is_what_is_found_in_its_pixels(tmp_path, orientation, sampling):
    path, exif = tmp_path / "photo.jpg", Image.Exif()
    exif[274] = orientation
    pixels = np.rint(255 * CLEAN[:118, :101]).astype(np.uint8)
    Image.fromarray(pixels).save(path, quality=50, subsampling=sampling, exif=exif)
    picture = files.read(path)
    told, found = Compression.of_file(picture.coding), detect(tensor(picture.pixels / 255))
    assert replace(told, tables=()) == found
    assert detect(tensor(picture.pixels / 255), file=picture.coding) == told


def test_tables_of_the_file_count_and_a_coarser_compression_before_them(tmp_path):
    path, generator = tmp_path / "photo.jpg", np.random.default_rng(0)
    tables = [generator.integers(8, 60, 64).tolist() for _ in range(2)]
    pixels = np.rint(255 * CLEAN).astype(np.uint8)
    Image.fromarray(pixels).save(path, qtables=tables)
    picture = files.read(path)
    assert picture.coding.tables == tuple(map(tuple, tables))
    x0 = tensor(picture.pixels / 255)
    own = detect(x0, file=picture.coding)
    change, other = ((each.compress(x0) - x0).square().mean() for each in (own, Compression(30)))
    assert change < 0.3 * other
    Image.fromarray(np.rint(255 * as_file(CLEAN, 20)).astype(np.uint8)).save(path, quality=90)
    picture = files.read(path)
    assert detect(tensor(picture.pixels / 255), file=picture.coding).quality == 20
    clean = tensor(pixels / 255)  # no trace of anything before
    assert detect(clean, file=picture.coding).quality == 90
    told = detect(clean, 40, picture.coding)
    assert told == replace(Compression.of_file(picture.coding), quality=40, tables=())


def test_a_drawing_of_flat_blocks_has_no_quality():
    squares = np.random.default_rng(0).integers(0, 2, (10, 10, 1)).astype(float)
    drawing = tensor(np.kron(squares, np.ones((8, 8, 3))))
    assert detect(drawing) is None


@pytest.mark.parametrize(
    "tables", [((1, 2), (3,)), ((0,) * 64,) * 2, ((70000,) * 64,) * 2, (1, 2), None]
)
def test_what_is_no_quantisation_is_refused(tables):
    with pytest.raises(BadInput, match="coding is not"):
        detect(CLEANED, file=files.Quantisation(tables, (True, True)))
    with pytest.raises(BadInput, match="coding is not"):
        detect(CLEANED, file={"tables": tables})


def test_files_that_are_kept_in_another_way_say_nothing(tmp_path):
    gray, path = np.rint(255 * CLEAN[..., 0]).astype(np.uint8), tmp_path / "photo.jpg"
    Image.fromarray(gray).save(path, quality=40)
    assert Compression.of_file(files.read(path).coding).quality == 40
    Image.fromarray(gray).save(path.with_suffix(".png"))
    assert files.read(path.with_suffix(".png")).coding is None


def test_halves_down_only_are_those_across_of_the_transposed():
    x0 = tensor(CLEAN[:96, :112])
    down = Compression(20, halved=(True, False))
    across = Compression(20, halved=(False, True), transposed=True)
    torch.testing.assert_close(down.compress(x0).mT, across.compress(x0.mT))


def test_gray_is_found_too():
    gray = as_file(CLEAN[..., 0], 20)
    assert detect(torch.from_numpy(gray)[None, None].float()) == Compression(20)


def test_a_gray_file_has_one_table_and_it_is_that_of_its_quality(tmp_path):
    path = tmp_path / "gray.jpg"
    Image.fromarray(np.rint(255 * CLEAN[..., 0]).astype(np.uint8)).save(path, quality=20)
    made = Compression.of_file(files.read(str(path)).coding)
    assert made.standard
    assert made.sentence == "JPEG of quality 20"
    assert not replace(made, quality=30).standard


def test_no_compression_leaves_no_trace():
    assert detect(tensor(CLEAN)) is None
    noise = np.random.default_rng(0).random((64, 64, 3))
    assert detect(tensor(noise)) is None
    assert detect(torch.full((1, 1, 64, 64), 0.5)) is None
    assert detect(torch.rand(1, 3, 9, 30)) is None


@pytest.mark.parametrize("blank", [0, 16, 200, 250, 255])
def test_what_is_blank_tells_no_quality(blank):
    x = np.full((680, 160, 3), blank / 255)
    x[560:656, 40:136] = photograph(96)
    assert detect(tensor(np.rint(255 * x) / 255)) is None
    found = detect(tensor(as_file(x, 50)))
    assert found == Compression(50, halved=(True, True))


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


HOW = [
    Compression(20),
    Compression(20, halved=(False, False)),
    Compression(20, halved=(True, False)),
    Compression(20, 3, 13),
    Compression(20, transposed=True),
]


@pytest.mark.parametrize("made", HOW, ids=map(str, range(len(HOW))))
def test_projection_moves_brightness_and_colour_towards_the_truth(made):
    clean = tensor(0.1 + 0.8 * CLEAN)
    x0 = made.compress(clean)
    blurred = torch.nn.functional.avg_pool2d(clean, 31, 1, padding=15, count_include_pad=False)
    moved = made.project(blurred, x0)

    def errors(image):
        return torch.einsum("ij,bjhw->bihw", YCBCR, image - clean).square().mean(dim=(0, 2, 3))

    assert (errors(moved) < torch.tensor([0.8, 0.97, 0.97]) * errors(blurred)).all()
    torch.testing.assert_close(made.project(moved, x0), moved, atol=2e-2, rtol=0)
    # its own image is in the middle of the cells, but for the waves of colour that it cannot have
    assert (made.project(x0, x0) - x0).square().mean() < 1e-5
    # where x0 was clipped nothing is known
    black = torch.zeros_like(x0)
    torch.testing.assert_close(made.project(blurred, black), blurred)


def test_where_a_part_begins_changes_nothing_of_its_projection():
    made, clean = Compression(20, 3, 5), tensor(0.1 + 0.8 * CLEAN)
    x0, image = made.compress(clean), clean.roll(1, dims=-1)
    whole, part = made.project(image, x0), (..., slice(24, None), slice(40, None))
    moved = made.at(24, 40).project(image[part], x0[part])
    inside = (..., slice(16, -16), slice(16, -16))
    torch.testing.assert_close(moved[inside], whole[part][inside], atol=1e-3, rtol=0)


def test_artefacts_are_as_strong_as_what_was_lost_and_no_stronger_than_the_cells():
    for quality in (10, 40, 75):
        made = Compression(quality)
        x0 = made.compress(tensor(CLEAN))
        drawn = made.artefacts(x0)
        assert drawn.shape == (1, 3, 512, 512)
        assert torch.equal(drawn, made.artefacts(x0))
        components = [torch.einsum("ij,bjhw->bihw", YCBCR, each) for each in (drawn, x0 - CLEANED)]
        strong, lost = (each.square().mean(dim=(0, 2, 3)).sqrt() for each in components)
        assert (strong > 0.8 * lost).all()
        steps = made.steps.square().mean(dim=1)[[0, 1, 1]].sqrt() / 255
        assert (strong < 0.6 * steps / 12**0.5 + 1 / 255).all()
    # too small for a block
    assert torch.isfinite(Compression(10).artefacts(torch.rand(1, 2, 5, 9))).all()


def test_artefacts_fall_with_quality():
    x0 = tensor(as_file(CLEAN, 50))
    strong = [Compression(quality).artefacts(x0).std() for quality in (5, 10, 20, 40, 60, 80, 95)]
    assert all(a > b for a, b in pairwise(strong))


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
