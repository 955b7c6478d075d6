"""The site: `./site` builds it."""

from importlib import metadata

from sphinx.application import Sphinx

project = "deep-image-prior"
version = release = metadata.version("deep-image-prior")
copyright = "the deep-image-prior contributors"
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["templates"]
exclude_patterns = ["scripts/*", "templates/*"]
# types of other packages, and words
nitpick_ignore_regex = [("py:class", r"(?!deep_image_prior\.).*|.*\.(Kind|Windows?)")]

html_theme = "furo"
html_title = project
html_show_sphinx = False
html_copy_source = False

myst_heading_anchors = 3
highlight_language = "none"
maximum_signature_line_length = 90
default_role = "literal"  # docstrings name things in single backticks

autosummary_ignore_module_all = False  # lists are what is public
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = False
napoleon_use_rtype = False

sphinx_gallery_conf = {
    "examples_dirs": ["scripts/tasks", "scripts/own"],
    "gallery_dirs": ["gallery", "own"],
    "filename_pattern": r"\.py",  # all are run
    "backreferences_dir": None,
    "download_all_examples": False,
    "capture_repr": (),  # what is printed, no more
    "notebook_extensions": set(),
    "show_signature": False,
    "within_subsection_order": "FileNameSortKey",
    "write_computation_times": False,  # pages that load scripts of other hosts
    "parallel": 2,  # on one thread each
    "image_srcset": ["2x"],
}


INCLUDED = {  # files that lie elsewhere, and the pages that have their text
    "benchmarks/README.md": "tables.md",
    "CHANGELOG.md": "changes.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}


def plain(app: Sphinx, kind: str, name: str, of: object, options: object, lines: list[str]) -> None:
    """Docstrings are plain text: x* and |x| are no markup."""
    lines[:] = [line.replace("*", r"\*").replace("|", r"\|") for line in lines]
    if kind in ("attribute", "property"):
        lines[0] = f": {lines[0]}"  # napoleon takes what is before a colon for a type


def within(app: Sphinx, page: str, text: list[str]) -> None:
    """A page that lies elsewhere is included by one that is here."""
    for there, here in INCLUDED.items():
        text[0] = text[0].replace(f"](../{there}", f"]({here}")


def setup(app: Sphinx) -> None:
    app.connect("source-read", within)
    app.connect("autodoc-process-docstring", plain, priority=100)  # before napoleon
