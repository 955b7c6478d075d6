"""Completion by the shell: the scripts are made, and know the commands and their options."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SHELLS = ("bash", "zsh", "fish")


@pytest.fixture
def path(tmp_path):
    """A PATH on which there is `dip`."""
    command = tmp_path / "dip"
    command.write_text(
        f"#!{sys.executable}\nfrom deep_image_prior.__main__ import main\n\nmain()\n"
    )
    command.chmod(0o755)
    return f"{tmp_path}{os.pathsep}{os.environ['PATH']}"


def dip(path, **environment):
    there = os.environ | {"PATH": path} | environment
    done = subprocess.run(["dip"], env=there, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def words(shell, line, last):
    """What the script of a shell tells click of a line."""
    before = line.split()
    if shell == "fish":
        return {"COMP_WORDS": line, "COMP_CWORD": last}
    return {"COMP_WORDS": line, "COMP_CWORD": str(len(before) - 1)}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("line", "last", "found"),
    [
        ("dip den", "den", ["denoise"]),
        ("dip denoise --str", "--str", ["--strength"]),
        ("dip denoise --preset b", "b", ["best"]),
    ],
)
def test_what_is_begun_is_completed(path, shell, line, last, found):
    told = dip(path, _DIP_COMPLETE=f"{shell}_complete", **words(shell, line, last))
    values = told.splitlines()[1::3] if shell == "zsh" else told.splitlines()
    assert [each.partition(",")[2].split("\t")[0] or each for each in values] == found


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_a_shell_is_made(path, shell, tmp_path):
    if shell == "bash" and not shutil.which("bash"):
        pytest.skip("its version is asked of bash itself")
    script = dip(path, _DIP_COMPLETE=f"{shell}_source")
    assert f"_DIP_COMPLETE={shell}_complete" in script
    if not shutil.which(shell):
        pytest.skip(f"the script is made; {shell} is not here to read it")
    Path(tmp_path, "script").write_text(script)
    checked = subprocess.run([shell, "-n", tmp_path / "script"], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
def test_bash_completes(path, tmp_path):
    line = (
        'eval "$(_DIP_COMPLETE=bash_source dip)"; COMP_WORDS=(dip den); COMP_CWORD=1; '
        '_dip_completion dip den dip; echo "${COMPREPLY[@]}"; complete -p dip'
    )
    done = subprocess.run(
        ["bash", "-c", line], env=os.environ | {"PATH": path}, capture_output=True, text=True
    )
    name, registered = done.stdout.splitlines()
    assert name == "denoise"
    assert "-F _dip_completion dip" in registered


@pytest.mark.skipif(not shutil.which("fish"), reason="there is no fish")
def test_fish_completes(path, tmp_path):
    line = '_DIP_COMPLETE=fish_source dip | source; complete -C "dip den"'
    there = os.environ | {"PATH": path, "HOME": str(tmp_path)}
    done = subprocess.run(["fish", "-c", line], env=there, capture_output=True, text=True)
    assert done.stdout.startswith("denoise\t"), done.stderr
