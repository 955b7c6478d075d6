"""What is beside the code says what is true of it: names of files, of tests, and the version."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = (
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/deprecation.md",
    "docs/install.md",
    "docs/settings.md",
)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_a_document_points_at_is_there(name):
    document = ROOT / name
    text = document.read_text()
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert all((document.parent / each).exists() for each in links), links
    paths = re.findall(r"`([\w.-]+/[\w./-]*)`", text)
    assert [each for each in paths if not (ROOT / each).exists()] == []
    names = re.findall(r"`(\w+)`,? (?:of|in)\s+`([\w.-]+/[\w./-]+\.py)`", text)
    assert [each for each in names if each[0] not in (ROOT / each[1]).read_text()] == []
    if name == "CONTRIBUTING.md":
        assert len(links) > 4
        assert len(names) > 4


def test_the_citation_is_of_this_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"\nversion: {project['version']}\n" in citation
    assert f"\nlicense: {project['license']}\n" in citation
    doi = "10.1007/s11263-020-01303-4"
    assert doi in citation
    assert doi in (ROOT / "README.md").read_text()


def test_a_container_gets_what_it_copies():
    ignored, *kept = (ROOT / ".dockerignore").read_text().split()
    assert ignored == "*"
    copied = re.findall(r"^COPY (.*) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    for name in " ".join(copied).split():
        assert (ROOT / name).exists()
        assert f"!{name}" in kept
