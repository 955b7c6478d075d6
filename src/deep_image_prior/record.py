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

from .job import Result


def record(
    task: str,
    choices: Mapping[str, Any],
    inputs: Mapping[str, Mapping[str, str]],
    outputs: Mapping[str, Mapping[str, str]],
    result: Result,
    scores: Mapping[str, float | None],
) -> str:
    """JSON of one restoration: task, versions, settings, fingerprints of files, steps, times, energies, scores."""
    height, width, channels = result.image.shape
    steps = sum(result.steps)
    return json.dumps(
        {
            "task": task,
            "package": f"deep-image-prior {version('deep-image-prior')}",
            "torch": torch.__version__,
            "choices": dict(choices),
            "settings": asdict(result.settings),
            "inputs": dict(inputs),
            "outputs": dict(outputs),
            "image": {"width": width, "height": height, "channels": channels, "dtype": result.image.dtype.name},
            "noise": asdict(result.noise) if result.noise else None,
            "compression": asdict(result.compression) if result.compression else None,
            "steps": result.steps,
            "chosen": result.chosen,
            "stopped": result.stopped,
            "doubt": result.doubt,
            "confidence": result.confidence,
            "seconds": round(result.seconds, 3),
            "seconds_per_step": result.seconds / steps,
            "peak_memory_bytes": peak_memory(result.device),
            "device": result.device,
            "threads": torch.get_num_threads(),
            "machine": platform.platform(),
            "scores": {
                name: score if score is not None and math.isfinite(score) else None for name, score in scores.items()
            },
            "energy": [float(f"{energy:.6g}") for energy in result.history],
        },
        indent=1,
    )


def fingerprint(path: Path) -> dict[str, str]:
    """Name and sha256 of the file at `path` as it is now."""
    return {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


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
