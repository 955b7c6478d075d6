"""Tables of JPEG that no program's quality has, told by the pixels."""

import io

import numpy as np
import pytest
import torch
from helpers import photograph, tensor
from PIL import Image

from deep_image_prior.degradations import Compression
from deep_image_prior.degradations.jpeg import standard
from deep_image_prior.degradations.jpeg_tables import with_brightness_told
from deep_image_prior.degradations.jpeg_traces import BEST, detect

CLEAN = np.rint(255 * photograph(192)).astype(np.uint8)
ORDER = np.add.outer(np.arange(8), np.arange(8)).ravel()  # of a cosine: down and across
FLAT = (24,) * 64
STEEP = tuple((12 + 5 * ORDER + np.arange(64) % 3).tolist())
SUBSAMPLING = {(False, False): 0, (False, True): 1, (True, True): 2}


def compressed(tables, halved=(True, True), pixels=CLEAN):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(
        buffer, "JPEG", qtables=[list(each) for each in tables], subsampling=SUBSAMPLING[halved]
    )
    return tensor(np.asarray(Image.open(buffer)) / 255)


@pytest.mark.parametrize("table", [FLAT, STEEP], ids=["flat", "steep"])
@pytest.mark.parametrize("halved", SUBSAMPLING)
@pytest.mark.parametrize(("top", "left"), [(0, 0), (3, 13)])
def test_tables_and_grid_and_how_colour_was_kept_are_told(table, halved, top, left):
    made = detect(compressed((table, table), halved)[..., top:, left:])
    assert not made.standard
    assert "tables of its own" in made.sentence
    assert made.halved == halved
    period = [8 * (1 + each) for each in halved]
    assert [made.top % period[0], made.left % period[1]] == [-top % period[0], -left % period[1]]
    bright, colour = (np.array(each) for each in made.tables)
    true = np.array(table)
    assert (bright == true)[ORDER <= 3].all()
    # of those that are mostly none what is near
    assert np.abs(np.log(bright / true)).mean() < 0.2
    assert (colour == true)[ORDER == 0].all()


def test_the_side_that_is_halved_may_be_that_of_columns():
    turned = compressed((FLAT, FLAT), (False, True)).mT
    assert detect(turned).halved == (True, False)


def test_they_leave_the_picture_as_it_is():
    x0 = compressed((STEEP, STEEP))
    made = detect(x0)
    change, other = ((each.compress(x0) - x0).square().mean() for each in (made, Compression(40)))
    assert change < 0.1 * other


def test_brightness_alone_tells_them_too():
    gray = np.repeat(CLEAN[..., 1:2], 3, axis=2)
    made = detect(compressed((STEEP, STEEP), (False, False), gray)[:, :1])
    assert (np.array(made.tables[0]) == STEEP)[ORDER <= 3].all()


def test_fine_tables_are_left_as_they_are():
    fine = tuple((3 + ORDER // 3).tolist())
    assert with_brightness_told(compressed((fine, fine)), (0, 0)).quality > BEST
    assert detect(compressed((fine, fine))) is None


def test_a_quality_that_is_told_counts_for_more():
    found = detect(compressed((FLAT, FLAT)), quality=30)
    assert found is None or found.tables == ()


def test_a_coarser_standard_compression_before_on_the_same_grid_is_what_is_found():
    buffer = io.BytesIO()
    Image.fromarray(CLEAN).save(buffer, "JPEG", quality=15)
    fine = tuple((np.array(STEEP) // 2).tolist())
    assert detect(compressed((fine, fine), pixels=np.asarray(Image.open(buffer)))).quality == 15


def ramp(rows, columns):
    return (np.arange(rows)[:, None] * 0.7 + np.arange(columns) * 0.4) % 256


@pytest.mark.parametrize(
    "drawing",
    [
        ramp(192, 192),
        np.tile(np.random.default_rng(0).integers(0, 256, (8, 8)), (24, 24)),
        np.where(np.random.default_rng(0).random((192, 192)) > 0.5, 200, 40),
        np.kron(np.random.default_rng(0).integers(0, 256, (48, 48)), np.ones((4, 4))),
        np.kron(np.random.default_rng(0).integers(0, 6, (96, 96)) * 51, np.ones((2, 2))),
    ],
    ids=["gradient", "tiles", "two values", "squares of 4", "squares of 2"],
)
def test_what_is_drawn_has_no_tables(drawing):
    assert detect(tensor(np.repeat(drawing[..., None], 3, axis=2) / 255)) is None


def test_standard_tables_stay_those_of_their_quality():
    made = detect(compressed(standard(60)))
    assert made == Compression(60)
    assert torch.equal(made.steps[0], torch.tensor(standard(60)[0]).float())
