import io
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import rawpy
import tifffile
from PIL import Image, ImageCms, TiffImagePlugin
from PIL.TiffImagePlugin import IFDRational

import deep_image_prior as dip
from deep_image_prior import BadInput, files
from deep_image_prior.app import cli
from deep_image_prior.files import raw

pytestmark = pytest.mark.usefixtures("quick_noise")

BLACK, WHITE = 512, 16383
SENSITIVE = np.array([0.5, 1.0, 0.625])  # what the sensor makes of white: red, green, blue
# CIE XYZ of D65 to linear sRGB
COLOURS = np.array(
    [[3.2405, -1.5371, -0.4985], [-0.9693, 1.8760, 0.0416], [0.0556, -0.204, 1.0572]]
)
CFA, LINEAR = 32803, 34892  # photometric interpretations
DATE = "2026:05:01 12:00:00"
SHORT, RATIONAL, SIGNED = 3, 5, 10


def scene(height: int = 64, width: int = 48) -> np.ndarray:
    """Smooth colours (H, W, 3) of sRGB in 0.1 to 0.6, the same in no two corners."""
    down, across = np.mgrid[0.1 : 0.6 : height * 1j, 0.1 : 0.6 : width * 1j]
    return np.stack([down, across, 0.7 - down], axis=-1)


def light(picture: np.ndarray) -> np.ndarray:
    return np.where(picture <= 0.04045, picture / 12.92, ((picture + 0.055) / 1.055) ** 2.4)


def mosaic(picture: np.ndarray) -> np.ndarray:
    """Red, green; green, blue: (H, W) of 14 bits."""
    seen = light(picture) * SENSITIVE
    levels = seen[..., 1].copy()
    levels[::2, ::2], levels[1::2, 1::2] = seen[::2, ::2, 0], seen[1::2, 1::2, 2]
    return np.rint(BLACK + (WHITE - BLACK) * levels).astype(np.uint16)


def rationals(values: np.ndarray) -> tuple[IFDRational, ...]:
    return tuple(IFDRational(round(1e6 * value), 10**6) for value in values.flat)


def dng(path: Path, samples: np.ndarray, orientation: int = 1) -> Path:
    """A raw file of a mosaic (H, W)."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[271], tags[272], tags[274], tags[306] = "Maker", "Camera", orientation, DATE
    tags[34665] = {33434: IFDRational(1, 125)}  # exposure time
    tags[33421], tags.tagtype[33421] = (2, 2), SHORT
    tags[33422], tags[50706] = bytes((0, 1, 1, 2)), bytes((1, 4, 0, 0))
    tags[50708] = "Maker Camera"
    tags[50714], tags[50717], tags[50778] = BLACK, WHITE, 21
    tags[50721], tags.tagtype[50721] = rationals(SENSITIVE[:, None] * COLOURS), SIGNED
    tags[50728], tags.tagtype[50728] = rationals(SENSITIVE), RATIONAL
    Image.fromarray(samples).save(path, "TIFF", tiffinfo=tags)
    return of_kind(path, CFA)


def of_kind(path: Path, photometric: int) -> Path:
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages.first.tags[262].overwrite(photometric)
    return path


def test_colours_and_brightness_are_those_of_the_scene(tmp_path):
    picture = files.read(dng(tmp_path / "a.dng", mosaic(scene())))
    assert picture.pixels.dtype == np.uint16
    np.testing.assert_allclose(picture.pixels / 65535, scene(), atol=0.01)
    profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.profile))
    assert "sRGB" in ImageCms.getProfileDescription(profile)


@pytest.mark.parametrize(("orientation", "turns"), [(3, 2), (6, -1), (8, 1)])
def test_orientation_is_applied_once(tmp_path, orientation, turns):
    plain = files.read(dng(tmp_path / "a.dng", mosaic(scene()))).pixels
    turned = files.read(dng(tmp_path / "b.dng", mosaic(scene()), orientation=orientation))
    np.testing.assert_array_equal(turned.pixels, np.rot90(plain, turns))
    assert turned.exif[274] == 1


def test_a_dng_of_colours_and_one_without(tmp_path):
    """Demosaiced already, or from a sensor without filters."""
    samples = np.random.default_rng(0).integers(0, 60000, (64, 48, 3), np.uint16)
    version = (50706, "B", 4, bytes((1, 4, 0, 0)), True)
    linear, gray = tmp_path / "linear.dng", tmp_path / "gray.dng"
    tifffile.imwrite(linear, samples, photometric=LINEAR, planarconfig=1, extratags=[version])
    tifffile.imwrite(gray, samples[..., 0], extratags=[version])
    developed = files.read(linear).pixels
    for channel in range(3):
        order = samples[..., channel].argsort(axis=None)
        assert (np.diff(developed[..., channel].flat[order].astype(int)) >= 0).all(), "a curve"
    picture = files.read(of_kind(gray, LINEAR))
    assert picture.pixels.shape == (64, 48, 1)
    assert picture.profile is None
    np.testing.assert_allclose(
        light(picture.pixels[..., 0] / 65535), samples[..., 0] / 65535, atol=1e-4
    )


def test_the_ending_alone_tells_them(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", mosaic(scene()))
    assert files.read(tmp_path / "a.tif").pixels.shape == (64, 48, 1)
    with pytest.raises(BadInput, match="is CFA"):
        files.read(dng(tmp_path / "b.tif", mosaic(scene())))
    assert files.read(dng(tmp_path / "C.NEF", mosaic(scene()))).pixels.shape == (64, 48, 3)


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def photo(path: Path) -> Path:
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(path, "PNG")
    return path


BAD = {
    "truncated": (lambda path: cut(dng(path, mosaic(scene()))), "cannot be developed"),
    "no raw file": (photo, r"cannot be developed \(Unsupported file format"),
    "missing": (lambda path: path, "does not exist"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_in_one_line_that_names_them(tmp_path, case):
    make, reason = BAD[case]
    path = make(tmp_path / "a.dng")
    with pytest.raises(BadInput, match=reason) as refusal:
        files.read(path)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_what_memory_cannot_hold_is_refused_before_it_is_developed(tmp_path, monkeypatch):
    monkeypatch.setattr("deep_image_prior.files.ordinary.available", lambda: 10_000)
    with pytest.raises(BadInput, match="48 x 64 pixels, which need"):
        files.read(dng(tmp_path / "a.dng", mosaic(scene())))


def test_without_rawpy_it_is_said_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(BadInput, match=r"raw photograph.*pip install 'deep-image-prior\[raw\]'"):
        files.read(dng(tmp_path / "a.dng", mosaic(scene())))


def test_exif_is_that_of_the_tiff_or_of_the_preview(tmp_path):
    path = dng(tmp_path / "a.orf", mosaic(scene()))
    found = files.read(path).exif
    assert (found[271], found[272], found[306]) == ("Maker", "Camera", DATE)
    assert found.get_ifd(34665)[33434] == 1 / 125
    path.write_bytes(b"IIRO" + path.read_bytes()[4:])  # as Olympus begins its files
    picture = files.read(path)
    assert picture.pixels.shape == (64, 48, 3)
    assert picture.exif is None
    jpeg = io.BytesIO()
    Image.new("RGB", (32, 24)).save(jpeg, "JPEG", exif=described("Preview"))
    preview = SimpleNamespace(format=rawpy.ThumbFormat.JPEG, data=jpeg.getvalue())
    assert raw.exif_of(path, SimpleNamespace(extract_thumb=lambda: preview))[271] == "Preview"


def described(maker: str) -> Image.Exif:
    exif = Image.Exif()
    exif[271] = maker
    return exif


def test_a_result_is_a_tiff_of_16_bits(tmp_path, monkeypatch):
    noise = np.random.default_rng(0).normal(0, 200, (64, 48))
    path = dng(tmp_path / "a.dng", np.rint(mosaic(scene()) + noise).astype(np.uint16))
    monkeypatch.setattr(sys, "argv", ["dip", "denoise", str(path), "--sigma", "9", "--steps", "3"])
    assert cli.run() == 0
    result = files.read(tmp_path / "a-denoised.tif")
    assert result.pixels.dtype == np.uint16
    assert result.profile == files.read(path).profile
    assert (result.exif[271], result.exif[306]) == ("Maker", DATE)
    assert result.exif.get_ifd(34665)[33434] == 1 / 125
    assert files.ending_for(path) == files.suffix_for(path) == ".tif"


@pytest.mark.parametrize(
    ("arguments", "raw"),
    [
        (["a.dng"], True),
        (["a.dng", "--no-raw"], False),
        (["a.png"], False),
        (["a.png", "--raw"], True),
    ],
)
def test_the_file_says_whether_it_is_raw_if_nobody_does(tmp_path, monkeypatch, arguments, raw):
    def told(task, *_):
        raise BadInput(str(task.raw))

    monkeypatch.chdir(tmp_path)
    dng(Path("a.dng"), mosaic(scene()))
    photo(Path("a.png"))
    monkeypatch.setattr("deep_image_prior.app.restoring.restore_page", told)
    said = []
    monkeypatch.setattr("deep_image_prior.app.outcome.say", said.append)
    monkeypatch.setattr(sys, "argv", ["dip", "denoise", *arguments])
    assert cli.run() == 2
    assert said == [str(raw)]


def test_raw_photographs_are_denoised_under_the_root_of_light(tmp_path):
    random = np.random.default_rng(0)
    clean = scene(96, 80)
    seen = mosaic(clean).astype(float) - BLACK
    seen += random.normal(0, np.sqrt(10 * seen + 100**2))
    path = dng(tmp_path / "a.dng", (seen + BLACK).clip(0, WHITE).round().astype(np.uint16))
    noisy = files.read(path).pixels
    few = {"channel_axis": -1, "noise": "correlated", "steps": 20}
    plain, rooted = (dip.denoise(noisy, raw=raw, **few).image for raw in (False, True))
    before, after, better = (
        np.square(each / 65535 - clean).mean() for each in (noisy, plain, rooted)
    )
    assert better < after < before
    same = dip.denoise(noisy, raw=True, strength=0, **few).image
    np.testing.assert_allclose(same.astype(int), noisy, atol=1)
