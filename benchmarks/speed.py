"""Seconds, arithmetic and memory of the presets, for denoising: `python -m benchmarks.speed
[PRESET:SIZE...]`.

`published` is the preset paper as it was published: plain memory layout, float32. Every row is a
process of its own; seconds a step are the median of the steps after the second; memory is the peak
of the process less what it held before the fit, beside the estimate that guards the door, which is
of the steps only and in float32. Convolutions: their share of the time. Of the best rate:
operations a second beside those of a large matrix product, in float32 or bfloat16, whichever is
faster. Rules: the time of the rules that stop the fit beside that of a step.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import psutil
import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from deep_image_prior import Problem, Settings, Step, descend, memory, tasks
from deep_image_prior.app.record import peak_memory
from deep_image_prior.degradations import Noise
from deep_image_prior.networks import Hourglass
from deep_image_prior.objectives.reference import Consensus, nearest_to
from deep_image_prior.stopping import Discrepancy, Variance

Walk = Callable[[Problem, Settings], Iterator[Step]]

ROWS = [
    *(f"published:{size}" for size in (128, 256)),
    *(f"{preset}:{size}" for preset in ("paper", "fast") for size in (128, 256, 512, 1024)),
    "best:256",
]
STEPS = {128: 12, 256: 7}
FEW = 5  # of other sizes
# rows and columns of the matrices whose product is the measure of what the processor can do
PRODUCT = 2048


def published(problem: Problem, settings: Settings) -> Iterator[Step]:
    """The steps of `problem` in the plain memory layout."""
    z = problem.code(torch.Generator().manual_seed(0))
    network = problem.network().to(memory_format=torch.contiguous_format)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    for index in range(1, settings.steps + 1):
        x = network(z + settings.jitter * torch.randn_like(z))
        energy = problem.energy(x)
        optimiser.zero_grad()
        energy.backward()
        yield Step(index, settings.steps, energy.detach(), x.detach(), x.detach())
        optimiser.step()


def posed(name: str, image: torch.Tensor) -> tuple[Problem, Settings]:
    """Denoising `image` with the preset `name`, or as it was published: paper, in float32."""
    preset = tasks.denoise.white()["paper" if name == "published" else name]
    if name == "published":
        preset = replace(preset, network=partial(Hourglass, precise=True))
    damage = tasks.Damage(noise=Noise(25 / 255))
    return tasks.Denoise().build(image, preset, damage), preset.settings


def best_rate() -> float:
    """Operations a second of a large matrix product, in the precision that is faster here."""
    rates = []
    for precision in (torch.float32, torch.bfloat16):
        matrix = torch.rand(PRODUCT, PRODUCT).to(precision)
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            matrix @ matrix
            times.append(time.perf_counter() - begun)
        rates.append(2 * PRODUCT**3 / min(times))
    return max(rates)


def profiled(steps: Iterator[Step]) -> float:
    """The share of the steps' time that is in convolutions."""
    next(steps)  # makes the code
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        list(steps)
    totals = {event.key: event.self_cpu_time_total for event in profiler.key_averages()}
    return sum(spent for key, spent in totals.items() if "convolution" in key) / sum(
        totals.values()
    )


def operations(walk: Walk, problem: Problem, settings: Settings) -> float:
    """Operations of one step."""
    totals = []
    for count in (1, 2):  # the first one makes the code too
        with FlopCounterMode(display=False) as counter:
            list(walk(problem, replace(settings, steps=count)))
        totals.append(counter.get_total_flops())
    return totals[1] - totals[0]


def measure(name: str, size: int) -> str:
    """One row of the table, for denoising `size` x `size` RGB of sigma 25."""
    problem, settings = posed(
        name, torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    )
    walk: Walk = published if name == "published" else descend
    assert problem.shape
    estimate = memory.needed(problem.network, problem.shape)
    before = psutil.Process().memory_info().rss
    # the rules, as the preset paper has them; what they compare with makes no difference to their
    # time
    rule = Consensus(
        nearest_to(torch.zeros(1)), variance=Variance(), discrepancy=Discrepancy(25 / 255)
    )
    times, ruled, begun = [], [], time.perf_counter()
    for each in walk(problem, replace(settings, steps=STEPS.get(size, FEW))):
        times.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        rule.update(each)
        ruled.append(time.perf_counter() - begun)
        begun = time.perf_counter()
    peak = peak_memory("cpu") - before
    share = profiled(walk(problem, replace(settings, steps=4)))
    step, work = statistics.median(times[2:]), operations(walk, problem, settings)
    columns = [
        name,
        f"{size}",
        f"{torch.get_num_threads()}",
        f"{work / 1e9:.1f}",
        f"{times[0] - step:.1f}",
        f"{step:.3f}",
        f"{settings.steps * settings.runs}",
        f"{settings.runs * (times[0] - step + settings.steps * step):.0f}",
        f"{peak / 2**20:.0f}",
        f"{estimate / 2**20:.0f}",
        f"{share:.0%}",
        f"{work / step / best_rate():.0%}",
        f"{statistics.median(ruled[2:]) / step:.1%}",
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
    "of the best rate",
    "rules",
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
