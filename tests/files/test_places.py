import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deep_image_prior import BadInput, files
from deep_image_prior.files import places

KILLED = """
import os, signal, sys
from pathlib import Path
from deep_image_prior import files

def half(file):
    file.write(b"half of it")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)

files.write_atomically(Path(sys.argv[1]), half, overwrite=sys.argv[2] == "over")
"""


@pytest.fixture(params=["nameless", "named", "without links"])
def system(request, monkeypatch):
    """What systems have: files without a name, links, or neither."""
    if request.param == "nameless" and not hasattr(os, "O_TMPFILE"):
        pytest.skip("there are no files without a name here")
    if request.param != "nameless":
        monkeypatch.setattr(places, "_nameless", lambda path: None)
    if request.param == "without links":

        def link(*given, **how):
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", link)


@pytest.mark.usefixtures("system")
def test_writing_never_overwrites_unasked_and_leaves_no_part(tmp_path):
    path = tmp_path / "a.png"
    files.write_atomically(path, b"first", overwrite=False)
    with pytest.raises(BadInput, match="exists"):
        files.write_atomically(path, b"second", overwrite=False)
    assert path.read_bytes() == b"first"
    # of a process that was killed, and had our number
    path.with_name(f".a.png.{os.getpid()}.part").write_bytes(b"half")
    files.write_atomically(path, b"third", overwrite=True)
    assert path.read_bytes() == b"third"
    assert list(tmp_path.iterdir()) == [path]


def test_places_that_cannot_be_written_are_refused(tmp_path):
    (tmp_path / "a.png").touch()
    for path, reason in [
        (tmp_path / "no" / "a.png", "is not a folder"),
        (tmp_path, "is a folder"),
        (tmp_path / "a.png", "exists"),
        (Path("/proc/a.png"), "cannot be written|is not a folder"),
    ]:
        with pytest.raises(BadInput, match=reason):
            files.check_free(path, overwrite=False)
    files.check_free(tmp_path / "a.png", overwrite=True)


@pytest.mark.usefixtures("system")
def test_a_full_disk_names_the_file_and_leaves_nothing(tmp_path):
    def full(file):
        file.write(b"first")
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.png"
    with pytest.raises(OSError, match=r"a\.png cannot be written: No space left on device"):
        files.write_atomically(path, full, overwrite=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("system")
def test_an_overwritten_link_stays_one_and_permissions_stay(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"first")
    real.chmod(0o600)
    link.symlink_to(real)
    files.write_atomically(link, b"second", overwrite=True)
    assert link.is_symlink()
    assert real.read_bytes() == b"second"
    assert real.stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("system")
def test_a_new_file_has_the_permissions_of_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        files.write_atomically(tmp_path / "a", b"", overwrite=False)
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="no files without a name here")
@pytest.mark.parametrize("how", ["new", "over"])
def test_a_killed_process_leaves_nothing(tmp_path, how):
    path = tmp_path / "a.png"
    if how == "over":
        path.write_bytes(b"first")
    done = subprocess.run([sys.executable, "-c", KILLED, path, how], check=False)
    assert done.returncode == -signal.SIGKILL
    assert [each.name for each in tmp_path.iterdir()] == (["a.png"] if how == "over" else [])
    assert how == "new" or path.read_bytes() == b"first"
