"""What was done, in a form that a program can read and a person can repeat."""

import hashlib
import json
import math
import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import torch

from ..files import Content, names_in
from ..images import Pixels
from ..restoration import Result
from ..summary import shown

Fingerprint = dict[str, str]


def package() -> str:
    """This software and its version."""
    return f"deep-image-prior {version('deep-image-prior')}"


def surroundings() -> dict[str, Any]:
    """Versions and machine that a result is made with: those of this process."""
    return {
        "package": package(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "machine": platform.platform(),
    }


def record(
    task: str,
    surroundings: Mapping[str, Any],
    choices: Mapping[str, Any],
    inputs: Mapping[str, Fingerprint],
    outputs: Mapping[str, Fingerprint],
    content: Mapping[str, Any],
) -> str:
    """JSON of one command: task, versions and machine, fingerprints of files, and `content`."""
    return json.dumps(
        {
            "task": task,
            **surroundings,
            "choices": dict(choices),
            "inputs": dict(inputs),
            "outputs": dict(outputs),
            **content,
        },
        indent=1,
    )


def described(result: Result, scores: Mapping[str, float | None] = {}) -> dict[str, Any]:
    """One result for a record: settings, size, steps, times, energies, scores, without its
    pixels.
    """
    *pages, height, width, channels = result.image.shape
    return {
        "settings": asdict(result.settings),
        "image": {
            "width": width,
            "height": height,
            "channels": channels,
            "dtype": result.image.dtype.name,
            **({"pages": pages[0]} if pages else {}),
        },
        "noise": result.noise.facts() if result.noise else None,
        "compression": asdict(result.compression) if result.compression else None,
        "stripes": asdict(result.stripes) if result.stripes else None,
        "holes": " and ".join(result.damage.holes) or None,
        "alignment": result.damage.alignment and asdict(result.damage.alignment),
        "softness": result.damage.softness,
        "noise_left": result.damage.noise_left,
        "clean": result.clean,
        "cautions": list(result.cautions),
        "steps": result.steps,
        "chosen": result.chosen,
        "stopped": result.stopped,
        "uncertainty_db": result.uncertainty_db,
        "uncertainty": _typical(result.uncertainty),
        "confidence": result.confidence,
        "seconds": round(result.seconds, 3),
        "seconds_per_step": result.seconds / sum(result.steps),
        "peak_memory_bytes": peak_memory(result.device),
        "device": result.device,
        "scores": _finite({**scores, **result.measures}),
        "energy": [float(f"{energy:.6g}") for energy in result.history],
    }


def _typical(uncertainty: Pixels | None) -> dict[str, float] | None:
    """The numbers of the summary, in the units of the image."""
    if uncertainty is None:
        return None
    return dict(zip(("median", "hundredth"), shown(uncertainty), strict=True))


def _finite(scores: Mapping[str, float | None]) -> dict[str, float | None]:
    """What JSON has numbers for."""
    return {
        name: score if score is not None and math.isfinite(score) else None
        for name, score in scores.items()
    }


def fingerprint(path: Path) -> Fingerprint:
    """Name and sha256 of the file or folder at `path` as it is now."""
    if path.is_dir():
        return _of_folder({name: _sha256(path / name) for name in names_in(path)}, path.name)
    return {"name": path.name, "sha256": _sha256(path)}


def fingerprint_of(content: Content, name: str) -> Fingerprint:
    """The same before it is written."""
    if isinstance(content, bytes):
        return {"name": name, "sha256": hashlib.sha256(content).hexdigest()}
    return _of_folder(
        {each: hashlib.sha256(content[each]).hexdigest() for each in sorted(content)}, name
    )


def _of_folder(sums: Mapping[str, str], name: str) -> Fingerprint:
    """The sha256 of what `sha256sum` prints of its files."""
    lines = "".join(f"{each}  {file}\n" for file, each in sums.items())
    return {"name": name, "sha256": hashlib.sha256(lines.encode()).hexdigest()}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def peak_memory(device: str) -> int:
    """The most bytes held so far: of the device for CUDA, of this process otherwise."""
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated(device)
    usage = psutil.Process().memory_info()
    if hasattr(usage, "peak_wset"):
        return int(usage.peak_wset)
    import resource  # there is none on Windows

    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
