"""Arithmetic, seconds a step, peak memory and the share of convolutions: `python -m benchmarks.speed [PRESET:SIZE...]`.

Every row is a process of its own; seconds are the median of the steps after the second; memory is the peak of the
process less what it held before the fit, beside the estimate that guards the door.
"""

import statistics
import subprocess
import sys
import time

import psutil
import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from deep_image_prior import Settings, descend, memory, tasks
from deep_image_prior.record import peak_memory

ROWS = [f"{preset}:{size}" for preset in ("paper", "fast") for size in (128, 256, 512)]
STEPS = {128: 12, 256: 7, 512: 5}


def measure(preset: str, size: int) -> str:
    """One row of the table, for denoising `size` x `size` RGB."""
    image = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    row = tasks.denoise.PRESETS[preset]
    problem = tasks.denoise.denoise(image, row)
    assert problem.shape
    estimate = memory.needed(problem.network, problem.shape)
    before = psutil.Process().memory_info().rss
    times, begun = [], time.perf_counter()
    for _ in descend(problem, Settings(steps=STEPS.get(size, 5))):
        times.append(time.perf_counter() - begun)
        begun = time.perf_counter()
    peak = peak_memory("cpu") - before
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        list(descend(problem, Settings(steps=3)))
    totals = {event.key: event.self_cpu_time_total for event in profiler.key_averages()}
    share = sum(spent for name, spent in totals.items() if "convolution" in name) / sum(totals.values())
    operations = []
    for steps in (1, 2):  # the first one makes the code too
        with FlopCounterMode(display=False) as counter:
            list(descend(problem, Settings(steps=steps)))
        operations.append(counter.get_total_flops())
    columns = [
        preset,
        f"{size}",
        f"{torch.get_num_threads()}",
        f"{(operations[1] - operations[0]) / 1e9:.1f}",
        f"{statistics.median(times[2:]):.3f}",
        f"{peak / 2**20:.0f}",
        f"{estimate / 2**20:.0f}",
        f"{share:.0%}",
    ]
    return f"| {' | '.join(columns)} |"


def main(rows: list[str]) -> None:
    print("| preset | side | threads | GFLOP a step | seconds a step | peak MiB | estimated MiB | convolutions |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for row in rows:
        subprocess.run([sys.executable, "-m", "benchmarks.speed", "--row", row], check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--row"]:
        name, _, side = sys.argv[2].partition(":")
        print(measure(name, int(side)), flush=True)
    else:
        main(sys.argv[1:] or ROWS)
