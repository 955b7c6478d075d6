"""Seconds, arithmetic and memory of the presets, for denoising: `python -m benchmarks.speed [PRESET:SIZE...]`.

`published` is the preset paper as it was published: plain memory layout, float32. Every row is a process of its own;
seconds a step are the median of the steps after the second; memory is the peak of the process less what it held before
the fit, beside the estimate that guards the door, which is of the steps only.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import psutil
import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from deep_image_prior import Problem, Settings, descend, memory, tasks
from deep_image_prior.record import peak_memory

ROWS = [
    *(f"published:{size}" for size in (128, 256)),
    *(f"{preset}:{size}" for preset in ("paper", "fast") for size in (128, 256, 512, 1024)),
    "best:256",
]
STEPS = {128: 12, 256: 7}
FEW = 5  # of other sizes


def published(problem: Problem, settings: Settings) -> Iterator[None]:
    """The steps of `problem` without channels-last."""
    z, network = problem.code(torch.Generator().manual_seed(0)), problem.network()
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    for _ in range(settings.steps):
        optimiser.zero_grad()
        problem.energy(network(z + settings.jitter * torch.randn_like(z))).backward()
        optimiser.step()
        yield


def measure(name: str, size: int) -> str:
    """One row of the table, for denoising `size` x `size` RGB."""
    image = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    preset = tasks.denoise.PRESETS["paper" if name == "published" else name]
    problem, settings = tasks.denoise.denoise(image, preset), preset.settings
    walk = published if name == "published" else descend
    assert problem.shape
    estimate = memory.needed(problem.network, problem.shape)
    before = psutil.Process().memory_info().rss
    times, begun = [], time.perf_counter()
    for _ in walk(problem, replace(settings, steps=STEPS.get(size, FEW))):
        times.append(time.perf_counter() - begun)
        begun = time.perf_counter()
    peak = peak_memory("cpu") - before
    steps = walk(problem, replace(settings, steps=4))
    next(steps)  # makes the code
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        list(steps)
    totals = {event.key: event.self_cpu_time_total for event in profiler.key_averages()}
    share = sum(spent for key, spent in totals.items() if "convolution" in key) / sum(totals.values())
    operations = []
    for count in (1, 2):  # the first one makes the code too
        with FlopCounterMode(display=False) as counter:
            list(walk(problem, replace(settings, steps=count)))
        operations.append(counter.get_total_flops())
    step = statistics.median(times[2:])
    columns = [
        name,
        f"{size}",
        f"{torch.get_num_threads()}",
        f"{(operations[1] - operations[0]) / 1e9:.1f}",
        f"{times[0] - step:.1f}",
        f"{step:.3f}",
        f"{settings.steps * settings.runs}",
        f"{settings.runs * (times[0] - step + settings.steps * step):.0f}",
        f"{peak / 2**20:.0f}",
        f"{estimate / 2**20:.0f}",
        f"{share:.0%}",
    ]
    return f"| {' | '.join(columns)} |"


HEADINGS = (
    "preset",
    "side",
    "threads",
    "GFLOP a step",
    "seconds before",
    "seconds a step",
    "steps",
    "seconds in all",
    "peak MiB",
    "estimated MiB",
    "convolutions",
)


def main(rows: list[str]) -> None:
    print(f"| {' | '.join(HEADINGS)} |\n|{'---|' * len(HEADINGS)}", flush=True)
    for row in rows:
        subprocess.run([sys.executable, "-m", "benchmarks.speed", "--row", row], check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--row"]:
        name, _, side = sys.argv[2].partition(":")
        print(measure(name, int(side)), flush=True)
    else:
        main(sys.argv[1:] or ROWS)
