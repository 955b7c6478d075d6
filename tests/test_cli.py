"""The command, run in-process: what it writes, what it prints, and how it refuses."""

import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from helpers import encoded, noisy, photograph
from PIL import Image, ImageCms
from skimage import data
from skimage.filters import gaussian

from deep_image_prior import denoise, files
from deep_image_prior.app import cli, maps
from deep_image_prior.app.progress import Watcher
from deep_image_prior.files import Picture
from deep_image_prior.objectives import sure

pytestmark = pytest.mark.usefixtures("quick_noise", "quick_fills")

PIXELS = (255 * noisy(photograph(32))).astype(np.uint8)
FEW = ["--steps", "3"]
WEB = Image.new("P", (1, 1))  # 6 levels of red, green and blue
WEB.putpalette(
    [level for n in range(256) for level in (51 * (n // 36 % 6), 51 * (n // 6 % 6), 51 * (n % 6))]
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(PIXELS).save("photo.png")
    Image.fromarray(PIXELS).save("flash.png")
    mask = np.full((32, 32), 255, np.uint8)
    mask[8:12, 8:20] = 0
    Image.fromarray(mask).save("mask.png")
    return tmp_path


def dip(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one call."""
    monkeypatch.setattr(sys, "argv", ["dip", *arguments])
    with pytest.raises(SystemExit) as end:
        sys.exit(cli.run())
    captured = capsys.readouterr()
    return end.value.code or 0, captured.out, captured.err


@pytest.fixture
def run(folder, monkeypatch, capsys):
    return lambda *arguments: dip(monkeypatch, capsys, *map(str, arguments))


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        (["denoise", "photo.png"], ["photo-denoised.png"]),
        (["dejpeg", "photo.png", "--quality", "30"], ["photo-dejpeg.png"]),
        (["deblur", "photo.png", "--psf", "motion:3@30"], ["photo-deblurred.png"]),
        (["upscale", "photo.png", "--factor", "2"], ["photo-x2.png"]),
        (["inpaint", "photo.png", "mask.png"], ["photo-inpainted.png"]),
        (
            ["inpaint", "photo.png", "mask.png", "--holes", "large", "--mask-marks", "missing"],
            ["photo-inpainted.png"],
        ),
        (
            ["enhance", "photo.png"],
            ["photo-enhanced.png", "photo-enhanced-coarse.png", "photo-enhanced-detail.png"],
        ),
        (["flash", "photo.png", "flash.png"], ["photo-restored.png"]),
    ],
)
def test_every_task_writes_its_picture(run, arguments, written):
    code, out, _ = run(*arguments, *FEW)
    assert code == 0
    assert f"wrote {', '.join(written)}\n" in out
    assert "budget: 3 steps" in out
    for name in written:
        picture = files.read(Path(name))
        side = 64 if "x2" in name else 32
        assert picture.pixels.shape == (side, side, 3)
        assert picture.pixels.dtype == np.uint8


@pytest.mark.parametrize("name", ["map.tif", "map.npy"])
def test_the_uncertainty_is_written_in_numbers(run, name):
    code, out, _ = run(
        "denoise", "photo.png", *FEW, "--uncertainty", name, "--record", "record.json"
    )
    assert code == 0
    assert f"wrote photo-denoised.png, {name}\n" in out
    numbers = files.read(Path(name)).pixels[..., 0]
    expected = denoise(PIXELS, channel_axis=-1, steps=3).uncertainty
    np.testing.assert_array_equal(numbers, expected)
    assert numbers.dtype == np.float32
    typical, worst = np.percentile(numbers, (50, 99))
    line = f"uncertainty: {typical:.2g} of 255 in the median, {worst:.2g} in the worst hundredth"
    assert line in out.splitlines()
    record = json.loads(Path("record.json").read_text())
    assert record["outputs"]["uncertainty"]["name"] == name
    assert record["uncertainty"] == pytest.approx({"median": typical, "hundredth": worst})


def test_a_picture_of_the_uncertainty_has_its_scale_below(run):
    assert run("denoise", "photo.png", *FEW, "--uncertainty", "map.png")[0] == 0
    picture = files.read(Path("map.png")).pixels
    assert picture.dtype == np.uint8
    assert picture.shape == (*maps.drawn_size(32, 32), 3)
    u = denoise(PIXELS, channel_axis=-1, steps=3).uncertainty
    light = picture[:32, :32].astype(int).sum(axis=-1)
    assert np.corrcoef(light.ravel(), u.ravel())[0, 1] > 0.9
    assert run("denoise", "photo.png", *FEW, "-o", "b.png", "--uncertainty", "map.png")[0] == 2
    assert not Path("b.png").exists()


def test_an_uncertainty_that_cannot_be_told_is_not_written(run):
    code, out, err = run("enhance", "photo.png", *FEW, "--uncertainty", "map.tif")
    assert code == 0
    assert "the uncertainty of this cannot be told; map.tif is not written" in err
    assert "uncertainty:" not in out
    assert not Path("map.tif").exists()


def test_pages_have_maps_in_numbers(run):
    stack = np.stack([PIXELS[..., 0], PIXELS[::-1, :, 0]])
    tifffile.imwrite("stack.tif", stack)
    assert run("denoise", "stack.tif", *FEW, "--uncertainty", "maps.tif")[0] == 0
    assert files.read(Path("maps.tif")).pixels.shape == (2, 32, 32, 1)
    code, _, err = run("denoise", "stack.tif", *FEW, "-o", "b.tif", "--uncertainty", "maps.png")
    assert code == 2
    assert "maps.png would be a picture of one page; choose one by --page, or write" in err
    assert (
        run(
            "upscale", "stack.tif", "--factor", 2, *FEW, "-o", "b.tif", "--uncertainty", "large.npy"
        )[0]
        == 0
    )
    assert files.read(Path("large.npy")).pixels.shape == (2, 64, 64, 1)


def test_inpainting_keeps_the_known_pixels_unless_told(run):
    run("inpaint", "photo.png", "mask.png", *FEW, "-o", "kept.png")
    run("inpaint", "photo.png", "mask.png", *FEW, "-o", "drawn.png", "--redraw-known")
    known = np.asarray(Image.open("mask.png")) > 0
    kept, drawn = (np.asarray(Image.open(name)) for name in ("kept.png", "drawn.png"))
    np.testing.assert_array_equal(kept[known], PIXELS[known])
    assert not np.array_equal(drawn[known], PIXELS[known])


def test_depth_alpha_orientation_and_metadata_are_kept(run):
    exif = Image.Exif()
    exif[0x0112], exif[271] = 6, "Leica"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    alpha = np.linspace(0, 60000, 32 * 20).reshape(20, 32).astype(np.uint16)
    deep = Picture(PIXELS[:20].astype(np.uint16) * 257, alpha, profile, exif, (300.0, 300.0))
    Path("deep.png").write_bytes(encoded(deep, ".png"))
    assert run("denoise", "deep.png", *FEW)[0] == 0
    restored = files.read(Path("deep-denoised.png"))
    assert restored.pixels.shape == (32, 20, 3)
    assert restored.pixels.dtype == np.uint16
    np.testing.assert_array_equal(restored.alpha, np.rot90(alpha, -1))
    assert restored.profile == profile
    assert restored.dpi == pytest.approx((300, 300), rel=1e-3)
    assert (restored.exif[0x0112], restored.exif[271]) == (1, "Leica")


def test_float_tiff_stays_float(run):
    tifffile.imwrite("counts.tif", (PIXELS[..., 0] * 40.0 - 500).astype(np.float32))
    assert run("denoise", "counts.tif", *FEW)[0] == 0
    restored = tifffile.imread("counts-denoised.tif")
    assert restored.dtype == np.float32
    assert -500 <= restored.min() < restored.max() <= 9700


def test_lossy_input_is_written_without_loss_by_default(run):
    Image.fromarray(PIXELS).save("photo.jpg")
    answer = run("dejpeg", "photo.jpg", "--quality", "75", *FEW)[1]
    assert "wrote photo-dejpeg.png" in answer
    assert "compression: JPEG of quality 75" in answer


def test_a_jpeg_file_says_itself_how_it_was_compressed(run):
    tables = [list(range(1, 65)), list(range(64, 0, -1))]
    Image.fromarray(PIXELS).save("photo.jpg", qtables=tables, subsampling="4:4:4")
    answer = run("dejpeg", "photo.jpg", "--record", "own.json", *FEW)[1]
    assert re.search(r"compression: JPEG of quality \d+, about, with tables of its own", answer)
    kept = json.loads(Path("own.json").read_text())["compression"]
    assert (kept["tables"], kept["halved"]) == (tables, [False, False])


@pytest.mark.parametrize(("ending", "name"), [("webp", "WebP"), ("avif", "AVIF")])
def test_other_lossy_files_say_so_too(run, ending, name):
    Image.fromarray(PIXELS).save(f"photo.{ending}", quality=30)
    answer = run("dejpeg", f"photo.{ending}", "--record", "run.json", *FEW)[1]
    assert "wrote photo-dejpeg.png" in answer
    assert re.search(rf"compression: about {name} of quality \d+\n", answer)
    kept = json.loads(Path("run.json").read_text())["compression"]
    assert (kept["format"], kept["scale"]) == (ending.upper(), 1)


def test_the_dither_of_a_gif_file_is_undone(run):
    clean = data.coffee()[100:164, 200:264]
    Image.fromarray(clean).quantize(palette=WEB, dither=Image.Dither.FLOYDSTEINBERG).save("a.gif")
    code, answer, _ = run("dejpeg", "a.gif", "--record", "run.json", "--steps", 30)
    assert (code, "wrote a-dejpeg.png" in answer) == (0, True)
    assert re.search(r"compression: a palette of \d+ colours, dithered\n", answer)
    assert "confidence: high" not in answer
    assert json.loads(Path("run.json").read_text())["compression"]["dithered"]
    x0, x = (files.read(Path(name)).pixels for name in ("a.gif", "a-dejpeg.png"))
    assert (
        np.square(x - clean.astype(float)).mean() < 0.2 * np.square(x0 - clean.astype(float)).mean()
    )
    answer = run("denoise", "a.gif", *FEW)[1]
    assert re.search(r"caution: it has a palette of \d+ colours, dithered, of which dejpeg", answer)


def test_booleans_are_refused_for_what_they_are(run):
    np.save("mask.npy", np.ones((32, 32), bool))
    code, _, err = run("denoise", "mask.npy", "-o", "out.png")
    assert code == 2
    assert "mask.npy has dtype bool; give integers or real numbers" in err


@pytest.mark.parametrize("ending", [".gif", ".webp", ".avif"])
def test_one_frame_of_an_animation_is_chosen(run, ending):
    frames = [Image.fromarray(PIXELS // n) for n in (1, 2, 3)]
    name = f"a{ending}"
    frames[0].save(name, save_all=True, append_images=frames[1:])
    code, _, err = run("denoise", name)
    assert (code, err.count("\n")) == (2, 1)
    assert f"{name} holds 3 frames; choose one by --page" in err
    code, _, err = run("denoise", name, "--page", 4)
    assert (code, err.strip()) == (2, f"dip: {name} has no page 4; it has 3")
    seen = files.read(Path(name), 3)
    assert np.abs(seen.pixels.astype(float) - PIXELS // 3).mean() < 8
    assert seen.coding is None, "its bytes are those of all frames"


def test_a_quality_is_taken_where_there_is_no_trace(run):
    answer = run("dejpeg", "photo.png", "--quality", "40", *FEW)[1]
    assert "compression: taken for about JPEG of quality 40, of which there is no trace" in answer
    assert "confidence: low" in answer
    assert "caution: there is no trace of compression" in answer


def test_without_blocks_the_quality_is_wanted(run):
    code, _, error = run("dejpeg", "photo.png", *FEW)
    assert code == 2
    assert error.count("\n") == 1
    assert "--quality" in error


def test_reruns_write_identical_files(run):
    for name in ("a.png", "b.png"):
        run("denoise", "photo.png", "-o", name, *FEW, "--seed", 3)
    run("denoise", "photo.png", "-o", "c.png", *FEW, "--seed", 4)
    a, b, c = (Path(f"{name}.png").read_bytes() for name in "abc")
    assert a == b != c


def test_record_tells_everything(run):
    code, out, _ = run(
        *("denoise", "photo.png", "--record", "r.json", "--reference", "flash.png"),
        *("--steps", 12, "--runs", 2, "--sigma", 25, "--seed", 5),
    )
    assert code == 0
    assert "24 steps of 2 fits in" in out
    record = json.loads(Path("r.json").read_text())
    assert record["task"] == "denoise"
    assert record["package"].startswith("deep-image-prior ")
    asked = {"sigma": 25, "steps": 12, "runs": 2, "seed": 5}
    own = {"noise": "auto", "strength": 1.0, "raw": None}
    assert record["choices"] == {
        "preset": "fast",
        "device": "auto",
        "stop": "auto",
        **asked,
        **own,
    }
    assert record["settings"]["steps"] == 12
    assert record["settings"]["turns"] == 8
    assert record["noise"] == {
        "kind": "white",
        "sigma": 25 / 255,
        "gain": 0,
        "clipped": True,
        "textured": False,
        "uneven": False,
    }
    for group, kind, name in (
        ("inputs", "image", "photo.png"),
        ("inputs", "reference", "flash.png"),
        ("outputs", "image", "photo-denoised.png"),
    ):
        entry = record[group][kind]
        assert entry == {
            "name": name,
            "sha256": hashlib.sha256(Path(name).read_bytes()).hexdigest(),
        }
    assert record["image"] == {"width": 32, "height": 32, "channels": 3, "dtype": "uint8"}
    assert record["steps"] == [12, 12]
    assert (record["stopped"], record["chosen"]) == ("budget: 12 steps", [12, 12])
    assert record["confidence"] in ("high", "medium", "low")
    assert record["uncertainty_db"] >= 0
    assert record["compression"] is None
    assert len(record["energy"]) == 24
    assert record["seconds"] > 0
    assert record["seconds_per_step"] == pytest.approx(record["seconds"] / 24, rel=0.01)
    assert record["peak_memory_bytes"] > 2**20
    assert (record["device"], record["threads"] > 0) == ("cpu", True)
    assert set(record["scores"]) == {"psnr", "ssim", "psnr_input", "ssim_input"}
    assert record["scores"]["psnr_input"] is None, "infinity is no JSON"


def test_a_clean_picture_is_said_to_be_clean(run):
    clean = data.coffee()[:256, :256].reshape(128, 2, 128, 2, 3).mean(axis=(1, 3))
    Image.fromarray(clean.astype(np.uint8)).save("clean.png")
    _, out, _ = run("denoise", "clean.png", "--steps", 5, "--record", "clean.json")
    assert "clean: what was taken out as noise is less than can be seen" in out
    assert json.loads(Path("clean.json").read_text())["clean"]
    _, out, _ = run("denoise", "photo.png", *FEW, "--record", "photo.json")
    assert "clean:" not in out
    assert not json.loads(Path("photo.json").read_text())["clean"]


def test_reference_reports_the_gain(run):
    Image.fromarray((255 * photograph(32)).astype(np.uint8)).save("clean.png")
    _, out, _ = run("denoise", "photo.png", "--reference", "clean.png", "--steps", 80)
    before, after = (float(word) for word in out.split("PSNR ")[1].split("\n")[0].split(" -> "))
    assert after > before + 2
    assert "SSIM 0." in out


def test_snapshots_show_the_way(run):
    assert (
        run(
            "denoise", "photo.png", "--steps", 6, "--runs", 2, "--snapshots", "snaps", "--every", 3
        )[0]
        == 0
    )
    names = sorted(path.name for path in Path("snaps").iterdir())
    assert names == [f"run{run}-step00000{step}.png" for run in (1, 2) for step in (3, 6)]
    last = np.asarray(Image.open("snaps/run1-step000006.png"))
    run("denoise", "photo.png", "--steps", 6, "-o", "one.png")
    np.testing.assert_array_equal(last, np.asarray(Image.open("one.png")))


def test_a_mask_that_leaves_little_is_named_and_doubted(run):
    Image.fromarray(255 - np.asarray(Image.open("mask.png"))).save("inverted.png")
    code, out, err = run("inpaint", "photo.png", "inverted.png", *FEW)
    assert code == 0
    assert err.count("note: the mask says that 95.31% of the pixels are missing") == 1
    assert "--mask-marks missing" in err
    assert "confidence: low" in out
    assert "caution: only 4.69% of the pixels were known" in out
    one = np.zeros((32, 32), np.uint8)
    one[3, 4] = 255
    made("one.png", one)
    made("gray.png", PIXELS[..., 0])
    code, _, err = run("inpaint", "gray.png", "one.png", *FEW)
    assert code == 2
    assert "the mask leaves 1 of 1024 pixels known" in err


def test_correlated_noise_is_told_and_strength_keeps_some(run):
    clean = photograph(96)
    grain = gaussian(np.random.default_rng(0).normal(size=clean.shape), 1, channel_axis=-1)
    made(
        "film.png", np.rint(255 * (clean + 0.05 * grain / grain.std()).clip(0, 1)).astype(np.uint8)
    )
    code, out, _ = run("denoise", "film.png", *FEW, "--record", "film.json")
    assert code == 0
    said = re.search(r"sigma (\S+) of 255 in luminance over (\S+) pixels, (\S+) in colour", out)
    assert 6 < float(said[1]) < 30
    assert 2 < float(said[2]) < 6
    noise = json.loads(Path("film.json").read_text())["noise"]
    assert noise["kind"] == "correlated"
    assert 255 * noise["colour"]["sigma"] == pytest.approx(float(said[3]), rel=0.1)
    run("denoise", "film.png", *FEW, "--strength", 0, "-o", "same.png")
    np.testing.assert_array_equal(
        np.asarray(Image.open("same.png")), np.asarray(Image.open("film.png"))
    )
    code, _, err = run("denoise", "film.png", *FEW, "--strength", 1.5, "-o", "more.png")
    assert code == 2
    assert err == "dip: strength is 1.5, but must be a number from 0 to 1\n"
    assert not Path("more.png").exists()


def test_stripes_and_units_are_told(run):
    clean = photograph(112)[..., 0]
    offsets = np.random.default_rng(0).normal(0, 10 / 255, (112, 1))
    for name, unit, of in (("a.tif", 1e-3, "of 255"), ("b.tif", 1e3, "in the units of the image")):
        tifffile.imwrite(name, (unit * (1 + clean + offsets)).astype(np.float32))
        code, out, _ = run("denoise", name, *FEW, "--record", f"{name}.json")
        assert code == 0
        rows = float(out.split("stripes: rows of sigma ")[1].split(",")[0])
        assert rows == pytest.approx(unit * (255 if unit < 1 else 1) * 10 / 255, rel=0.35)
        assert f"columns of 0 {of}" in out
        record = json.loads(Path(f"{name}.json").read_text())
        assert record["stripes"]["rows"] == pytest.approx(unit * 10 / 255, rel=0.35)
        assert not any("rows or columns" in each for each in record["cautions"])


def test_scores_of_pictures_in_any_unit(run):
    clean = photograph(32)[..., 0]
    for name, pixels in (("clean", clean), ("photo", noisy(clean))):
        for unit in (1, 1e-3, 1e3):
            tifffile.imwrite(f"{name}{unit}.tif", (unit * pixels).astype(np.float32))
        made(f"{name}.png", np.rint(255 * pixels).astype(np.uint8))
    scores = {}
    for photo, truth in (
        ("photo1.tif", "clean1.tif"),
        ("photo0.001.tif", "clean0.001.tif"),
        ("photo1000.0.tif", "clean1000.0.tif"),
        ("photo1.tif", "clean.png"),
        ("photo.png", "clean1.tif"),
    ):
        run("denoise", photo, *FEW, "--reference", truth, "--record", "r.json", "--overwrite")
        scores[photo, truth] = json.loads(Path("r.json").read_text())["scores"]["psnr_input"]
    white, faint, bright, *mixed = scores.values()
    assert white == pytest.approx(
        10 * np.log10(1 / np.square(noisy(clean) - clean).mean()), abs=0.01
    )
    assert mixed == pytest.approx([white, white], abs=0.1)
    assert faint == pytest.approx(bright, abs=0.01)
    assert faint == pytest.approx(white + 20 * np.log10(np.ptp(clean)), abs=0.01)


def test_quiet_says_nothing(run):
    assert run("denoise", "photo.png", *FEW, "-q")[1:] == ("", "")


def test_mask_of_many_values_is_thresholded_aloud(run):
    Image.fromarray(np.asarray(Image.open("mask.png")) // 2 + PIXELS[..., 0] // 9).save("gray.png")
    code, _, err = run("inpaint", "photo.png", "gray.png", *FEW)
    assert code == 0
    assert err.count("note: the mask is not only 0 and 255") == 1


def damaged(name: str) -> str:
    content = Path("photo.png").read_bytes()
    Path(name).write_bytes(content[: len(content) // 2])
    return name


def made(name: str, pixels) -> str:
    tifffile.imwrite(name, pixels) if name.endswith(".tif") else Image.fromarray(pixels).save(name)
    return name


def kernel(name: str) -> str:
    return made(name, np.full((3, 3), 9, np.uint8))


def text(name: str) -> str:
    np.save(name, np.full((3, 3), "x"))
    return name


def bomb(name: str) -> str:
    """A small file that says it holds 10^12 pixels."""
    small = encoded(Picture(np.zeros((2, 2, 1), np.uint8)), ".png")
    header = b"IHDR" + struct.pack(">II", 10**6, 10**6) + small[24:29]
    content = small[:12] + header + struct.pack(">I", zlib.crc32(header)) + small[33:]
    Path(name).write_bytes(content)
    return name


def pipe(name: str) -> str:
    os.mkfifo(name)
    return name


def dangling(name: str) -> str:
    if not Path(name).is_symlink():
        Path(name).symlink_to("nowhere.png")
    return name


def ramp(name: str) -> str:
    return made(name, np.tile(np.arange(128, dtype=np.uint8), (128, 1)))


INFINITE = np.where(np.eye(8), np.inf, 1).astype(np.float32)
BAD = {
    "missing file": (lambda: ["denoise", "no.png"], "no.png does not exist"),
    "folder": (lambda: ["denoise", "."], "several pictures need a folder"),
    "not an image": (lambda: ["denoise", __file__], "is not an image"),
    "truncated": (lambda: ["denoise", damaged("half.png")], "half.png is damaged or truncated"),
    "zero wide": (
        lambda: ["denoise", made("a.tif", np.zeros((1, 4), np.uint16))],
        "a.tif is 4 x 1 pixels",
    ),
    "infinite": (
        lambda: ["denoise", made("inf.tif", INFINITE)],
        "inf.tif has 8 NaN or infinite values",
    ),
    "constant": (
        lambda: ["denoise", made("flat.png", np.full((8, 8), 7, np.uint8))],
        "flat.png is constant",
    ),
    "bomb": (
        lambda: ["denoise", bomb("bomb.png")],
        "bomb.png is 1000000 x 1000000 pixels,",
    ),
    "mask size": (
        lambda: ["inpaint", "photo.png", made("m.png", PIXELS[:9, :9, 0])],
        "the mask has shape (9, 9)",
    ),
    "mask all known": (
        lambda: ["inpaint", "photo.png", made("m.png", np.full((32, 32), 255, np.uint8))],
        "every pixel is known",
    ),
    "mask all missing": (
        lambda: ["inpaint", "photo.png", made("m.png", np.zeros((32, 32), np.uint8))],
        "every pixel is missing",
    ),
    "mask missing": (lambda: ["inpaint", "photo.png", "no.png"], "no.png does not exist"),
    "flash size": (
        lambda: ["flash", "photo.png", made("f.png", PIXELS[:9])],
        "flash photo is 32 x 9",
    ),
    "factor": (
        lambda: ["upscale", "photo.png", "--factor", "5"],
        "'5' is not one of '2', '3', '4', '8'",
    ),
    "factor too large": (
        lambda: ["upscale", ramp("ramp.png"), "--factor", "8", "--memory", "1MiB"],
        "set TMPDIR to a folder with more room",
    ),
    "no kernel": (
        lambda: ["deblur", "photo.png", "--psf", "lens:3"],
        "there is no kernel or file 'lens:3'; give gaussian:SIGMA, disk:RADIUS, motion:LENGTH",
    ),
    "output is the kernel": (
        lambda: ["deblur", "photo.png", "--psf", kernel("k.png"), "-o", "k.png", "--overwrite"],
        "k.png is an input; write to another name",
    ),
    "a kernel of text": (lambda: ["deblur", "photo.png", "--psf", text("k.npy")], "dtype <U1"),
    "a large kernel": (
        lambda: ["deblur", "photo.png", "--psf", "disk:20"],
        "the kernel is 41 x 41 pixels, larger than the picture, 32 x 32",
    ),
    "a kernel of colours that is flat": (
        lambda: ["deblur", "photo.png", "--psf", made("k.png", np.zeros((3, 3), np.uint8))],
        "not 0 everywhere",
    ),
    "no factor": (lambda: ["upscale", "photo.png"], "Missing option '--factor'"),
    "no folder": (lambda: ["denoise", "photo.png", "-o", "no/out.png"], "no is not a folder"),
    "read-only folder": (lambda: ["denoise", "photo.png", "-o", "/proc/out.png"], "/proc"),
    "output exists": (lambda: ["denoise", "photo.png", "-o", "flash.png"], "flash.png exists"),
    "output is the input": (
        lambda: ["denoise", "photo.png", "-o", "photo.png"],
        "photo.png exists",
    ),
    "output format": (
        lambda: ["denoise", "photo.png", "-o", "out.xyz"],
        "out.xyz has no known image format",
    ),
    "output depth": (
        lambda: ["denoise", made("d.tif", PIXELS.astype(np.uint16)), "-o", "d.jpg"],
        "d.jpg cannot hold uint16",
    ),
    "record exists": (lambda: ["denoise", "photo.png", "--record", "mask.png"], "mask.png exists"),
    "snapshots in a file": (
        lambda: ["denoise", "photo.png", "--snapshots", "flash.png", "--overwrite"],
        "flash.png is a file",
    ),
    "snapshots in use": (
        lambda: ["denoise", "photo.png", "--snapshots", "."],
        "not an empty folder",
    ),
    "record is the output": (
        lambda: ["denoise", "photo.png", "-o", "r.png", "--record", "r.png", "--overwrite"],
        "r.png would be written twice",
    ),
    "record is the input": (
        lambda: ["denoise", "photo.png", "--record", "photo.png", "--overwrite"],
        "photo.png is an input",
    ),
    "record is the reference": (
        lambda: [
            "denoise",
            "photo.png",
            "--reference",
            "flash.png",
            "--record",
            "flash.png",
            "--overwrite",
        ],
        "flash.png is an input",
    ),
    "named pipe": (
        lambda: ["denoise", "photo.png", "--record", pipe("pipe"), "--overwrite"],
        "is no plain file",
    ),
    "dangling link": (
        lambda: ["denoise", "photo.png", "-o", dangling("link.png")],
        "link.png exists",
    ),
    "boost": (lambda: ["enhance", "photo.png", "--boost", "nan"], "boost is nan"),
    "too wide for WebP": (
        lambda: ["denoise", made("wide.png", np.tile(PIXELS[:2], (1, 600, 1))), "-o", "wide.webp"],
        "wide.webp cannot hold 19200 pixels a side",
    ),
    "snapshots and bad sigma": (
        lambda: ["denoise", "photo.png", "--snapshots", "new", "--sigma", "-1"],
        "sigma is -1.0, but must be",
    ),
    "a pipe to read": (lambda: ["denoise", pipe("waits.png")], "waits.png is no plain file"),
    "a long name": (
        lambda: ["denoise", "photo.png", "-o", "x" * 236 + ".png"],
        "is longer than 230 bytes",
    ),
    "map and result in one": (
        lambda: ["denoise", "photo.png", "-o", "r.png", "--uncertainty", "r.png"],
        "r.png would be written twice",
    ),
    "map over the picture": (
        lambda: ["denoise", "photo.png", "--uncertainty", "photo.png", "--overwrite"],
        "photo.png is an input; write to another name",
    ),
    "map of no format": (
        lambda: ["denoise", "photo.png", "--uncertainty", "map.xyz"],
        "map.xyz has no known image format",
    ),
    "record is the snapshots": (
        lambda: ["denoise", "photo.png", "--record", "new", "--snapshots", "new"],
        "new would be the record and the snapshots",
    ),
    "a rule that needs a residual": (
        lambda: ["inpaint", "photo.png", "mask.png", "--stop", "discrepancy", "--sigma", "5"],
        "this rule has no use here",
    ),
    "a rule that needs the whole": (
        lambda: ["denoise", "photo.png", "--stop", "variance", "--window", "16"],
        "this rule compares whole images",
    ),
    "every alone": (lambda: ["denoise", "photo.png", "--every", "5"], "--every needs --snapshots"),
    "reference size": (
        lambda: ["denoise", "photo.png", "--reference", made("r.png", PIXELS[:9])],
        "r.png is 32 x 9 with 3 channels",
    ),
    "preset": (
        lambda: ["denoise", "photo.png", "--preset", "nice"],
        "'nice' is not one of 'fast', 'best', 'paper'",
    ),
    "device": (lambda: ["denoise", "photo.png", "--device", "mps"], "device mps is not there"),
    "steps": (lambda: ["denoise", "photo.png", "--steps", "0"], "steps is 0"),
    "sigma": (
        lambda: ["denoise", "photo.png", "--sigma", "-3"],
        "sigma is -3.0, but must be a number above 0",
    ),
    "window": (lambda: ["denoise", "photo.png", "--window", "1"], "window is 1, but must be 0 or"),
    "checkpoint": (
        lambda: ["denoise", "photo.png", "--checkpoint", "mask.png"],
        "mask.png is a file; give a folder",
    ),
    "NaN sigma": (
        lambda: ["denoise", "photo.png", "--sigma", "nan"],
        "sigma is nan, but must be a number above 0",
    ),
    "unknown task": (lambda: ["denoize", "photo.png"], "No such command 'denoize'"),
    "unknown flag": (lambda: ["denoise", "photo.png", "--stepz", "4"], "No such option"),
    "no image": (lambda: ["denoise"], "there is no picture; name one"),
    "no mask": (
        lambda: ["inpaint", "photo.png"],
        "photo.png would be the MASK; name the IMAGE before it",
    ),
    "no flash": (lambda: ["flash", "photo.png"], "photo.png would be the FLASH; name the IMAGE"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_exit_code_2_and_nothing_written(run, case, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=2**20))
    arguments, reason = BAD[case]
    given = arguments()
    before = {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    code, out, err = run(*given, *([] if "--steps" in given else FEW))
    assert code == 2, err
    assert reason in err
    assert err.startswith("dip: ")
    assert err.count("\n") == 1
    assert out == ""
    assert {path: path.read_bytes() for path in Path().iterdir() if path.is_file()} == before


def test_overwrite_is_allowed_when_told(run):
    assert run("denoise", "photo.png", "-o", "flash.png", "--overwrite", *FEW)[0] == 0
    assert not np.array_equal(np.asarray(Image.open("flash.png")), PIXELS)


def test_a_link_stays_a_link_and_a_file_keeps_its_permissions(run):
    Path("far").mkdir()
    Path("far/real.png").write_bytes(b"old")
    Path("far/real.png").chmod(0o600)
    Path("link.png").symlink_to("far/real.png")
    assert run("denoise", "photo.png", "-o", "link.png", "--overwrite", *FEW)[0] == 0
    assert Path("link.png").is_symlink()
    assert files.read(Path("far/real.png")).pixels.shape == (32, 32, 3)
    assert Path("far/real.png").stat().st_mode & 0o777 == 0o600


def test_names_of_files_may_be_any_bytes(run):
    name = os.fsdecode(b"caf\xe9.png")
    try:
        shutil.copy("photo.png", name)
    except OSError:
        pytest.skip("this file system wants names in UTF-8")
    code, out, _ = run("denoise", name, *FEW, "--record", "r.json")
    assert code == 0
    assert "wrote caf\\udce9-denoised.png" in out
    assert json.loads(Path("r.json").read_text())["inputs"]["image"]["name"] == name


def test_the_transparency_of_a_mask_is_not_looked_at_and_that_is_said(run):
    mask = np.asarray(Image.open("mask.png"))
    Image.fromarray(np.dstack([mask] * 4)).save("clear.png")
    code, _, err = run("inpaint", "photo.png", "clear.png", *FEW)
    assert code == 0
    assert "note: the transparency of clear.png is not looked at" in err


def test_a_result_that_cannot_be_written_is_rescued(run, monkeypatch):
    def full(path, content, overwrite):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_atomically", full)
    code, _, err = run("denoise", "photo.png", *FEW)
    assert code == 1
    assert "No space left on device" in err
    rescued = Path(err.split("saved as ")[1].split("\n")[0])
    assert files.read(rescued).pixels.shape == (32, 32, 3)


def test_in_place_records_the_hash_of_what_was_read(run):
    before = hashlib.sha256(Path("photo.png").read_bytes()).hexdigest()
    run("denoise", "photo.png", "-o", "photo.png", "--overwrite", "--record", "r.json", *FEW)
    record = json.loads(Path("r.json").read_text())
    assert record["inputs"]["image"]["sha256"] == before
    assert (
        record["outputs"]["image"]["sha256"]
        == hashlib.sha256(Path("photo.png").read_bytes()).hexdigest()
        != before
    )


def test_ctrl_c_while_saving_is_too_late_to_harm(run, monkeypatch):
    encode = files.encode

    def impatient(picture, suffix, file):
        if len(picture.pixels) > 2:  # not the corner that is tried first
            os.kill(os.getpid(), signal.SIGINT)
        encode(picture, suffix, file)

    monkeypatch.setattr(files, "encode", impatient)
    assert run("denoise", "photo.png", *FEW)[0] == 0
    assert Path("photo-denoised.png").exists()


def test_a_destabilised_fit_saves_its_best_and_fails(run):
    steep = ("--learning-rate", "1e30", "--max-rollbacks", "2", "-q")
    code, _, err = run("enhance", "photo.png", "--preset", "paper", *steep)
    assert code == 1
    assert "not complete" in err
    assert "destabilised" in err
    assert Path("photo-enhanced.png").exists()


def test_a_fit_in_windows_that_destabilises_leaves_the_image_it_began_with(run, monkeypatch):
    monkeypatch.setattr(sure, "PROBES", 2)  # of which a step sees one
    steep = ("--steps", 60, "--learning-rate")
    for rate in ("1e30", "10"):
        code, out, err = run("denoise", "photo.png", "--overwrite", *steep, rate)
        assert (code, "low" in out) == (0, True), out + err
        made = files.read(Path("photo-denoised.png")).pixels
        clean = 255 * photograph(32)
        assert np.square(made - clean).mean() < 0.3 * np.square(PIXELS - clean).mean()


def test_scores_of_unclipped_floats_have_the_peak_of_the_clean_image(run):
    clean = photograph(32).astype(np.float32)
    tifffile.imwrite("clean.tif", clean, photometric="rgb")
    tifffile.imwrite("given.tif", clean + np.float32(0.1), photometric="rgb")
    run("denoise", "given.tif", "--reference", "clean.tif", "--record", "r.json", *FEW)
    assert json.loads(Path("r.json").read_text())["scores"]["psnr_input"] == pytest.approx(
        20, abs=1e-3
    )


def test_twelve_bits_in_sixteen_are_said_aloud(run):
    made("d.tif", PIXELS.astype(np.uint16) * 16)
    assert "above 4095, which counts as white" in run("denoise", "d.tif", *FEW)[2]


def test_alone_it_shows_help(run):
    code, out, _ = run()
    assert code == 2
    assert "upscale" in out


def test_failing_snapshots_do_not_end_the_fit(run, monkeypatch):
    write = files.write_atomically

    def full(path, content, overwrite):
        if path.parent.name == "snaps":
            raise OSError(28, "No space left on device")
        write(path, content, overwrite)

    monkeypatch.setattr(files, "write_atomically", full)
    code, _, err = run("denoise", "photo.png", *FEW, "--snapshots", "snaps", "--every", 1)
    assert code == 0
    assert err.count("no snapshots from here on") == 1
    assert Path("photo-denoised.png").exists()


def test_a_large_picture_is_fitted_on_windows_and_written_whole(run, monkeypatch):
    monkeypatch.setattr("deep_image_prior.anywhere.LARGEST", 30 * 30)
    options = ("--sigma", 25, "--steps", 4, "--snapshots", "snaps", "--every", 2)
    code, _, err = run("denoise", "photo.png", *options)
    assert code == 0
    assert "no snapshots" not in err
    result = np.asarray(Image.open("photo-denoised.png"))
    assert result.shape == (32, 32, 3)
    first, last = (np.asarray(Image.open(path)) for path in sorted(Path("snaps").iterdir()))
    assert np.array_equal(last, result), "what is restored after the last step"
    assert not np.array_equal(first, result)


def test_snapshots_end_where_a_step_knows_only_a_tile(run, monkeypatch):
    monkeypatch.setattr("deep_image_prior.memory.Memory.check", lambda *_: None)
    suffices = iter([False, True])
    monkeypatch.setattr("deep_image_prior.memory.Memory.suffices", lambda *_: next(suffices))
    options = ("--sigma", 25, "--steps", 4, "--snapshots", "snaps", "--every", 2)
    code, _, err = run("denoise", "photo.png", *options)
    assert code == 0
    assert "no snapshots from here on: memory holds only one tile at a time" in err


def test_ctrl_c_while_applying_saves_what_was_learned(run, monkeypatch):
    monkeypatch.setattr("deep_image_prior.anywhere.LARGEST", 30 * 30)
    tell = Watcher.tell

    def interrupted(watch, phase):
        tell(watch, phase)
        if phase.name == "applying":
            raise KeyboardInterrupt

    options = ("denoise", "photo.png", "--sigma", 25, "--steps", 2, "-o")
    assert run(*options, "whole.png")[0] == 0
    monkeypatch.setattr(Watcher, "tell", interrupted)
    code, out, err = run(*options, "interrupted.png")
    assert code == 130
    assert "interrupted after the last step" in out
    assert "not complete" not in err
    assert Path("interrupted.png").read_bytes() == Path("whole.png").read_bytes()


@pytest.mark.parametrize("mine", [[], ["photo-so-far.png"], ["r-so-far.json"]])
def test_what_is_not_complete_replaces_no_file(run, monkeypatch, mine):
    def interrupted(watch, step):
        raise KeyboardInterrupt

    monkeypatch.setattr(Watcher, "__call__", interrupted)
    for name in ("r.json", *mine):
        Path(name).write_text("mine")
    before = {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    maps = ("--uncertainty", "map.tif")  # is not there yet
    options = ("--sigma", 25, "--steps", 9, "--record", "r.json", *maps, "--overwrite")
    code, out, err = run("denoise", "photo.png", "-o", "photo.png", *options)
    assert code == 130
    assert "not replaced, as it is not complete: photo.png, r.json" in err
    assert all(path.read_bytes() == content for path, content in before.items())
    end = "-so-far-2" if mine else "-so-far"
    assert f"wrote photo{end}.png" in out
    assert files.read(Path(f"photo{end}.png")).pixels.shape == (32, 32, 3)
    told = json.loads(Path(f"r{end}.json").read_text())
    assert "interrupted" in told["stopped"]
    assert told["outputs"]["image"]["name"] == f"photo{end}.png"
    assert not Path("map.tif").exists(), "files of one run have one name"


def test_what_is_not_complete_has_the_name_that_was_asked_for_if_that_is_free(run, monkeypatch):
    def interrupted(watch, step):
        raise KeyboardInterrupt

    monkeypatch.setattr(Watcher, "__call__", interrupted)
    code, out, err = run("denoise", "photo.png", "--sigma", 25, "--steps", 9, "--overwrite")
    assert (code, "not replaced" in err) == (130, False)
    assert "wrote photo-denoised.png" in out


def test_ctrl_c_again_and_again_while_applying_writes_nothing_and_says_so(run, monkeypatch):
    monkeypatch.setattr("deep_image_prior.anywhere.LARGEST", 30 * 30)
    tell = Watcher.tell

    def interrupted(watch, phase):
        tell(watch, phase)
        if phase.name.startswith("applying"):
            raise KeyboardInterrupt

    monkeypatch.setattr(Watcher, "tell", interrupted)
    code, _, err = run("denoise", "photo.png", "--sigma", 25, "--steps", 2)
    assert code == 130
    assert err.strip().endswith("dip: interrupted; nothing was written")
    assert not Path("photo-denoised.png").exists()


@pytest.mark.parametrize("size", ["4GiB", "500 MB", "2g", "1000000000"])
def test_memory_as_people_write_it(run, size):
    assert run("denoise", "photo.png", "--memory", size, *FEW)[0] == 0


def test_no_memory_is_one_line(run):
    for size, message in (("much", "--memory much is no size"), ("1kB", "pixels need about")):
        code, _, err = run("denoise", "photo.png", "--preset", "paper", "--memory", size, *FEW)
        assert code == 2
        assert message in err
        assert "Traceback" not in err


def test_a_checkpoint_is_removed_in_the_end_and_refused_for_another_picture(run):
    assert run("denoise", "photo.png", "--checkpoint", "kept", *FEW)[0] == 0
    assert not Path("kept").exists()
    Path("kept").mkdir()
    Path("kept/letter").write_text("mine")
    code, _, err = run("denoise", "photo.png", "--checkpoint", "kept", "--overwrite", *FEW)
    assert code == 2
    assert "kept is a folder of other files" in err


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cpu:zero"])
def test_a_device_that_is_not_there_is_one_line(run, device):
    code, _, err = run("denoise", "photo.png", "--device", device, *FEW)
    assert code == 2
    assert "device" in err
    assert "Traceback" not in err


def start(*arguments: str, **streams: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "deep_image_prior", *arguments]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    return subprocess.Popen(command, text=True, **streams)


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signals")
def test_interrupt_saves_the_best_so_far(folder, begun, kind):
    process, out, err = begun(
        *("denoise", "photo.png", "--steps", "100000", "--stop", "never"),
        *("--learning-rate", "1e-6", "--snapshots", "snaps", "--every", "2", "--record", "r.json"),
    )
    while not list(folder.glob("snaps/*4.png")) and process.is_alive():
        time.sleep(0.05)
    os.kill(process.pid, kind)
    process.join(180)
    out, err = out.read_text(), err.read_text()
    assert process.exitcode == 130, out + err
    assert "Traceback" not in err
    assert "interrupted at step" in out
    assert files.read(folder / "photo-denoised.png").pixels.shape == (32, 32, 3)
    assert "interrupted" in json.loads((folder / "r.json").read_text())["stopped"]


def test_a_kernel_from_a_file_is_in_the_record(run):
    arguments = ("deblur", "photo.png", "--psf", kernel("k.png"), "--record", "r.json", *FEW)
    assert run(*arguments)[0] == 0
    inputs = json.loads(Path("r.json").read_text())["inputs"]
    expected = hashlib.sha256(Path("k.png").read_bytes()).hexdigest()
    assert inputs["psf"]["sha256"] == expected


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signals")
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_before_there_is_anything_is_one_line(folder, kind):
    code = (
        "import signal, sys, time; sys.argv = ['dip', 'denoise', 'photo.png']\n"
        "from deep_image_prior import __main__, files\n"
        "files.read = lambda *path: (print('reading', flush=True), time.sleep(60))\n"
        "__main__.main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "reading\n"
    process.send_signal(kind)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "dip: interrupted; nothing was written\n")


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({}, "10000"),
        ({"GOMP_SPINCOUNT": "7"}, "7"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "None"),
    ],
)
def test_threads_that_wait_soon_give_way_before_torch_is_loaded(told, found):
    code = (
        "import os, sys; sys.argv = ['dip']\n"
        "from deep_image_prior import __main__\n"
        "from deep_image_prior.app import cli\n"
        "cli.run = lambda: print(os.environ.get('GOMP_SPINCOUNT'), 'torch' in sys.modules)\n"
        "__main__.main()"
    )
    names = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    clean = {name: value for name, value in os.environ.items() if name not in names}
    out = subprocess.check_output([sys.executable, "-c", code], env=clean | told, text=True)
    assert out.split() == [found, "False"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
def test_a_reader_that_goes_away_is_no_failure(folder):
    process = start("denoise", "photo.png", *FEW)
    process.stdout.close()
    with process:
        assert process.wait(timeout=180) == 0, process.stderr.read()
    assert Path("photo-denoised.png").exists()


def test_help_and_version_list_the_choices(run):
    _, out, _ = run("inpaint", "--help")
    for name in (
        "fast|best|paper",
        "text|random|large",
        "known|missing",
        "auto|cpu|cuda|mps",
        "--learning-rate",
        "--jitter",
    ):
        assert name in out
    assert run("--version")[1].startswith("dip, version ")


def test_demo_writes_a_panel_and_a_table(run, monkeypatch):
    monkeypatch.setattr("deep_image_prior.app.demo.photograph", lambda: photograph(64))
    code, out, _ = run("demo", "-q")
    assert code == 0
    with Image.open("dip-demo.png") as panel:
        width, height = panel.size
    assert width >= 4 * 64 + 5 * 8
    assert height == 64 + 32
    rows = {
        line.split("│")[1].strip(): line.split("│")[2:]
        for line in out.splitlines()
        if line.startswith("│")
    }
    assert float(rows["deep image prior"][0]) > float(rows["noisy"][0]) + 6
    assert "non-local means" in rows
    assert run("demo", "-q")[0] == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")
def test_where_nothing_can_be_said_the_picture_is_made(folder):
    with Path("/dev/full").open("w") as full:
        _, err = start("denoise", "photo.png", *FEW, stdout=full).communicate(timeout=180)
        refused = start("denoise", "no.png", stderr=full)
        out, _ = refused.communicate(timeout=180)
    assert "what dip says cannot be written to <stdout> (No space left on device)" in err
    assert "Traceback" not in err
    assert Path("photo-denoised.png").exists()
    assert (refused.returncode, out) == (2, "")


@pytest.mark.skipif(os.name == "nt", reason="by a shell of POSIX")
def test_without_an_output_it_says_nothing(folder):
    command = shlex.join([sys.executable, "-m", "deep_image_prior", "denoise", "photo.png", *FEW])
    done = subprocess.run(f"{command} >&- 2>&-", shell=True, timeout=180, check=False)
    assert done.returncode == 0
    assert Path("photo-denoised.png").exists()
