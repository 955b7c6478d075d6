import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from helpers import noisy, photograph
from PIL import Image

from deep_image_prior import files
from deep_image_prior.app import restoring, stacks
from deep_image_prior.errors import BadInput
from deep_image_prior.files import Picture
from deep_image_prior.tasks import Denoise

pytestmark = pytest.mark.usefixtures("quick_noise", "quick_fills")

CLEAN = (255 * photograph(64)).astype(np.uint8)
NOISY = (255 * noisy(photograph(64))).astype(np.uint8)
QUICK = ["--steps", "1"]


def pages(picture, count=3):
    """Squares of 24 of it, each beside the last, of one channel: (count, 24, 24)."""
    return np.stack([picture[8 * n : 8 * n + 24, 8:32, 1] for n in range(count)])


@pytest.fixture
def run(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    tifffile.imwrite("stack.tif", pages(NOISY), photometric="minisblack", metadata={"axes": "ZYX"})
    tifffile.imwrite("clean.tif", pages(CLEAN), photometric="minisblack", metadata=None)

    return command


def stack(*lengths, axes):
    shape = (*lengths, 20, 6, 1)
    return Picture(np.arange(np.prod(shape), dtype=np.float32).reshape(shape), axes=axes)


def test_which_pages_are_restored_together():
    assert stacks.parts(stack(axes=""), True) == {"image": [0]}
    assert stacks.parts(stack(3, 2, axes="TZ"), True) == {"image": [0, 1, 2, 3, 4, 5]}
    channels = {"channel 1": [0, 1, 4, 5], "channel 2": [2, 3, 6, 7]}
    assert stacks.parts(stack(2, 2, 2, axes="TCZ"), True) == channels
    assert stacks.parts(stack(2, 1, axes="ZC"), True) == {"image": [0, 1]}
    assert stacks.parts(stack(1, 1, axes="TC"), False) == {"image": [0]}
    assert stacks.parts(stack(2, axes="Z"), False) == {"page 1": [0], "page 2": [1]}


def test_pages_with_nothing_in_them_are_left_out(capsys):
    picture = stack(3, axes="Z")
    picture.pixels[1], picture.pixels[2] = 7, np.nan
    picture.pixels[2, 3, 3] = 5
    assert stacks.parts(picture, False) == {"page 1": [0]}
    said = capsys.readouterr().err
    assert [f"page {n} has nothing in it, and stays as it is" in said for n in (1, 2, 3)] == [
        False,
        True,
        True,
    ]
    assert stacks.parts(picture, True) == {"image": [0, 1, 2]}
    picture.pixels[0] = 1
    assert list(stacks.parts(picture, False)) == ["page 1", "page 2", "page 3"]


def test_pages_lie_one_above_the_other_and_come_back():
    picture = stack(2, 2, axes="TZ")
    numbers = [3, 0, 1]
    x = stacks.tall(picture, numbers, 4, "x")
    assert x.shape == (3 * (20 + 2 * stacks.MARGIN), 6, 1)
    first = picture.pixels[1, 1]
    np.testing.assert_array_equal(x[stacks.MARGIN - 3 : stacks.MARGIN], first[3:0:-1])
    for factor in (1, 2):
        larger = x.repeat(factor, 0).repeat(factor, 1)
        back = stacks.whole(picture, [(numbers, stacks.cut(larger, 3, factor))], factor)
        # the page that is not there is as it was
        expected = picture.pixels.repeat(factor, -3).repeat(factor, -2)
        np.testing.assert_array_equal(back, expected)
    np.testing.assert_array_equal(stacks.tall(picture, [2], 4, "x"), picture.pixels[1, 0])


def test_one_guide_serves_all_pages_or_each_has_its_own():
    one, three = stack(axes=""), stack(3, axes="Z")
    assert stacks.tall(one, [0, 1, 2], 3, "mask").shape[0] == 3 * (20 + 2 * stacks.MARGIN)
    np.testing.assert_array_equal(stacks.tall(three, [1], 3, "mask"), three.pixels[1])
    with pytest.raises(BadInput, match="mask has 3 pages, the image 4; give one, or one for each"):
        stacks.tall(three, [0], 4, "mask")


def test_a_stack_is_denoised_as_one_picture_and_keeps_its_axes(run):
    arguments = ["--steps", 60, "--noise", "white", "--reference", "clean.tif"]
    code, out, _ = run("denoise", "stack.tif", "--record", "r.json", *arguments)
    assert code == 0
    made = files.read(Path("stack-denoised.tif"))
    assert (made.pixels.shape, made.axes) == ((3, 24, 24, 1), "Z")
    for after, before, clean in zip(made.pixels[..., 0], pages(NOISY), pages(CLEAN), strict=True):
        error, was = (np.std(each.astype(float) - clean) for each in (after, before))
        assert error < 0.75 * was
    record = json.loads(Path("r.json").read_text())
    assert record["image"]["pages"] == 3
    assert len(record["steps"]) == 1
    assert record["scores"]["psnr"] > record["scores"]["psnr_input"] + 3
    assert out.count("noise: white") == 1


def test_channels_of_16_bits_have_one_white(run, monkeypatch):
    dark, light = (np.uint16(k) * pages(NOISY, 1)[0] for k in (3, 15))
    assert dark.max() < 1024 < light.max()
    both = np.stack([dark, light])
    tifffile.imwrite("c.tif", both, photometric="minisblack", metadata={"axes": "CYX"})
    measured, measure = [], Denoise.measure

    def measuring(task, observation, scale, sigma):
        measured.append((scale.white, sigma))
        return measure(task, observation, scale, sigma)

    monkeypatch.setattr(Denoise, "measure", measuring)
    err = run("denoise", "c.tif", "--sigma", 10, *QUICK)[2]
    assert err.count("above 4095, which counts as white") == 2
    assert measured == [(4095, pytest.approx(10 / 255))] * 2


def test_one_page_is_restored_alone(run):
    assert run("denoise", "stack.tif", "--page", 2, "--record", "r.json", *QUICK)[0] == 0
    made = files.read(Path("stack-denoised.tif"))
    assert (made.pixels.shape, made.axes) == ((24, 24, 1), "")
    assert json.loads(Path("r.json").read_text())["choices"]["page"] == 2
    code, _, err = run("denoise", "stack.tif", "--page", 4, *QUICK)
    assert (code, err) == (2, "dip: stack.tif has no page 4; it has 3\n")


def test_tasks_of_single_pictures_go_page_by_page(run):
    assert run("upscale", "stack.tif", "--factor", 2, "--record", "r.json", *QUICK)[0] == 0
    made = files.read(Path("stack-x2.tif"))
    assert (made.pixels.shape, made.axes) == ((3, 48, 48, 1), "Z")
    record = json.loads(Path("r.json").read_text())
    assert list(record["parts"]) == ["page 1", "page 2", "page 3"]
    assert record["confidence"] == "high" or record["confidence"] is None


def test_a_mask_serves_all_pages(run):
    mask = np.full((24, 24), 255, np.uint8)
    mask[10:14, 5:9] = 0
    Image.fromarray(mask).save("mask.png")
    assert run("inpaint", "stack.tif", "mask.png", *QUICK)[0] == 0
    made = files.read(Path("stack-inpainted.tif")).pixels[..., 0]
    np.testing.assert_array_equal(made[:, mask > 0], pages(NOISY)[:, mask > 0])
    assert (made[:, mask == 0] != pages(NOISY)[:, mask == 0]).any()
    tifffile.imwrite("two.tif", np.stack([mask, mask]), photometric="minisblack", metadata=None)
    code, _, err = run("inpaint", "stack.tif", "two.tif", "--overwrite", *QUICK)
    assert code == 2
    assert "two.tif has 2 pages, the image 3" in err


def test_an_interrupt_saves_the_pages_that_are_done(run, monkeypatch):
    begun = []

    def interrupted(task, pixels, name, scale, real=restoring.restore_page):
        begun.append(name)
        if len(begun) == 2:
            raise KeyboardInterrupt
        return real(task, pixels, name, scale)

    monkeypatch.setattr(restoring, "restore_page", interrupted)
    code, _, err = run("enhance", "stack.tif", *QUICK)
    assert code == 130
    assert "best so far of 1 of 3 pictures" in err
    assert "pages that were not begun are as they were" in err
    made = files.read(Path("stack-enhanced.tif")).pixels[..., 0]
    np.testing.assert_array_equal(made[1:], pages(NOISY)[1:])
    assert (made[0] != pages(NOISY)[0]).any()


@pytest.mark.parametrize(
    ("task", "option"), [("denoise", "--snapshots"), ("enhance", "--checkpoint")]
)
def test_what_is_of_one_picture_is_refused(run, task, option):
    code, _, err = run(task, "stack.tif", option, "there", *QUICK)
    assert code == 2
    assert f"{option} is of one picture; choose one of the stack by --page" in err


def test_a_stack_goes_to_formats_that_hold_it(run):
    code, _, err = run("denoise", "stack.tif", "-o", "out.png", *QUICK)
    assert (code, err) == (2, "dip: out.png cannot hold 3 pages; name it .tif\n")


def test_stacks_are_pictures_of_a_batch(run):
    assert run("denoise", "stack.tif", "clean.tif", "-o", "out", "--noise", "white", *QUICK)[0] == 0
    assert files.read(Path("out/stack-denoised.tif")).pixels.shape == (3, 24, 24, 1)
    rows = json.loads(Path("out/dip-denoise.json").read_text())["rows"]
    assert [row["state"] for row in rows] == ["made", "made"]
