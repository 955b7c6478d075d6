import io
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tifffile
from helpers import encoded
from PIL import Image, ImageCms, ImageOps

from deep_image_prior import BadInput, files, storage
from deep_image_prior.files import Picture

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
RANDOM = np.random.default_rng(0)


def samples(dtype: str, channels: int, height: int = 5, width: int = 7):
    if dtype.startswith("float"):
        return RANDOM.normal(size=(height, width, channels)).astype(dtype)
    return RANDOM.integers(
        0, np.iinfo(dtype).max, (height, width, channels), dtype=dtype, endpoint=True
    )


def exif() -> Image.Exif:
    tags = Image.Exif()
    tags[271], tags[315] = "Zeiss", "somebody"
    tags.get_ifd(0x8769)[0x829A] = 0.25  # exposure time
    tags.get_ifd(0x8825)[0x0006] = 12.5  # altitude
    return tags


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize(
    ("suffix", "dtype"),
    [
        (".png", "uint8"),
        (".png", "uint16"),
        (".tif", "uint8"),
        (".tif", "uint16"),
        (".tiff", "float32"),
    ]
    + [(".tif", dtype) for dtype in ("int16", "uint32", "int32", "float16", "float64")],
)
def test_pixels_alpha_and_metadata_come_back(tmp_path, suffix, dtype, channels, alpha):
    mask = samples(dtype, 1)[..., 0] if alpha else None
    picture = Picture(
        samples(dtype, channels), mask, PROFILE if channels == 3 else None, exif(), (300.0, 150.0)
    )
    path = tmp_path / f"a{suffix}"
    path.write_bytes(encoded(picture, suffix))
    back = files.read(path)
    assert back.pixels.dtype == dtype
    np.testing.assert_array_equal(back.pixels, picture.pixels)
    assert (back.alpha is None) == (mask is None)
    if mask is not None:
        np.testing.assert_array_equal(back.alpha, mask)
    assert back.profile == picture.profile
    assert back.dpi == pytest.approx((300, 150), rel=1e-3)
    assert (back.exif[271], back.exif[315]) == ("Zeiss", "somebody")
    assert float(back.exif.get_ifd(0x8769)[0x829A]) == 0.25
    assert float(back.exif.get_ifd(0x8825)[0x0006]) == 12.5


@pytest.mark.parametrize("suffix", [".webp", ".bmp", ".jpg", ".jpeg"])
def test_other_formats(tmp_path, suffix):
    smooth = np.linspace(0, 255, 16 * 16 * 3).reshape(16, 16, 3).astype(np.uint8)
    keeps = suffix != ".bmp"
    picture = Picture(
        smooth, None, PROFILE if keeps else None, exif() if keeps else None, (72.0, 72.0)
    )
    path = tmp_path / f"a{suffix}"
    path.write_bytes(encoded(picture, suffix))
    back = files.read(path)
    lossless = suffix in (".webp", ".bmp")
    np.testing.assert_allclose(back.pixels, smooth, atol=0 if lossless else 4)
    assert back.profile == picture.profile
    assert (back.exif or {}).get(271) == ("Zeiss" if keeps else None)


def test_webp_keeps_alpha_and_what_lies_under_it(tmp_path):
    picture = Picture(samples("uint8", 3), np.where(np.eye(5, 7), 0, 200).astype(np.uint8))
    (tmp_path / "a.webp").write_bytes(encoded(picture, ".webp"))
    back = files.read(tmp_path / "a.webp")
    np.testing.assert_array_equal(back.pixels, picture.pixels)
    np.testing.assert_array_equal(back.alpha, picture.alpha)


def test_palettes_bilevel_and_transparent_colours_become_plain_channels(tmp_path):
    colours = Image.fromarray(samples("uint8", 3)).quantize(8)
    colours.save(tmp_path / "palette.png")
    colours.save(tmp_path / "transparent.png", transparency=2)
    Image.fromarray(samples("uint8", 1)[..., 0] > 99).save(tmp_path / "bilevel.png")
    plain = np.asarray(colours.convert("RGB"))
    np.testing.assert_array_equal(files.read(tmp_path / "palette.png").pixels, plain)
    keyed = files.read(tmp_path / "transparent.png")
    np.testing.assert_array_equal(keyed.alpha == 0, np.asarray(colours) == 2)
    bilevel = files.read(tmp_path / "bilevel.png")
    assert bilevel.pixels.shape == (5, 7, 1)
    assert set(np.unique(bilevel.pixels)) <= {0, 255}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_orientation_is_applied_once(tmp_path, orientation, suffix, dtype):
    tags = Image.Exif()
    tags[0x0112] = orientation
    picture = Picture(samples(dtype, 3), samples(dtype, 1)[..., 0], exif=tags)
    path = tmp_path / f"a{suffix}"
    if suffix == ".tif":
        tifffile.imwrite(
            path, picture.pixels, photometric="rgb", extratags=[(0x0112, "H", 1, orientation, True)]
        )
        picture = Picture(picture.pixels)
    else:
        path.write_bytes(encoded(picture, suffix))
    numbers = Image.fromarray(np.arange(35, dtype=np.uint8).reshape(5, 7))
    numbers.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(numbers))
    upright = files.read(path)
    flat = picture.pixels.reshape(35, 3)
    np.testing.assert_array_equal(upright.pixels, flat[expected])
    if picture.alpha is not None:
        np.testing.assert_array_equal(upright.alpha, picture.alpha.reshape(35)[expected])
    again = tmp_path / f"b{suffix}"
    again.write_bytes(encoded(upright, suffix))
    np.testing.assert_array_equal(files.read(again).pixels, upright.pixels)


def saved(path: Path, **options) -> Path:
    Image.fromarray(samples("uint8", 3, 64, 64)).save(path, **options)
    return path


def truncated(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    return path


def frames() -> dict:
    return {"save_all": True, "append_images": [Image.fromarray(samples("uint8", 3, 64, 64))]}


def deep_tiff(path: Path, shape: tuple[int, ...], **options) -> Path:
    tifffile.imwrite(path, RANDOM.integers(0, 60000, shape).astype(np.uint16), **options)
    return path


def text(path: Path) -> Path:
    path.write_text("not an image at all")
    return path


def png16(path: Path) -> Path:
    path.write_bytes(encoded(Picture(samples("uint16", 3, 64, 64)), ".png"))
    return path


def empty(path: Path) -> Path:
    path.touch()
    return path


def cmyk(path: Path) -> Path:
    Image.new("CMYK", (8, 8)).save(path)
    return path


BAD = {
    "missing": (lambda d: d / "no.png", "does not exist"),
    "folder": (lambda d: d, "is a folder"),
    "text": (lambda d: text(d / "a.png"), "not an image"),
    "empty": (lambda d: empty(d / "a.png"), "not an image"),
    "truncated PNG": (lambda d: truncated(saved(d / "a.png")), "truncated"),
    "truncated 16-bit PNG": (lambda d: truncated(png16(d / "a.png")), "truncated"),
    "truncated JPEG": (lambda d: truncated(saved(d / "a.jpg")), "truncated"),
    "truncated WebP": (lambda d: truncated(saved(d / "a.webp")), "not an image|truncated"),
    "truncated BMP": (lambda d: truncated(saved(d / "a.bmp")), "truncated"),
    "truncated TIFF": (lambda d: truncated(saved(d / "a.tif")), "truncated"),
    "truncated 16-bit TIFF": (lambda d: truncated(deep_tiff(d / "a.tif", (64, 64))), "truncated"),
    "one pixel wide": (lambda d: saved(d / "a.png") and _thin(d / "b.png"), "1 x 9 pixels"),
    "animated WebP": (lambda d: saved(d / "a.webp", **frames()), "2 frames"),
    "animated PNG": (lambda d: saved(d / "a.png", **frames()), "2 frames"),
    "pages that differ": (lambda d: unequal(d / "a.tif"), "2 pictures that differ.*--page"),
    "pages of a palette": (lambda d: palettes(d / "a.tif"), "convert it to RGB"),
    "CMYK": (lambda d: cmyk(d / "a.tif"), "is CMYK"),
    "complex": (lambda d: _complex(d / "a.tif"), "complex64"),
}


def unequal(path: Path) -> Path:
    with tifffile.TiffWriter(path) as file:
        for height in (8, 16):
            file.write(samples("uint8", 1, height, 8)[..., 0])
    return path


def palettes(path: Path) -> Path:
    page = Image.fromarray(samples("uint8", 3)).quantize(8)
    page.save(path, save_all=True, append_images=[page])
    return path


def _thin(path: Path) -> Path:
    Image.new("L", (1, 9)).save(path)
    return path


def _complex(path: Path) -> Path:
    tifffile.imwrite(path, np.zeros((8, 8), np.complex64))
    return path


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_in_one_line_that_names_them(tmp_path, case):
    make, reason = BAD[case]
    path = make(tmp_path)
    with pytest.raises(BadInput, match=reason) as refusal:
        files.read(path)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_what_memory_cannot_hold_is_refused_before_it_is_decoded(tmp_path, monkeypatch, suffix):
    picture = tmp_path / f"large{suffix}"
    picture.write_bytes(encoded(Picture(samples("uint8", 3, 100, 200)), suffix))
    monkeypatch.setattr("deep_image_prior.files.ordinary.available", lambda: 100_000)
    monkeypatch.setattr(Image.Image, "load", None)
    with pytest.raises(BadInput, match=r"200 x 100 pixels, which need 0\.2 MiB to be opened"):
        files.read(picture)


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_a_tiff_that_memory_does_not_hold_is_read_into_a_file(tmp_path, monkeypatch, planar):
    pixels = samples("uint16", 3, 40, 60)
    stored = pixels if planar == "contig" else np.moveaxis(pixels, -1, 0)
    tifffile.imwrite(
        tmp_path / "a.tif", stored, photometric="rgb", planarconfig=planar, compression="zlib"
    )
    read = []
    monkeypatch.setattr(
        "deep_image_prior.files.tiff.empty",
        lambda *given: read.append(storage.empty(*given)) or read[-1],
    )
    assert np.array_equal(files.read(tmp_path / "a.tif").pixels, pixels)
    monkeypatch.setattr("deep_image_prior.files.tiff.available", lambda: 10_000)
    assert np.array_equal(files.read(tmp_path / "a.tif").pixels, pixels)
    assert [isinstance(each, np.memmap) for each in read] == [False, True]


def test_no_other_size_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for suffix in (".png", ".tif", ".jpg"):
        picture = tmp_path / f"large{suffix}"
        picture.write_bytes(encoded(Picture(samples("uint8", 3, 100, 200)), suffix))
        assert files.read(picture).pixels.shape == (100, 200, 3)
    assert Image.MAX_IMAGE_PIXELS == 100, "others are left their guard"


@pytest.mark.parametrize(("name", "side"), [("a.jpg", 65500), ("a.webp", 16383)])
def test_formats_with_a_largest_side_say_so(name, side):
    files.check_format(Path(name), Picture(np.zeros((2, side // 8, 1), np.uint8)), factor=8)
    with pytest.raises(BadInput, match=rf"cannot hold {side + 1} pixels a side, {side} at the"):
        files.check_format(Path(name), Picture(np.zeros((side + 1, 2, 1), np.uint8)))


def test_phone_photographs_with_a_preview_behind_them_are_read(tmp_path):
    path = saved(tmp_path / "a.jpg", format="MPO", **frames())
    with Image.open(path) as file:
        assert file.n_frames == 2
    assert files.read(path).pixels.shape == (64, 64, 3)


@pytest.mark.parametrize(
    ("name", "picture", "reason"),
    [
        ("a.xyz", Picture(samples("uint8", 3)), "no known image format"),
        ("a", Picture(samples("uint8", 3)), "no known image format"),
        ("a.jpg", Picture(samples("uint16", 3)), "cannot hold uint16"),
        ("a.png", Picture(samples("float32", 1)), "cannot hold float32"),
        ("a.jpg", Picture(samples("uint8", 3), samples("uint8", 1)[..., 0]), "alpha"),
        ("a.png", Picture(samples("uint8", 5)), "5 channels"),
    ],
)
def test_formats_that_cannot_hold_the_picture_are_refused(name, picture, reason):
    with pytest.raises(BadInput, match=reason):
        files.check_format(Path(name), picture)


def test_texts_beyond_ascii_and_strange_dates_survive(tmp_path):
    tags = Image.Exif()
    tags[33432], tags[306] = "© Zoë", "yesterday"
    picture = Picture(samples("uint16", 3), exif=tags)
    (tmp_path / "a.tif").write_bytes(encoded(picture, ".tif"))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert "Zo" in str(file.pages.first.tags[33432].value)
    np.testing.assert_array_equal(files.read(tmp_path / "a.tif").pixels, picture.pixels)


def test_tiff_tags_of_storage_stay_behind(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", samples("uint8", 3), photometric="rgb", compression="lzw")
    assert not set(files.read(tmp_path / "a.tif").exif or {}) & {
        256,
        257,
        258,
        259,
        273,
        277,
        278,
        279,
    }


def test_the_scale_of_an_imagej_file_comes_back(tmp_path):
    path = tmp_path / "cells.tif"
    pixels = np.arange(8 * 6, dtype=np.uint16).reshape(8, 6)
    tifffile.imwrite(path, pixels, imagej=True, resolution=(6.25, 3.1), metadata={"unit": "um"})
    picture = files.read(path)
    assert picture.dpi is None, "the unit is no inch"
    path.write_bytes(encoded(picture, ".tif"))
    with tifffile.TiffFile(path) as file:
        assert file.imagej_metadata["unit"] == "um"
        assert file.pages.first.resolutionunit == 1
        assert file.pages.first.resolution == pytest.approx((6.25, 3.1), rel=1e-6)
    larger = picture.with_pixels(np.zeros((16, 24, 1), np.uint16))
    assert larger.per_unit == pytest.approx((25, 6.2), rel=1e-6), "four times as many across"


def test_resolution_is_turned_with_the_picture(tmp_path):
    Image.new("RGB", (8, 6)).save(tmp_path / "a.jpg", dpi=(300, 150), exif=_oriented(6))
    assert files.read(tmp_path / "a.jpg").dpi == pytest.approx((150, 300))


def _oriented(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    return exif


def test_white_is_zero_is_turned_round(tmp_path):
    pixels = samples("uint16", 1)[..., 0]
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="miniswhite")
    np.testing.assert_array_equal(files.read(tmp_path / "a.tif").pixels[..., 0], 65535 - pixels)


def test_extra_channels_are_no_alpha(tmp_path):
    pixels = samples("uint16", 5)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack", planarconfig="contig")
    picture = files.read(tmp_path / "a.tif")
    assert picture.alpha is None
    np.testing.assert_array_equal(picture.pixels, pixels)


def test_big_tiff_is_read(tmp_path):
    pixels = samples("uint16", 3)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", bigtiff=True)
    np.testing.assert_array_equal(files.read(tmp_path / "a.tif").pixels, pixels)


@pytest.mark.parametrize("seed", range(40))
def test_mutated_files_are_read_or_refused_but_never_crash(tmp_path, seed):
    random = np.random.default_rng(seed)
    picture = Picture(random.integers(0, 60000, (16, 16, 3)).astype(np.uint16), exif=exif())
    suffix = (".tif", ".png")[seed % 2]
    content = np.frombuffer(encoded(picture, suffix), np.uint8).copy()
    content[random.integers(0, len(content), 8)] = random.integers(0, 256, 8)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content[: random.integers(len(content) // 2, len(content))].tobytes())
    with suppress(BadInput):
        files.read(path)


def test_many_channels_go_through_tiff(tmp_path):
    picture = Picture(samples("uint8", 5))
    (tmp_path / "a.tif").write_bytes(encoded(picture, ".tif"))
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), picture.pixels)


@pytest.mark.parametrize("dtype", ["float32", "uint32", "uint16"])
def test_opaque_and_graded_alpha_survive_a_resize(dtype):
    top = 1 if dtype == "float32" else np.iinfo(dtype).max
    ramp = (np.linspace(0, 1, 8) * top).astype(dtype)[None].repeat(8, 0)
    picture = Picture(samples(dtype, 3, 8, 8), ramp)
    larger = picture.with_pixels(samples(dtype, 3, 16, 16)).alpha
    np.testing.assert_allclose(larger[:, -1] / top, 1, atol=1e-6)
    np.testing.assert_allclose(larger[0, 6:10] / top, [0.393, 0.464, 0.536, 0.607], atol=2e-3)


def test_alpha_follows_a_resize():
    alpha = np.array([[0, 255], [0, 255]], np.uint8)
    larger = Picture(samples("uint8", 3, 2, 2), alpha).with_pixels(samples("uint8", 3, 8, 8))
    assert larger.alpha.shape == (8, 8)
    assert (larger.alpha[:, 0] < 20).all()
    assert (larger.alpha[:, -1] > 235).all()


def test_encode_is_a_whole_file():
    content = encoded(Picture(samples("uint16", 3)), ".png")
    assert Image.open(io.BytesIO(content)).size == (7, 5)


def test_what_tifffile_says_of_its_array_is_not_kept(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((5, 7), np.float32))
    read = files.read(tmp_path / "a.tif")
    (tmp_path / "b.tif").write_bytes(
        encoded(read.with_pixels(np.zeros((10, 14, 1), np.float32)), ".tif")
    )
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert "shape" not in file.pages.first.description
    assert tifffile.imread(tmp_path / "b.tif").shape == (10, 14)


OME = {"axes": "TCZYX", "PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "\u00b5m", "SignificantBits": 12}
STACKS = {
    "OME": ((3, 2, 4, 16, 20), "TCZ", {"ome": True, "metadata": OME}),
    "ImageJ": ((3, 4, 2, 16, 20), "TZC", {"imagej": True, "metadata": {"axes": "TZCYX"}}),
    "tifffile": ((5, 2, 16, 20), "QQ", {}),
    "pages": ((4, 16, 20), "I", {"metadata": None}),
    "BigTIFF": ((3, 2, 16, 20), "TZ", {"bigtiff": True, "ome": True, "metadata": {"axes": "TZYX"}}),
    "colours": ((5, 16, 20, 3), "I", {"metadata": None, "photometric": "rgb"}),
}


@pytest.mark.parametrize("kind", STACKS)
def test_stacks_come_back_with_their_axes(tmp_path, kind):
    shape, axes, options = STACKS[kind]
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        RANDOM.integers(0, 60000, shape, np.uint16),
        **{"photometric": "minisblack", **options},
    )
    stored = tifffile.imread(path)
    picture = files.read(path)
    height, width = 16, 20
    assert picture.axes == axes
    np.testing.assert_array_equal(picture.pixels.reshape(shape), stored)
    last = picture.pixels.reshape(-1, *picture.pixels.shape[-3:])[-1]
    count = picture.pixels.size // last.size
    np.testing.assert_array_equal(files.read(path, count).pixels, last)
    assert not files.read(path, count).axes
    with pytest.raises(BadInput, match=f"has no page {count + 1}; it has {count}"):
        files.read(path, count + 1)
    again = tmp_path / "b.tif"
    larger = picture.with_pixels(picture.pixels.repeat(2, -3).repeat(2, -2))
    for each, factor in ((picture, 1), (larger, 2)):
        again.write_bytes(encoded(each, ".tif"))
        with tifffile.TiffFile(again) as file:
            series = file.series[0]
            assert series.axes.rstrip("S").endswith("YX")
            assert series.shape == each.pixels.squeeze(-1 if shape[-1] != 3 else ()).shape
            if kind == "ImageJ":
                assert file.is_imagej
            if "ome" in options:
                assert series.kind == "ome"
                assert f'SizeX="{factor * width}"' in file.ome_metadata
                assert f'SizeY="{factor * height}"' in file.ome_metadata
            if kind == "OME":
                assert f'PhysicalSizeX="{0.5 / factor}"' in file.ome_metadata
                assert "\u00b5m" in file.ome_metadata
        back = files.read(again)
        assert back.axes == axes
        np.testing.assert_array_equal(back.pixels, each.pixels)


def test_formats_of_one_picture_hold_no_stack(tmp_path):
    stack = Picture(samples("uint8", 1)[None].repeat(3, 0), axes="Z")
    with pytest.raises(BadInput, match=r"cannot hold 3 pages; name it \.tif"):
        files.check_format(Path("a.png"), stack)
    with pytest.raises(BadInput, match="has no page 2; it has 1"):
        files.read(saved(tmp_path / "a.png"), 2)


def test_a_page_of_pages_that_differ_is_read(tmp_path):
    assert files.read(unequal(tmp_path / "a.tif"), 2).pixels.shape == (16, 8, 1)
