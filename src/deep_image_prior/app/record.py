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

from ..restoration import Result

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
    height, width, channels = result.image.shape
    return {
        "settings": asdict(result.settings),
        "image": {
            "width": width,
            "height": height,
            "channels": channels,
            "dtype": result.image.dtype.name,
        },
        "noise": result.noise.facts() if result.noise else None,
        "compression": asdict(result.compression) if result.compression else None,
        "stripes": asdict(result.stripes) if result.stripes else None,
        "clean": result.clean,
        "cautions": list(result.cautions),
        "steps": result.steps,
        "chosen": result.chosen,
        "stopped": result.stopped,
        "uncertainty_db": result.uncertainty_db,
        "confidence": result.confidence,
        "seconds": round(result.seconds, 3),
        "seconds_per_step": result.seconds / sum(result.steps),
        "peak_memory_bytes": peak_memory(result.device),
        "device": result.device,
        "scores": _finite({**scores, **result.measures}),
        "energy": [float(f"{energy:.6g}") for energy in result.history],
    }


def _finite(scores: Mapping[str, float | None]) -> dict[str, float | None]:
    """What JSON has numbers for."""
    return {
        name: score if score is not None and math.isfinite(score) else None
        for name, score in scores.items()
    }


def fingerprint(path: Path) -> Fingerprint:
    """Name and sha256 of the file at `path` as it is now."""
    with path.open("rb") as file:
        return {"name": path.name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def fingerprint_of(content: bytes, name: str) -> Fingerprint:
    """The same of a file before it is written."""
    return {"name": name, "sha256": hashlib.sha256(content).hexdigest()}


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
