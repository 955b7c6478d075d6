"""The check of the built site sees what it is for."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).parents[1] / "docs" / "links.py"
GOOD = '<h1 id="top">A</h1><img src="a.png"><a href="b.html#top">b</a><a href="https://x.org">x</a>'


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("", "all links lead somewhere"),
        ('<script src="https://x.org/a.js"></script>', "loads https://x.org/a.js"),
        ('<link rel="stylesheet" href="//x.org/a.css">', "loads //x.org/a.css"),
        ('<img srcset="a.png 1x, https://x.org/a.png 2x">', "loads https://x.org/a.png"),
        ('<a href="c.html">c</a>', "c.html is not there"),
        ('<a href="b.html#end">b</a>', "b.html#end is no place in that page"),
    ],
)
def test_a_fault_is_found(tmp_path, added, said):
    (tmp_path / "a.html").write_text(GOOD + added)
    (tmp_path / "b.html").write_text(GOOD)
    (tmp_path / "a.png").touch()
    done = subprocess.run([sys.executable, CHECK, tmp_path], capture_output=True, text=True)
    assert said in done.stdout
    assert bool(done.returncode) is bool(added)


def test_no_pages_are_no_site(tmp_path):
    done = subprocess.run([sys.executable, CHECK, tmp_path], capture_output=True, text=True)
    assert done.returncode == 1
