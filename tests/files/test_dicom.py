import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from helpers import encoded
from pydicom.data import get_testdata_file
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from deep_image_prior import BadInput, files
from deep_image_prior.files import Picture

RANDOM = np.random.default_rng(0)


def made(
    path: Path, pixels: np.ndarray, colours: str = "MONOCHROME2", bits: int = 0, **more
) -> Path:
    """A file of these stored values."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(path, {}, preamble=b"II*\0" + bytes(124), file_meta=meta)
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, generate_uid()
    dataset.PatientName, dataset.StudyInstanceUID = "Doe^Zoë", generate_uid()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.set_pixel_data(
        pixels, colours, bits or 8 * pixels.dtype.itemsize, generate_instance_uid=False
    )
    for name, value in more.items():
        setattr(dataset, name, value)
    dataset.save_as(path, enforce_file_format=True)
    return path


def samples(dtype: str, *shape: int) -> np.ndarray:
    ends = np.iinfo(dtype)
    return RANDOM.integers(ends.min, ends.max, shape, dtype, endpoint=True)


def written(path: Path, picture: Picture) -> pydicom.Dataset:
    files.check_format(path, picture)
    path.write_bytes(encoded(picture, path.suffix))
    return pydicom.dcmread(path)


def shipped(name: str) -> Path:
    return Path(get_testdata_file(name, download=False))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
@pytest.mark.parametrize("colours", ["MONOCHROME1", "MONOCHROME2", "RGB"])
def test_stored_values_come_back(tmp_path, dtype, colours):
    pixels = samples(dtype, 5, 7, 3)[..., : 3 if colours == "RGB" else 1]
    rescaled = {"RescaleSlope": 2, "RescaleIntercept": -1024, "WindowCenter": 40, "WindowWidth": 80}
    path = made(tmp_path / "a.dcm", pixels.squeeze(), colours, **rescaled)
    picture = files.read(path)
    np.testing.assert_array_equal(picture.pixels, pixels)
    assert picture.pixels.dtype == dtype
    dataset = written(tmp_path / "b.dicom", picture)
    np.testing.assert_array_equal(dataset.pixel_array, pixels.squeeze())
    assert dataset.PhotometricInterpretation == colours
    for name, value in rescaled.items():
        assert dataset[name].value == value
    np.testing.assert_array_equal(files.read(tmp_path / "b.dicom").pixels, pixels)


def test_the_result_is_a_derived_image_of_the_same_patient(tmp_path):
    path = made(
        tmp_path / "a.dcm",
        samples("int16", 8, 8),
        ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
        DerivationDescription="cropped",
        SmallestImagePixelValue=-5,
        LargestImagePixelValue=5,
    )
    before = pydicom.dcmread(path)
    picture = files.read(path)
    changed = picture.with_pixels(picture.pixels // 2)
    after = written(tmp_path / "b.dcm", changed)
    assert (after.PatientName, after.StudyInstanceUID) == ("Doe^Zoë", before.StudyInstanceUID)
    assert after.ImageType == ["DERIVED", "PRIMARY", "AXIAL"]
    assert after.DerivationDescription.startswith("cropped; deep-image-prior ")
    assert after.SOPInstanceUID not in ("", before.SOPInstanceUID)
    assert after.file_meta.MediaStorageSOPInstanceUID == after.SOPInstanceUID
    assert after.file_meta.MediaStorageSOPClassUID == CTImageStorage
    assert after.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert not {"SmallestImagePixelValue", "LargestImagePixelValue"} & set(after.dir())
    assert after.preamble == bytes(128), "no header of the TIFF that it was"
    np.testing.assert_array_equal(after.pixel_array, picture.pixels[..., 0] // 2)
    assert encoded(changed, ".dcm") == (tmp_path / "b.dcm").read_bytes(), "the same made twice"
    assert written(tmp_path / "c.dcm", picture).SOPInstanceUID != after.SOPInstanceUID
    assert picture.header.ImageType[0] == "ORIGINAL", "what was read is left as it is"


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, ["DERIVED", "SECONDARY"]), ("ORIGINAL", ["DERIVED", "SECONDARY"])]
    + [(["ORIGINAL", "PRIMARY"], ["DERIVED", "PRIMARY"])],
)
def test_every_kind_of_image_becomes_a_derived_one(tmp_path, before, after):
    more = {"ImageType": before} if before else {}
    picture = files.read(made(tmp_path / "a.dcm", samples("uint8", 8, 8), **more))
    assert written(tmp_path / "b.dcm", picture).ImageType == after


def test_enlarged_pixels_are_smaller_and_lie_where_they_were(tmp_path):
    path = made(
        tmp_path / "a.dcm",
        samples("uint16", 8, 8),
        PixelSpacing=[0.5, 0.25],
        ImagerPixelSpacing=[1 / 3, 1 / 3],
        ImagePositionPatient=[10, 20, 30],
        ImageOrientationPatient=[0, 1, 0, 0, 0, -1],
    )
    picture = files.read(path)
    same = written(tmp_path / "same.dcm", picture)
    assert (same.PixelSpacing, same.ImagePositionPatient) == ([0.5, 0.25], [10, 20, 30])
    larger = written(
        tmp_path / "b.dcm", picture.with_pixels(picture.pixels.repeat(2, 0).repeat(2, 1))
    )
    assert (larger.Rows, larger.Columns) == (16, 16)
    assert larger.PixelSpacing == [0.25, 0.125]
    assert larger.ImagerPixelSpacing == pytest.approx([1 / 6, 1 / 6])
    # half of the difference of the sides: along the rows, which go along y, and down, along -z
    assert larger.ImagePositionPatient == pytest.approx([10, 20 - 0.0625, 30 + 0.125])


def test_bits_are_those_of_the_file_where_they_hold_the_result(tmp_path):
    picture = files.read(made(tmp_path / "a.dcm", samples("uint16", 8, 8) >> 4, bits=12))
    assert written(tmp_path / "b.dcm", picture).BitsStored == 12
    brighter = written(tmp_path / "c.dcm", picture.with_pixels(picture.pixels + np.uint16(4096)))
    assert (brighter.BitsStored, brighter.HighBit) == (16, 15)


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("MR_small_RLE.dcm", "MR_small.dcm"),
        ("MR_small_jp2klossless.dcm", "MR_small.dcm"),
        ("MR_small_implicit.dcm", "MR_small.dcm"),
        ("MR_small_bigendian.dcm", "MR_small.dcm"),
        ("MR_small_padded.dcm", "MR_small.dcm"),
    ],
)
def test_what_pydicom_decodes_is_read(name, like):
    np.testing.assert_array_equal(
        files.read(shipped(name)).pixels, files.read(shipped(like)).pixels
    )


def test_luminance_and_chroma_become_colours(tmp_path):
    picture = files.read(shipped("SC_ybr_full_422_uncompressed.dcm"))
    assert picture.pixels.shape == (100, 100, 3)
    assert tuple(picture.pixels[5, 50]) == (254, 0, 0)
    dataset = written(tmp_path / "a.dcm", picture)
    assert (dataset.PhotometricInterpretation, dataset.PlanarConfiguration) == ("RGB", 0)


def test_one_of_several_frames_is_a_picture_of_its_own(tmp_path):
    frames = samples("uint8", 3, 8, 9)
    path = made(tmp_path / "a.dcm", frames)
    with pytest.raises(BadInput, match="holds 3 frames; choose one by --page"):
        files.read(path)
    with pytest.raises(BadInput, match="has no page 4; it has 3"):
        files.read(path, 4)
    picture = files.read(path, 2)
    np.testing.assert_array_equal(picture.pixels[..., 0], frames[1])
    with pytest.raises(BadInput, match="has no patient and study"):
        files.check_format(tmp_path / "b.dcm", picture)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("examples_palette.dcm", "is PALETTE COLOR of 8 bits; convert it"),
        ("liver_1frame.dcm", "of 1 bits; convert it"),
        ("rtdose_1frame.dcm", "of 32 bits; convert it"),
        ("rtplan.dcm", "is DICOM without a picture"),
        ("MR_truncated.dcm", "is damaged or truncated"),
        ("MR_small_jpeg_ls_lossless.dcm", r"is compressed by JPEG-LS Lossless.*pip install 'pyl"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(name, reason):
    with pytest.raises(BadInput, match=reason) as refusal:
        files.read(shipped(name))
    assert "\n" not in str(refusal.value)


def test_what_cannot_be_written_is_refused_in_one_line():
    gray = Picture(samples("uint8", 8, 8, 1))
    for picture, reason in (
        (gray, "has no patient and study"),
        (Picture(gray.pixels.astype(np.float32)), "cannot hold float32"),
        (Picture(np.zeros((2, 70000, 1), np.uint8)), "cannot hold 70000 pixels a side"),
        (files.read(shipped("MR_small_bigendian.dcm")), "convert it to little endian first"),
    ):
        with pytest.raises(BadInput, match=reason) as refusal:
            files.check_format(Path("a.dcm"), picture)
        assert "\n" not in str(refusal.value)


def test_other_formats_take_the_pixels(tmp_path):
    picture = files.read(shipped("CT_small.dcm"))
    files.check_format(tmp_path / "a.tif", picture)
    (tmp_path / "a.tif").write_bytes(encoded(picture, ".tif"))
    np.testing.assert_array_equal(files.read(tmp_path / "a.tif").pixels, picture.pixels)


def test_without_pydicom_it_is_said_what_to_install(monkeypatch):
    path = shipped("CT_small.dcm")
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(BadInput, match=r"needs pydicom: pip install 'deep-image-prior\[medical\]'"):
        files.read(path)
