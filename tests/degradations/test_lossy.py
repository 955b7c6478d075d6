import io

import numpy as np
import pytest
import torch
from helpers import photograph, tensor
from PIL import Image

from deep_image_prior import files
from deep_image_prior.degradations import Compression, Lossy, jpeg_traces, lossy_traces
from deep_image_prior.degradations.lossy_traces import detect

CLEAN = np.rint(255 * photograph(192)).astype(np.uint8)


def coded(pixels, format="JPEG", **how):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format, **how)
    return np.asarray(Image.open(buffer).convert("RGB"))


def scaled(pixels, factor):
    size = [round(factor * side) for side in pixels.shape[1::-1]]
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def found(pixels, **known):
    return detect(tensor(pixels / 255), **known)


@pytest.mark.parametrize("factor", [0.7, 1.0, 1.37, 2.0])
def test_the_size_that_was_compressed_is_found(factor):
    x0 = scaled(coded(CLEAN, quality=15), factor)[5:, 3:]
    made = found(x0)
    if factor == 1:
        assert made == Compression(15, top=11, left=13)
        return
    assert made.format == "JPEG"
    assert made.scale == pytest.approx(factor, rel=0.005)
    assert 5 <= made.quality <= 30
    assert found(x0, quality=44).quality == 44


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.5])
def test_a_picture_as_it_was_taken_has_no_trace(factor):
    assert found(scaled(CLEAN, factor)) is None


def test_what_was_compressed_less_is_found_to_be():
    strong, weak = (found(scaled(coded(CLEAN, quality=q), 1.5)) for q in (12, 50))
    assert strong.quality < weak.quality


@pytest.mark.parametrize("factor", [0.75, 1.5])
@pytest.mark.parametrize("quality", [20, 40])
def test_how_strong_it_was_is_told_by_the_height_of_lines(quality, factor):
    made = found(scaled(coded(CLEAN, quality=quality), factor))
    assert quality <= made.quality <= 2 * quality, "rather too fine than too coarse"


def test_lines_of_a_finer_compression_since_are_no_trace_of_one_before():
    assert found(coded(CLEAN, quality=60)) == Compression(60)


@pytest.mark.parametrize("factor", [0.75, 1.0, 1.5])
def test_what_was_saved_again_is_of_the_coarser_compression(tmp_path, factor):
    path = tmp_path / "again.jpg"
    Image.fromarray(scaled(coded(CLEAN, quality=12), factor)[3:, 5:]).save(path, quality=88)
    picture = files.read(path)
    made = found(picture.pixels, file=picture.coding)
    assert made.since == Compression.of_file(picture.coding)
    assert made.scale == pytest.approx(factor, rel=0.005)
    assert 5 <= made.quality <= 40
    assert "saved again as JPEG of quality 88" in made.sentence
    if factor == 1:
        assert (made.top, made.left) == (5, 3)
    Image.fromarray(scaled(CLEAN, factor)).save(path, quality=88)
    picture = files.read(path)
    assert found(picture.pixels, file=picture.coding) == Compression.of_file(picture.coding)


@pytest.mark.parametrize(("before", "last"), [(10, 60), (10, 75), (20, 90), (30, 90)])
def test_of_a_small_picture_an_older_compression_on_another_grid_is_told(before, last):
    cut = coded(CLEAN, quality=before)[3:123, 5:125]
    x0 = coded(cut, quality=last)
    made = found(x0)
    finer = round(lossy_traces.FINER * before)  # for too fine costs less
    assert made == Lossy(finer, top=5, left=3, since=Compression(last))
    assert jpeg_traces.older(jpeg_traces.luma(tensor(x0 / 255)), Compression(last)) == Compression(
        before, 5, 3
    )
    assert found(coded(CLEAN[3:123, 5:125], quality=last)) == Compression(last)


@pytest.mark.parametrize("format", ["WEBP", "AVIF"])
@pytest.mark.parametrize("quality", [15, 40, 70])
def test_the_size_of_a_file_says_how_it_was_compressed(tmp_path, format, quality):
    path = tmp_path / f"picture.{format.lower()}"
    Image.fromarray(CLEAN).save(path, quality=quality, exif=Image.Exif())
    picture = files.read(path)
    assert picture.coding.format == format
    made = found(picture.pixels, file=picture.coding)
    assert (made.format, made.scale) == (format, 1)
    assert made.quality == pytest.approx(quality, abs=12)
    assert found(picture.pixels, file=picture.coding, quality=33) == Lossy(33, format)


@pytest.mark.parametrize(("format", "quality"), [("WEBP", 85), ("AVIF", 85), ("WEBP", 98)])
def test_jpeg_before_a_finer_file_of_another_kind_is_found(tmp_path, format, quality):
    path = tmp_path / f"picture.{format.lower()}"
    Image.fromarray(coded(CLEAN, quality=10)).save(path, quality=quality)
    picture = files.read(path)
    made = found(picture.pixels, file=picture.coding)
    assert isinstance(made, Compression)
    assert made.quality == pytest.approx(10, abs=3)


def test_of_a_large_file_the_middle_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(lossy_traces, "SIDE", 128)
    path = tmp_path / "picture.webp"
    half_flat = np.concatenate([CLEAN, np.full_like(CLEAN, 128)])
    for quality in (20, 60):
        Image.fromarray(half_flat).save(path, quality=quality)
        picture = files.read(path)
        made = found(picture.pixels, file=picture.coding)
        assert made.quality == pytest.approx(quality, abs=15)


def test_what_was_kept_without_loss_has_nothing_to_be_undone(tmp_path):
    path = tmp_path / "picture.webp"
    Image.fromarray(CLEAN).save(path, lossless=True)
    assert files.read(path).coding is None
    Image.fromarray(CLEAN).save(path, quality=99)
    picture = files.read(path)
    assert found(picture.pixels, file=picture.coding) is None


def test_a_quality_is_taken_where_there_is_no_trace():
    assert found(CLEAN) is None
    assert found(CLEAN, quality=30) == Lossy(30, traced=False)
    assert "no trace" in Lossy(30, traced=False).sentence
    assert "no trace" not in Lossy(30).sentence
    assert "1.50 times" in Lossy(30, scale=1.5).sentence


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_compression_keeps_size_and_channels_and_moves_with_its_grid(format, channels):
    image = tensor(CLEAN[:75, :90] / 255)[:, [0, 1, 2, 0][:channels]]
    made = Lossy(20, format, scale=1.0)
    kept = made.compress(image)
    assert kept.shape == image.shape
    assert 1e-5 < (kept - image).square().mean() < 1e-2
    moved = made.at(3, 5).compress(image[..., 3:, 5:])
    inside = (slice(None), slice(None), slice(16, -16), slice(16, -16))
    if format == "JPEG":
        torch.testing.assert_close(moved[inside], kept[..., 3:, 5:][inside], atol=0.02, rtol=0)
    assert made.project(image, kept) is image


def test_in_another_size_it_is_compressed_before():
    image = tensor(CLEAN / 255)
    errors = [(Lossy(10, scale=s).compress(image) - image).square().mean() for s in (0.5, 1.0, 2.0)]
    assert errors[2] > errors[1], "half of the pixels a side keep less"
    assert found(
        np.rint(255 * Lossy(10, scale=1.5).compress(image)[0].permute(1, 2, 0).numpy()).astype(
            np.uint8
        )
    ).scale == pytest.approx(1.5, rel=0.005)


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF"])
def test_artefacts_are_about_as_large_as_what_compression_changes(format):
    image = tensor(CLEAN / 255)
    for quality in (10, 50):
        made = Lossy(quality, format)
        kept = made.compress(image)
        drawn, own = made.artefacts(kept).std(), (kept - image).std()
        assert 0.5 * own < drawn < 4 * own
    assert Lossy(10, format).artefacts(image).std() > Lossy(60, format).artefacts(image).std()
