"""The Python code of the documents runs, with two steps in the place of many."""

import re
from itertools import islice
from pathlib import Path

import pytest

from deep_image_prior import fitting

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
# weights of torchvision would be downloaded; a sketch; and what needs a screen (test_napari.py)
LEFT_OUT = ("classifiers.load", "): ...", "napari.run()")


def blocks(path: Path) -> list[str]:
    found = BLOCK.findall(path.read_text(encoding="utf-8"))
    return [block for block in found if not any(words in block for words in LEFT_OUT)]


DOCUMENTS = [path for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")) if blocks(path)]


def test_there_is_code_in_the_readme():
    assert ROOT / "README.md" in DOCUMENTS


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_code_of_a_document_runs(path, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    descend = fitting.descend
    monkeypatch.setattr(fitting, "descend", lambda *how: islice(descend(*how), 2))
    names: dict[str, object] = {}
    for block in blocks(path):
        exec(compile(block, str(path), "exec"), names)
