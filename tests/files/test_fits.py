import io
import sys
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from helpers import encoded

from deep_image_prior import BadInput, files, storage
from deep_image_prior.files import Picture
from deep_image_prior.files.fits import SAMPLES

RANDOM = np.random.default_rng(0)
SKY = {
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CRVAL1": 83.8,
    "CRVAL2": -5.4,
    "CRPIX1": 3.25,
    "CRPIX2": 2.5,
}
SCALES = {
    "CDELT": {"CDELT1": -2e-4, "CDELT2": 3e-4},
    "CROTA": {"CDELT1": -2e-4, "CDELT2": 2e-4, "CROTA2": 30.0},
    "CD": {"CD1_1": -2e-4, "CD1_2": 5e-5, "CD2_1": 4e-5, "CD2_2": 2e-4},
    "PC": {"CDELT1": -2e-4, "CDELT2": 2e-4, "PC1_2": 0.5, "PC2_1": -0.4},
    "PC alone": {"PC1_1": -2e-4, "PC2_2": 2e-4},
}


def samples(dtype: str, *shape: int) -> np.ndarray:
    if dtype.startswith("float"):
        return RANDOM.normal(size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    return RANDOM.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)


def saved(path: Path, *hdus, **cards) -> Path:
    """The cards are of the last."""
    hdus[-1].header.update(cards)
    first = [] if isinstance(hdus[0], fits.PrimaryHDU) else [fits.PrimaryHDU()]
    fits.HDUList([*first, *hdus]).writeto(path)
    return path


def rewritten(picture: Picture, suffix: str = ".fits") -> fits.HDUList:
    return fits.open(io.BytesIO(encoded(picture, suffix)))


def enlarged(picture: Picture, factor: int = 2) -> Picture:
    return picture.with_pixels(picture.pixels.repeat(factor, -3).repeat(factor, -2))


@pytest.mark.parametrize("dtype", SAMPLES)
@pytest.mark.parametrize("suffix", [".fits", ".fz"])
@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_written_is_read(tmp_path, dtype, suffix, channels):
    picture = Picture(samples(dtype, 5, 7, channels))
    path = tmp_path / f"a{suffix}"
    files.check_format(path, picture)
    path.write_bytes(encoded(picture, suffix))
    with fits.open(path) as file:
        file.verify("exception")
    back = files.read(path)
    assert back.pixels.dtype == dtype
    assert back.pixels.dtype.isnative
    np.testing.assert_array_equal(back.pixels, picture.pixels)


def test_the_header_stays_and_says_what_was_done(tmp_path):
    path = saved(
        tmp_path / "a.fits",
        fits.PrimaryHDU(samples("float32", 5, 7)),
        OBJECT="M 42",
        EXPTIME=(30.5, "seconds"),
        BUNIT="adu",
        HISTORY="flat fielded",
        DATAMAX=7.0,
        **{"HIERARCH ESO DET ID": "CCD-44", "HIERARCH long keyword": "x" * 100},
    )
    with fits.open(path, "update", checksum=True):
        pass
    picture = files.read(path)
    with rewritten(picture.with_pixels(picture.pixels / 2)) as file:
        cards = file[0].header
        np.testing.assert_array_equal(file[0].data, picture.pixels[..., 0] / 2)
    assert (cards["OBJECT"], cards["EXPTIME"], cards["BUNIT"]) == ("M 42", 30.5, "adu")
    assert cards.comments["EXPTIME"] == "seconds"
    assert (cards["ESO DET ID"], cards["long keyword"]) == ("CCD-44", "x" * 100)
    assert cards["HISTORY"][0] == "flat fielded"
    assert cards["HISTORY"][1].startswith("restored by deep-image-prior 0.")
    assert not {"CHECKSUM", "DATASUM", "DATAMAX"} & set(cards)


@pytest.mark.parametrize("kind", SCALES)
def test_every_place_of_the_sky_stays_where_it_was(tmp_path, kind):
    hdu = fits.PrimaryHDU(samples("float32", 6, 8))
    other = {f"{key}A": value for key, value in (SKY | {"CRPIX1": 1.0} | SCALES[kind]).items()}
    alternate = {} if kind == "CROTA" else other  # which has no alternates
    picture = files.read(saved(tmp_path / "a.fits", hdu, **SKY, **SCALES[kind], **alternate))
    across, down = RANDOM.uniform(0, 6, (2, 9))
    for system in " A" if alternate else " ":
        before = WCS(hdu.header, key=system).wcs_pix2world(across, down, 0)
        for factor in (1, 3):
            with rewritten(enlarged(picture, factor)) as file:
                cards = file[0].header
            places = [factor * (each + 0.5) - 0.5 for each in (across, down)]
            after = WCS(cards, key=system).wcs_pix2world(*places, 0)
            np.testing.assert_allclose(after, before, rtol=0, atol=1e-10)


def test_distortions_are_enlarged_or_left_out(tmp_path):
    sky = SKY | SCALES["CD"] | {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP"}
    sip = {"A_ORDER": 2, "A_2_0": 1e-3, "A_1_1": -2e-3, "B_ORDER": 2, "B_0_2": 3e-3, "B_1_0": 1e-2}
    hdu = fits.PrimaryHDU(samples("float32", 6, 8))
    path = saved(tmp_path / "a.fits", hdu, **sky, **sip, DATASEC="[1:8,1:6]", LTV1=4.0, LTM1_1=1.0)
    picture = files.read(path)
    across, down = RANDOM.uniform(0, 6, (2, 9))
    with rewritten(enlarged(picture, 2)) as file:
        cards = file[0].header
    assert not {"DATASEC", "LTV1", "LTM1_1"} & set(cards)
    np.testing.assert_allclose(
        WCS(cards).all_pix2world(2 * across + 0.5, 2 * down + 0.5, 0),
        WCS(hdu.header).all_pix2world(across, down, 0),
        rtol=0,
        atol=1e-9,
    )
    tables = {"CPDIS1": "LOOKUP", "D2IMDIS1": "LOOKUP", "DP1": "EXTVER: 1", "D2IM1": "EXTVER: 1"}
    hdu.header.update(tables)
    with_tables = files.read(saved(tmp_path / "b.fits", hdu))
    with rewritten(with_tables) as file:
        assert {"CPDIS1", "D2IMDIS1"} <= set(file[0].header)
    with (
        pytest.warns(UserWarning, match="tables of distortion"),
        rewritten(enlarged(with_tables)) as file,
    ):
        assert not [key for key in file[0].header if key[:3] in ("CPD", "DP1", "D2I")]


def test_the_sign_of_integers_is_in_bzero(tmp_path):
    counts = samples("uint16", 5, 7)
    path = saved(tmp_path / "a.fits", fits.PrimaryHDU(counts))
    with fits.open(path, do_not_scale_image_data=True) as file:
        assert (file[0].header["BITPIX"], file[0].header["BZERO"]) == (16, 32768)
    picture = files.read(path)
    assert picture.pixels.dtype == np.uint16
    np.testing.assert_array_equal(picture.pixels[..., 0], counts)
    with rewritten(picture) as file:
        assert file[0].data.dtype == np.uint16
        np.testing.assert_array_equal(file[0].data, counts)


@pytest.mark.parametrize("blank", [None, 0, -7, 5])
@pytest.mark.parametrize(("bits", "dtype"), [(16, "float32"), (32, "float64")])
def test_scaled_integers_become_floats_and_blanks_nan(tmp_path, blank, bits, dtype):
    stored = samples(f"int{bits}", 5, 7)
    stored[1, 2] = blank or 0
    path = saved(tmp_path / "a.fits", fits.PrimaryHDU(stored))
    scaling = {"BSCALE": 0.5, "BZERO": 100.0} | ({} if blank is None else {"BLANK": blank})
    with fits.open(path, "update", do_not_scale_image_data=True) as file:
        file[0].header.update(scaling)
    picture = files.read(path)
    expected = np.where(stored == blank, np.nan, 0.5 * stored.astype(float) + 100)
    assert picture.pixels.dtype == dtype
    np.testing.assert_array_equal(picture.pixels[..., 0], expected.astype(dtype))
    with rewritten(picture) as file:
        assert not {"BSCALE", "BZERO", "BLANK"} & set(file[0].header)
        assert file[0].header["BITPIX"] == (-32 if bits == 16 else -64)
        np.testing.assert_array_equal(file[0].data, picture.pixels[..., 0])


def test_blank_integers_that_are_not_scaled_become_nan(tmp_path):
    stored = np.arange(35, dtype=np.int16).reshape(5, 7)
    path = saved(tmp_path / "a.fits", fits.PrimaryHDU(stored), BLANK=3)
    pixels = files.read(path).pixels[..., 0]
    assert pixels.dtype == np.float32
    np.testing.assert_array_equal(pixels, np.where(stored == 3, np.nan, stored))


def test_nan_is_handed_on(tmp_path):
    values = samples("float32", 5, 7)
    values[2, 3] = np.nan
    picture = files.read(saved(tmp_path / "a.fits", fits.PrimaryHDU(values)))
    np.testing.assert_array_equal(picture.pixels[..., 0], values)


CUBES = {
    "stack": ((5, 6, 8), {}, (5, 6, 8, 1), "I"),
    "colours": ((3, 6, 8), {}, (6, 8, 3), ""),
    "named colours": ((3, 6, 8), {"CTYPE3": "RGB"}, (6, 8, 3), ""),
    "three waves": ((3, 6, 8), {"CTYPE3": "WAVE"}, (3, 6, 8, 1), "I"),
    "stack of colours": ((4, 3, 6, 8), {}, (4, 6, 8, 3), "I"),
    "polarised waves": (
        (2, 5, 6, 8),
        {"CTYPE3": "FREQ", "CTYPE4": "STOKES"},
        (2, 5, 6, 8, 1),
        "II",
    ),
    "axes of one": ((1, 1, 6, 8), {"CTYPE3": "FREQ", "CTYPE4": "STOKES"}, (6, 8, 1), ""),
    "one among them": ((2, 1, 6, 8), {"CTYPE3": "FREQ"}, (2, 6, 8, 1), "I"),
}


@pytest.mark.parametrize("kind", CUBES)
@pytest.mark.parametrize("make", [fits.PrimaryHDU, fits.CompImageHDU])
def test_planes_are_colours_or_pages(tmp_path, kind, make):
    shape, cards, pixels, axes = CUBES[kind]
    planes = samples("int16", *shape)
    picture = files.read(saved(tmp_path / "a.fits", make(planes), **cards))
    assert (picture.pixels.shape, picture.axes) == (pixels, axes)
    back = picture.pixels
    if pixels[-1] == 3:
        back = np.moveaxis(back, -1, -3)
    np.testing.assert_array_equal(back.reshape(shape), planes)
    for factor in (1, 2):
        with rewritten(enlarged(picture, factor)) as file:
            data = file[-1].data
        assert data.shape == (*shape[:-2], factor * 6, factor * 8)
        np.testing.assert_array_equal(data[..., ::factor, ::factor], planes)


def test_a_page_is_at_its_place_on_its_axis(tmp_path):
    planes = samples("float32", 2, 5, 6, 8)
    axes = {"CTYPE3": "FREQ", "CRVAL3": 1e9, "CDELT3": 1e6, "CRPIX3": 2.0, "CTYPE4": "STOKES"}
    path = saved(tmp_path / "a.fits", fits.PrimaryHDU(planes), **SKY, **SCALES["CDELT"], **axes)
    picture = files.read(path, 9)
    assert (picture.pixels.shape, picture.axes) == ((6, 8, 1), "")
    np.testing.assert_array_equal(picture.pixels[..., 0], planes[1, 3])
    with fits.open(path) as file:
        before = WCS(file[0].header).wcs_pix2world([[2, 1, 3, 1]], 0)
    with rewritten(picture) as file:
        assert file[0].data.shape == (1, 1, 6, 8)
        after = WCS(file[0].header).wcs_pix2world([[2, 1, 0, 0]], 0)
    np.testing.assert_allclose(after, before)
    with pytest.raises(BadInput, match="has no page 11; it has 10"):
        files.read(path, 11)


@pytest.mark.parametrize("dtype", [">f4", ">f8", ">i2", ">i4"])
def test_files_of_the_other_order_of_bytes_become_ours(tmp_path, dtype):
    values = (100 * RANDOM.normal(size=(5, 7))).astype(dtype)
    pixels = files.read(saved(tmp_path / "a.fits", fits.PrimaryHDU(values))).pixels
    assert pixels.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(pixels[..., 0], values)


@pytest.mark.parametrize("quantize", [0, 16])
def test_compressed_images_are_read_and_written(tmp_path, quantize):
    values = samples("float32", 40, 50)
    hdu = fits.CompImageHDU(values, compression_type="GZIP_2", quantize_level=quantize, name="SCI")
    path = saved(tmp_path / "a.fits.fz", hdu, **SKY, **SCALES["CD"])
    with fits.open(path) as file:
        expected = file["SCI"].data
    picture = files.read(path)
    np.testing.assert_array_equal(picture.pixels[..., 0], expected)
    for suffix, kind in ((".fits", fits.ImageHDU), (".fz", fits.CompImageHDU)):
        with rewritten(picture, suffix) as file:
            assert type(file[1]) is kind
            assert (file[1].name, file[1].header["CRVAL1"]) == ("SCI", 83.8)
            np.testing.assert_array_equal(file[1].data, expected)


@pytest.mark.parametrize("suffix", [".fits", ".fz"])
def test_the_other_hdus_stay_byte_by_byte(tmp_path, suffix):
    table = fits.BinTableHDU.from_columns([fits.Column("flux", "E", array=samples("float32", 9))])
    science, error, quality = (
        fits.ImageHDU(samples(dtype, 5, 7), name=name)
        for dtype, name in (("float32", "SCI"), ("float32", "ERR"), ("uint16", "DQ"))
    )
    path = saved(tmp_path / "a.fits", table, science, error, quality)
    with pytest.warns(UserWarning, match=r"3 images: SCI, ERR, DQ; the first is read"):
        picture = files.read(path)
    np.testing.assert_array_equal(picture.pixels[..., 0], science.data)
    content = encoded(picture.with_pixels(picture.pixels + 1), suffix)
    original = path.read_bytes()
    with fits.open(path) as file, fits.open(io.BytesIO(content)) as result:
        assert [each.name for each in result] == ["PRIMARY", "", "SCI", "ERR", "DQ"]
        result.verify("exception")
        np.testing.assert_array_equal(result["SCI"].data, science.data + 1)
        begin, end = file["SCI"].fileinfo()["hdrLoc"], file["ERR"].fileinfo()["hdrLoc"]
        assert content.startswith(original[:begin])
        assert content.endswith(original[end:])


def test_a_primary_image_goes_into_a_compressed_one_with_what_follows(tmp_path):
    image, mask = fits.PrimaryHDU(samples("int16", 5, 7)), fits.ImageHDU(samples("uint8", 9))
    picture = files.read(saved(tmp_path / "a.fits", image, mask))
    with rewritten(picture, ".fz") as file:
        np.testing.assert_array_equal(file[1].data, image.data)
        np.testing.assert_array_equal(file[2].data, mask.data)


def test_a_header_of_another_format_stays_out(tmp_path):
    with rewritten(Picture(samples("uint8", 5, 7, 1), header={"dicom": 1})) as file:
        assert "dicom" not in file[0].header


def test_cards_that_break_a_rule_are_put_right(tmp_path):
    path = saved(
        tmp_path / "a.fits", fits.PrimaryHDU(samples("int16", 5, 7)), FILTER="B", AIRMASS=1
    )
    content = path.read_bytes()
    for rule, broken in (
        (b"FILTER  = 'B       '      ", b"filter  = B \xe9 band        "),
        (b"AIRMASS =                    1", b"AIRMASS =                1.2.3"),
    ):
        assert rule in content
        content = content.replace(rule, broken)
    path.write_bytes(content)
    with rewritten(files.read(path)) as file:
        file.verify("exception")
        assert file[0].header["AIRMASS"] == "1.2.3"


def test_an_image_that_memory_does_not_hold_is_read_into_a_file(tmp_path, monkeypatch):
    path = saved(tmp_path / "a.fits", fits.PrimaryHDU(samples("uint16", 4, 40, 60)))
    made = []
    monkeypatch.setattr(
        "deep_image_prior.files.picture.empty",
        lambda *given, **how: made.append(storage.empty(*given, **how)) or made[-1],
    )
    monkeypatch.setattr("deep_image_prior.files.picture.available", lambda: 10_000)
    monkeypatch.setattr("deep_image_prior.storage.AT_A_TIME", 7 * 60)
    picture = files.read(path)
    assert isinstance(made[0], np.memmap)
    np.testing.assert_array_equal(picture.pixels[..., 0], fits.getdata(path))
    with rewritten(picture) as file:
        np.testing.assert_array_equal(file[0].data, picture.pixels[..., 0])


def table(path: Path) -> Path:
    column = fits.Column("flux", "E", array=samples("float32", 9))
    return saved(path, fits.BinTableHDU.from_columns([column]))


def groups(path: Path) -> Path:
    data = fits.GroupData(samples("float32", 4, 1, 2, 3), parnames=["UU"], pardata=[[1, 2, 3, 4]])
    fits.GroupsHDU(data).writeto(path)
    return path


def truncated(path: Path) -> Path:
    saved(path, fits.PrimaryHDU(samples("float32", 60, 80)))
    path.write_bytes(path.read_bytes()[:9000])
    return path


def zipped(path: Path) -> Path:
    fits.PrimaryHDU(samples("float32", 5, 7)).writeto(path)  # compressed, by its name
    return path


BAD = {
    "table": (lambda d: table(d / "a.fits"), "no image of two axes"),
    "empty": (lambda d: saved(d / "a.fits", fits.PrimaryHDU()), "no image of two axes"),
    "spectrum": (lambda d: saved(d / "a.fits", fits.PrimaryHDU(np.ones(9))), "no image of two"),
    "groups": (lambda d: groups(d / "a.fits"), "random groups"),
    "truncated": (lambda d: truncated(d / "a.fits"), "damaged or truncated"),
    "gzip": (lambda d: zipped(d / "a.fits.gz"), "compressed by gzip; unpack it"),
    "thin": (lambda d: saved(d / "a.fits", fits.PrimaryHDU(np.ones((1, 9)))), "9 x 1 pixels"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_in_one_line_that_names_them(tmp_path, case):
    make, reason = BAD[case]
    path = make(tmp_path)
    with pytest.raises(BadInput, match=reason) as refusal:
        files.read(path)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("seed", range(40))
def test_mutated_files_are_read_or_refused_but_never_crash(tmp_path, seed):
    random = np.random.default_rng(seed)
    kind = (fits.PrimaryHDU, fits.CompImageHDU)[seed % 2]
    path = saved(tmp_path / "a.fits", kind(samples("int16", 16, 16)), **SKY)
    content = np.frombuffer(path.read_bytes(), np.uint8).copy()
    content[random.integers(0, min(len(content), 6000), 8)] = random.integers(0, 256, 8)
    path.write_bytes(content[: random.integers(len(content) // 2, len(content))].tobytes())
    with warnings.catch_warnings(action="ignore"), suppress(BadInput):
        files.read(path)


def test_padding_that_is_missing_is_not_missed(tmp_path):
    values = samples("float32", 5, 7)
    path = saved(tmp_path / "a.fits", fits.PrimaryHDU(values))
    path.write_bytes(path.read_bytes()[: 2880 + values.nbytes])
    picture = files.read(path)
    np.testing.assert_array_equal(picture.pixels[..., 0], values)
    assert len(encoded(picture, ".fits")) == 2 * 2880


def test_results_stay_fits(tmp_path):
    path = saved(tmp_path / "a.fts", fits.PrimaryHDU(samples("int16", 5, 7)))
    assert files.suffix_for(path) == path.suffix
    assert files.ending_for(path) == ".fits"


def test_what_fits_has_no_room_for_is_refused():
    for picture, reason in (
        (Picture(samples("float16", 5, 7, 1)), "float16"),
        (Picture(samples("uint8", 5, 7, 2)), "2 channels"),
        (Picture(samples("uint8", 5, 7, 1), samples("uint8", 5, 7)), "alpha"),
    ):
        with pytest.raises(BadInput, match=rf"a\.fits cannot hold.*{reason}.*name it .*\.tif"):
            files.check_format(Path("a.fits"), picture)


def test_a_stack_goes_through_tiff_and_back(tmp_path):
    picture = files.read(
        saved(tmp_path / "a.fits", fits.PrimaryHDU(samples("float32", 2, 4, 5, 7)))
    )
    (tmp_path / "b.tif").write_bytes(encoded(picture, ".tif"))
    back = files.read(tmp_path / "b.tif")
    assert back.axes == picture.axes == "II"
    np.testing.assert_array_equal(back.pixels, picture.pixels)
    with rewritten(back) as file:
        np.testing.assert_array_equal(file[0].data, picture.pixels[..., 0])


def test_without_astropy_it_is_said_how_to_get_it(tmp_path, monkeypatch):
    path = saved(tmp_path / "a.fits", fits.PrimaryHDU(samples("int16", 5, 7)))
    monkeypatch.setitem(sys.modules, "astropy.io.fits.verify", None)
    with pytest.raises(BadInput, match=r"a\.fits is FITS.*'deep-image-prior\[astronomy\]'"):
        files.read(path)
