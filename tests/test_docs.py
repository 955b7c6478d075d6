"""The code of the documents runs, Python and shell, with two steps in the place of many."""

import os
import re
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from astropy.io import fits
from files.test_dicom import made as dicom
from files.test_raw import dng, mosaic, scene
from markdown_it import MarkdownIt
from PIL import Image
from skimage import data

from deep_image_prior import fitting

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# where weights or packages would be downloaded, other machines are asked, or a screen is needed;
# what goes on until it is ended; and a sketch
LEFT_OUT = ("classifiers.load", "--model alexnet", "--model vgg", "pip install", "venv", "): ...")
LEFT_OUT += ("dask ", "--scheduler", "curl ", "docker ", "napari.run()", "dip page")
LISTED = "dip layers"  # needs no weights
SHELL = re.compile(r"^(dip|python|find) ", re.MULTILINE)
DIP = f"""#!{sys.executable}
from itertools import islice
from deep_image_prior import fitting
from deep_image_prior.__main__ import main
descend = fitting.descend
fitting.descend = lambda *how: islice(descend(*how), 2)
main()
"""


def runs(code: str) -> bool:
    return LISTED in code or not any(words in code for words in LEFT_OUT)


def python(path: Path) -> list[str]:
    """The Python blocks of a document."""
    tokens = MarkdownIt().parse(path.read_text(encoding="utf-8"))
    fences = [each.content for each in tokens if each.type == "fence" and each.info == "python"]
    return [block for block in fences if runs(block)]


def shell(path: Path) -> list[str]:
    """The indented blocks of a document that are commands, without those that are left out."""
    tokens = MarkdownIt().parse(path.read_text(encoding="utf-8"))
    blocks = [each.content for each in tokens if each.type == "code_block"]
    kept = [
        "".join(filter(runs, re.findall(r"(?:.*\\\n)*.*\n", block)))
        for block in blocks
        if SHELL.search(block)
    ]
    return [block for block in kept if block.strip()]


def samples(folder: Path) -> None:
    """The files that the documents speak of, of 32 x 32 pixels."""
    picture = np.ascontiguousarray(data.chelsea()[100:132, 100:132])
    gray, pages = picture[..., 0], np.stack([picture[..., 0]] * 3)
    mask = np.full((32, 32), 255, np.uint8)
    mask[10:12, 4:20] = 0
    for name in ("photo.png", "photo.jpg", "noflash.jpg", "flash.jpg", "clean.png"):
        Image.fromarray(picture).save(folder / name)
    Image.fromarray(picture).convert("P").save(folder / "old.gif")
    Image.fromarray(mask).save(folder / "mask.png")
    for name in ("scans", "masks"):
        (folder / name).mkdir()
        for k in range(3):
            page = mask if name == "masks" else picture
            Image.fromarray(page).save(folder / name / f"{k}.tif")
    for name in ("stack.ome.tif", "stack.tif"):
        tifffile.imwrite(folder / name, pages, photometric="minisblack", metadata={"axes": "TYX"})
    for name, page in (("mask.tif", mask), ("photo.tif", picture)):
        tifffile.imwrite(folder / name, page)
    dng(folder / "photo.dng", mosaic(scene(32, 32)))
    fits.writeto(folder / "ngc1333.fits", gray.astype(np.float32))
    fits.writeto(folder / "cube.fits", np.stack([gray] * 12).astype(np.float32))
    dicom(folder / "slice.dcm", gray)
    dicom(folder / "run.dcm", np.stack([gray] * 7), NumberOfFrames=7)
    zarr.save_array(folder / "cells.zarr", gray)
    zarr.open_group(folder / "plate.zarr", mode="w").create_array("A/1/0", data=gray)


def test_there_is_code_in_the_documents():
    assert python(DOCUMENTS[0])
    assert len([path for path in DOCUMENTS if shell(path)]) > 5


@pytest.mark.parametrize("path", list(filter(python, DOCUMENTS)), ids=lambda path: path.name)
def test_the_python_code_of_a_document_runs(path, quick_fills, quick_noise, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    descend = fitting.descend
    monkeypatch.setattr(fitting, "descend", lambda *how: islice(descend(*how), 2))
    monkeypatch.setattr("deep_image_prior.objectives.plug_and_play.RELATIVE", (0.01,))
    names: dict[str, object] = {}
    for block in python(path):
        exec(compile(block, str(path), "exec"), names)


@pytest.mark.site
@pytest.mark.parametrize(
    ("path", "number"),
    [(path, number) for path in DOCUMENTS for number in range(len(shell(path)))],
    ids=lambda value: getattr(value, "name", value),
)
def test_the_commands_of_a_document_run(path, number, tmp_path):
    folder, programs = tmp_path / "pictures", tmp_path / "programs"
    folder.mkdir()
    programs.mkdir()
    samples(folder)
    if path.name == "classifiers.md":  # says: in examples
        (folder / "lite.py").write_text((ROOT / "examples" / "lite.py").read_text())
    (programs / "dip").write_text(DIP)
    (programs / "dip").chmod(0o755)
    places = [str(programs), str(Path(sys.executable).parent), os.environ["PATH"]]
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", shell(path)[number]],
        cwd=folder,
        env={**os.environ, "PATH": os.pathsep.join(places)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
