"""Many pictures by one command: `python -m benchmarks.many FIGURE...`, in a temporary folder.

batch: 50 small pictures by one command, and by 50. jobs: the same by one process and by two. kills:
a command killed at 100 random moments, and run again. memory: that of one command over 1,000
pictures. stack: pages restored together and one by one.
"""

import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import psutil
import tifffile
from PIL import Image
from skimage import data

COMMAND = (sys.executable, "-m", "deep_image_prior", "denoise")
FEW = ("--steps", "20", "--noise", "white")
SIDE, SIGMA = 64, 25  # of the small pictures, and of their noise of 255
COUNT, KILLS, FILES = 50, 100, 1000
LONGEST = 15.0  # seconds until a kill
PAGES, SPEED = 12, 7  # of a stack, and pixels that the view moves from one to the next


def pictures(folder: Path, count: int, side: int = SIDE) -> list[Path]:
    """Noisy parts of a photograph, as files."""
    photo, noise = data.astronaut(), np.random.default_rng(0)
    folder.mkdir()
    paths = []
    for number in range(count):
        top, left = noise.integers(0, len(photo) - side, 2)
        part = photo[top : top + side, left : left + side]
        noisy = (part + noise.normal(0, SIGMA, part.shape)).clip(0, 255)
        paths.append(folder / f"{number:04}.png")
        Image.fromarray(np.rint(noisy).astype(np.uint8)).save(paths[-1])
    return paths


def run(*arguments: object) -> float:
    """Seconds of one command."""
    begun = time.monotonic()
    subprocess.run([*COMMAND, *map(str, arguments), "--quiet"], check=True)
    return time.monotonic() - begun


def batch(folder: Path) -> None:
    paths = pictures(folder / "in", COUNT)
    (folder / "single").mkdir()
    single = sum(run(path, "-o", folder / "single" / path.name, *FEW) for path in paths)
    together = run(folder / "in", "-o", folder / "out", *FEW)
    again = run(folder / "in", "-o", folder / "out", *FEW)
    print(f"{COUNT} commands {single:.0f} s, one {together:.0f} s, {single / together:.1f} times")
    print(f"the same command once more, when all is there: {again:.1f} s")


def jobs(folder: Path) -> None:
    pictures(folder / "in", COUNT)
    for count in (1, 2, 1, 2):
        seconds = run(folder / "in", "-o", folder / f"out{time.time()}", "--jobs", count, *FEW)
        print(f"{COUNT} pictures, {count} at a time: {seconds:.0f} s")


def digests(folder: Path) -> dict[str, str]:
    """Of the results in it; raises AssertionError if one is not as its record says."""
    found = {}
    for path in folder.glob("*.png"):
        found[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        record = json.loads(path.with_name(f"{path.name}.json").read_text())
        assert record["outputs"][path.name]["sha256"] == found[path.name], path
    return found


def kills(folder: Path) -> None:
    count = 12
    pictures(folder / "in", count)
    run(folder / "in", "-o", folder / "undisturbed", *FEW)
    expected, moments = digests(folder / "undisturbed"), random.Random(0)
    killed, done = 0, 0
    while killed < KILLS:
        out = folder / f"out{done}"
        command = [*COMMAND, str(folder / "in"), "-o", str(out), "--quiet", *FEW]
        process = subprocess.Popen(command)
        try:
            process.wait(moments.uniform(0, LONGEST))
            assert digests(out) == expected
            done += 1
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            killed += 1
            found = digests(out) if out.exists() else {}
            assert found.items() <= expected.items()
            assert not list(folder.rglob(".*")), "a part of a file is left"
    print(f"{killed} kills, {done} times all {count} files, each as undisturbed, no part left")


def memory(folder: Path) -> None:
    paths = pictures(folder / "in", FILES, side=16)
    out = folder / "out"
    process = psutil.Popen(
        [*COMMAND, str(folder / "in"), "-o", str(out), "--quiet", *FEW[2:], "--steps", "1"]
    )
    wanted = list(range(FILES // 10, FILES, FILES // 10))
    while wanted and process.poll() is None:
        done = len(list(out.glob("*.png"))) if out.exists() else 0
        if done >= wanted[0]:
            wanted.pop(0)
            print(f"after {done} files: {process.memory_info().rss / 2**20:.0f} MiB", flush=True)
        time.sleep(0.2)
    assert process.wait() == 0
    assert len(list(out.glob("*.png"))) == len(paths)


def stack(folder: Path) -> None:
    """A view that moves over a photograph, with noise of its own in every page."""
    photo, noise = data.astronaut(), np.random.default_rng(0)
    for side in (128, 192):
        views = [(SPEED * k, 2 * SPEED * k) for k in range(PAGES)]
        clean = np.stack([photo[y : y + side, x : x + side] for y, x in views])
        noisy = np.rint((clean + noise.normal(0, SIGMA, clean.shape)).clip(0, 255))
        for name, pages in (("stack", noisy.astype(np.uint8)), ("clean", clean)):
            tifffile.imwrite(folder / f"{name}.tif", pages, photometric="rgb", metadata=None)
        one = [folder / "stack.tif", "--reference", folder / "clean.tif", "--overwrite"]
        whole = run(*one, "-o", folder / "out.tif", "--record", folder / "whole.json")
        scores = [json.loads((folder / "whole.json").read_text())["scores"]["psnr"]]
        begun = time.monotonic()
        squares = []
        for page in range(1, PAGES + 1):
            run(*one, "--page", page, "-o", folder / "page.tif", "--record", folder / "page.json")
            score = json.loads((folder / "page.json").read_text())["scores"]["psnr"]
            squares.append(10 ** (-score / 10))
        scores.append(-10 * np.log10(np.mean(squares)))
        alone = time.monotonic() - begun
        print(
            f"{PAGES} pages of {side} x {side}: together {scores[0]:.2f} dB in {whole:.0f} s, "
            f"each alone {scores[1]:.2f} dB in {alone:.0f} s"
        )


FIGURES: dict[str, Callable[[Path], None]] = {
    each.__name__: each for each in (batch, jobs, kills, memory, stack)
}


def main(names: Sequence[str]) -> None:
    for name in names or FIGURES:
        with tempfile.TemporaryDirectory(prefix="many-") as folder:
            print(f"{name}, {os.cpu_count()} cores", flush=True)
            FIGURES[name](Path(folder))


if __name__ == "__main__":
    unknown = set(sys.argv[1:]) - set(FIGURES)
    if unknown:
        sys.exit(f"unknown {', '.join(unknown)}; choose of {', '.join(FIGURES)}")
    main(sys.argv[1:])
