"""DICOM: single frames of stored values; what else the file says of patient and study is kept."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from uuid import NAMESPACE_OID, uuid5

import numpy as np

from ..errors import BadInput
from ..images import Pixels
from .ordinary import check_memory
from .picture import COPIES, Picture, check_page

if TYPE_CHECKING:
    from pydicom import FileDataset

SAMPLES = ("uint8", "int8", "uint16", "int16")
LARGEST = 2**16 - 1  # pixels a side
GRAY = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
STALE = [  # what was true of the pixels before; all may be left out
    "DigitalSignaturesSequence",
    "IconImageSequence",
    *(
        f"{which}{of}"
        for which in ("Smallest", "Largest")
        for of in ("ImagePixelValue", "PixelValueInSeries", "ImagePixelValueInPlane")
    ),
]
TEXT = 1024  # characters of a description


def read(path: Path, page: int | None) -> Picture:
    """The frame as it is stored, without rescale and window; YCbCr as RGB. One of several frames
    has no header: it is of all of them. Raises BadInput.
    """
    from pydicom import dcmread

    with _quiet():
        dataset = dcmread(path)
        if "PixelData" not in dataset:
            raise BadInput(f"{path} is DICOM without a picture; give a file that has one")
        colours, bits = dataset.PhotometricInterpretation, dataset.BitsAllocated
        if colours not in GRAY + COLOUR or bits not in (8, 16):
            raise BadInput(
                f"{path} is {colours} of {bits} bits; convert it to gray or RGB of 8 or 16 first"
            )
        frames = int(dataset.get("NumberOfFrames") or 1)
        check_page(path, page, frames)
        if frames > 1 and page is None:
            raise BadInput(f"{path} holds {frames} frames; choose one by --page")
        check_memory(
            path, dataset.Columns, dataset.Rows, COPIES * dataset.SamplesPerPixel * bits // 8
        )
        pixels = _decoded(path, dataset, (page or 1) - 1)
        del dataset.PixelData
    native = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    return Picture(
        native if colours in COLOUR else native[..., None],
        profile=dataset.get("ICCProfile"),
        header=dataset if frames == 1 else None,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Files that break a rule are common; what matters is raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def _decoded(path: Path, dataset: "FileDataset", frame: int) -> Pixels:
    from pydicom.pixels import get_decoder, pixel_array

    try:
        return pixel_array(dataset, index=frame)
    except RuntimeError:
        syntax = dataset.file_meta.TransferSyntaxUID
        if any("pylibjpeg" in each for each in get_decoder(syntax).missing_dependencies):
            raise BadInput(
                f"{path} is compressed by {syntax.name}, which cannot be decoded here; "
                "pip install 'pylibjpeg[all]', or decompress it first"
            ) from None
        raise


def write(picture: Picture, suffix: str, file: BinaryIO) -> None:
    """As a derived image, uncompressed. Its UID follows from the picture: what is made twice is the
    same.
    """
    from pydicom import FileDataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    if not isinstance(picture.header, FileDataset):
        raise BadInput("it has no patient and study, as only what was read from DICOM has")
    if not picture.header.file_meta.TransferSyntaxUID.is_little_endian:
        raise BadInput("its file is big endian; convert it to little endian first")
    with _quiet():
        dataset = deepcopy(picture.header)
        samples = picture.joined()
        _space(dataset, *samples.shape[:2])
        made = f"deep-image-prior {version('deep-image-prior')}"
        earlier = dataset.get("DerivationDescription")
        dataset.DerivationDescription = (f"{earlier}; {made}" if earlier else made)[-TEXT:]
        kind = dataset.get("ImageType") or ""
        _, *more = [kind] if isinstance(kind, str) else kind
        dataset.ImageType = ["DERIVED", *(more or ["SECONDARY"])]
        for name in STALE:
            dataset.pop(name, None)
        dataset.preamble = None  # it may be the header of a TIFF of the pixels before
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        frames = dataset.get("NumberOfFrames")
        dataset.set_pixel_data(
            samples,
            "RGB" if samples.ndim == 3 else dataset.PhotometricInterpretation,
            _bits(samples, dataset.BitsStored),
            generate_instance_uid=False,
        )
        if frames:
            dataset.NumberOfFrames = frames
        content = f"{dataset.SOPInstanceUID} {made} {sha256(dataset.PixelData).hexdigest()}"
        dataset.SOPInstanceUID = f"2.25.{uuid5(NAMESPACE_OID, content).int}"
        dataset.save_as(file, enforce_file_format=True)


def _bits(samples: Pixels, stored: int) -> int:
    """`stored`, if that holds the samples, or all that there are."""
    least, greatest = (
        (0, 2**stored) if samples.dtype.kind == "u" else (-(2**stored) // 2, 2**stored // 2)
    )
    fits = least <= int(samples.min()) and int(samples.max()) < greatest
    return stored if fits else 8 * samples.dtype.itemsize


def _space(dataset: "FileDataset", height: int, width: int) -> None:
    """Of an enlarged picture, pixels are smaller, and the middle of the first lies elsewhere."""
    from pydicom.valuerep import format_number_as_ds

    factors = dataset.Rows / height, dataset.Columns / width
    if factors == (1, 1):
        return
    spacing = np.array(dataset.get("PixelSpacing") or [0, 0], float)
    down, across = (np.array(factors) - 1) * spacing / 2
    for element in dataset.iterall():
        if element.keyword in SPACINGS and element.value:
            element.value = [
                format_number_as_ds(factor * float(each))
                for factor, each in zip(factors, element.value, strict=True)
            ]
    if dataset.get("ImagePositionPatient") and dataset.get("ImageOrientationPatient"):
        along_row, along_column = np.array(dataset.ImageOrientationPatient, float).reshape(2, 3)
        corner = np.array(dataset.ImagePositionPatient, float)
        moved = corner + across * along_row + down * along_column
        dataset.ImagePositionPatient = [format_number_as_ds(float(each)) for each in moved]
