"""How much of the machine's memory there is to take."""

from pathlib import Path

import psutil

SHARE = 0.8  # of what is free


def available(container: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that a call may take now: a share of those of the machine, or of the control group
    `container` of the process if that has less left.
    """
    left = [psutil.virtual_memory().available]
    for limit, taken in (
        ("memory.max", "memory.current"),  # version 2
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            most, used = ((container / name).read_text().strip() for name in (limit, taken))
        except OSError:
            continue
        if most.isdigit():
            left.append(max(int(most) - int(used), 0))
    return int(SHARE * min(left))


def in_words(size: int) -> str:
    """`size` bytes as people say it."""
    return f"{size / 2**30:.1f} GiB" if size > 2**30 else f"{size / 2**20:.1f} MiB"
