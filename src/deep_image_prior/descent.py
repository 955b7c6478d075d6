"""argmin: theta* = argmin_theta E(A(f_theta(z)); x0), one step of Adam at a time (eq. 2, section
4).
"""

import copy
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor, nn

from .errors import BadInput
from .symmetries import draw_symmetry

SEEDING = threading.Lock()  # layers draw their weights from the one generator of the process
JUMP = 10**0.5  # 5 dB, as in the published fall-back
CHECKPOINT_EVERY = (
    10  # steps; a copy of weights and moments each step would cost a small network a few per cent
)


@dataclass(frozen=True)
class Problem:
    """What to fit. Recipes, not live objects: every fit with the same seed is the same.

    network: makes an untrained f. code: draws z (B, C', H, W) from a CPU generator, on the device
    to work on. energy: E(A(x)), a scalar, of x = f(z), (B, C, H, W). The first of a batch is the
    image; more are for the energy. shape: of z, if it is to be known how much memory the fit needs
    before z is drawn. finish: what of an average of x is the restored image, where that is not the
    average itself. rule: makes the rule to stop by that suits the problem, if there is one.
    """

    network: Callable[[], nn.Module]
    code: Callable[[Generator], Tensor]
    energy: Callable[[Tensor], Tensor]
    shape: tuple[int, ...] | None = None
    finish: Callable[[Tensor], Tensor] = lambda x: x
    rule: Callable[[], "Rule"] | None = None


def _setting(default: Any, help: str, least: float, below: float = math.inf) -> Any:
    return field(default=default, metadata={"help": help, "least": least, "below": below})


@dataclass(frozen=True)
class Settings:
    """How to descend; the defaults are those of the paper's default architecture (section 4).

    Raises BadInput for a value out of its range.
    """

    steps: int = _setting(2000, "Gradient steps at the most", least=1)
    learning_rate: float = _setting(0.01, "Step size of Adam", least=1e-12)
    jitter: float = _setting(
        1 / 30, "Standard deviation of the normal noise added to the code each step", least=0
    )
    turns: int = _setting(
        1, "Flips and quarter turns that the code is shown in, one a step", least=1, below=9
    )
    shifts: int = _setting(
        1, "Shifts each way, by 0, 1, ... pixels, that the code is shown at", least=1, below=65
    )
    averaging: float = _setting(
        0.99, "Weight of the past in the running average of the images", least=0, below=1
    )
    seed: int = _setting(0, "Seed of the weights, the code and the jitter", least=0, below=2**63)
    runs: int = _setting(1, "Independent runs, their images averaged; run k uses seed + k", least=1)
    max_rollbacks: int = _setting(
        20, "Rollbacks to good weights after a jump of the energy, before giving up", least=0
    )

    def __post_init__(self) -> None:
        for each in fields(self):
            value, least, below = (
                getattr(self, each.name),
                each.metadata["least"],
                each.metadata["below"],
            )
            kind = Integral if each.type is int else Real
            if isinstance(value, bool) or not isinstance(value, kind):
                raise BadInput(
                    f"{each.name} is {value!r}, but must be a "
                    f"{'whole ' if kind is Integral else ''}number"
                )
            if not least <= value < below:
                limit = f"below {below}" if below < math.inf else "finite"
                raise BadInput(f"{each.name} is {value}, but must be at least {least} and {limit}")


@dataclass(frozen=True)
class Step:
    """One step: its number from 1, of at most `budget`; E(A(x)); the image x (1, C, H, W); the
    running average of x.
    """

    index: int
    budget: int
    energy: Tensor
    image: Tensor
    average: Tensor


Rule = Callable[[Step], str | None]


class Destabilised(ArithmeticError):
    """The energy jumped or turned non-finite more often than `Settings.max_rollbacks` allows."""


def descend(problem: Problem, settings: Settings) -> Iterator[Step]:
    """Yield every step of the descent; closing the generator cancels it. Raises Destabilised.

    Every step jitters the code, z + sigma_p n with n ~ N(0, 1), and moves it: x = g^-1 f(g z) for
    one symmetry g of the pixel grid. Settings.runs does not count here: this is one run.
    """
    # one stream of random numbers each: equal ones would correlate the code with the weights
    for_code, for_weights, for_jitter, for_symmetry = map(
        int, np.random.SeedSequence(settings.seed).generate_state(4)
    )
    z = problem.code(Generator().manual_seed(for_code))
    network = _untrained(problem.network, for_weights).to(z.device)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    jitter = Generator(z.device).manual_seed(for_jitter)
    symmetries = np.random.default_rng(for_symmetry)

    def walk() -> Iterator[Step]:
        for index in range(1, settings.steps + 1):
            n = (
                torch.randn(z[:1].shape, generator=jitter, device=z.device)
                if settings.jitter
                else 0
            )
            g = draw_symmetry(symmetries, settings.turns, settings.shifts)
            x = g.inverse(network(g(z + settings.jitter * n)))
            energy = problem.energy(x)
            optimiser.zero_grad()
            energy.backward()
            image = x[:1].detach()
            yield Step(index, settings.steps, energy.detach(), image, average=image)
            optimiser.step()

    return moving_average(
        with_rollback(walk(), Checkpoint(network, optimiser), settings.max_rollbacks),
        settings.averaging,
    )


def moving_average(steps: Iterator[Step], weight: float) -> Iterator[Step]:
    """The steps with average_t = w_t * average_(t-1) + (1 - w_t) * x_t (section 3.1), where w_t =
    past_weight(t, weight).

    Early on the window grows, so that the first images are forgotten.
    """
    average = None
    for step in steps:
        average = (
            step.image
            if average is None
            else torch.lerp(step.image, average, past_weight(step.index, weight))
        )
        yield replace(step, average=average)


def past_weight(index: int, weight: float) -> float:
    """The weight of the past in a running average, at step `index` from 1: min(weight, index /
    (index + 9)).
    """
    return min(weight, index / (index + 9))


def with_rollback(
    steps: Iterator[Step], checkpoint: "Checkpoint", max_rollbacks: int
) -> Iterator[Step]:
    """The steps without those whose energy is not finite or 5 dB above the last checkpoint's
    (section 4), renumbered.

    Each of those returns to the checkpoint with half the learning rate. Raises Destabilised after
    `max_rollbacks` of them.
    """
    level = math.inf
    good = 0
    for step in steps:
        energy = step.energy.item()
        # an energy that is not a distance can be negative: there only finiteness tells
        if math.isfinite(energy) and not (level > 0 and energy > JUMP * level):
            if good % CHECKPOINT_EVERY == 0:
                checkpoint.save()
                level = energy
            good += 1
            yield replace(step, index=good)
        elif max_rollbacks == 0 or good == 0:
            raise Destabilised(
                f"destabilised: energy {energy:.3g} at step {step.index}, after {good} good steps"
            )
        else:
            max_rollbacks -= 1
            checkpoint.restore()


class Checkpoint:
    """A copy of a network's weights and of its optimiser's moments, to go back to."""

    def __init__(self, network: nn.Module, optimiser: torch.optim.Optimizer) -> None:
        self.network, self.optimiser = network, optimiser

    def save(self) -> None:
        self.weights = copy.deepcopy(self.network.state_dict())
        self.moments = copy.deepcopy(self.optimiser.state_dict())

    def restore(self) -> None:
        """Go back, with half the learning rate, and without the gradient that led astray."""
        for group in self.moments["param_groups"]:
            group["lr"] /= 2
        self.network.load_state_dict(self.weights)
        self.optimiser.load_state_dict(copy.deepcopy(self.moments))
        self.optimiser.zero_grad()


@dataclass(frozen=True)
class Fit:
    """The restored image (1, C, H, W), the energy of every step, the steps of each run, and why it
    ended.

    chosen: the step whose average the image is, of each run that it is made of. uncertainty_db: the
    rule's, or None. complete is false if a run was interrupted or destabilised: the image is
    then the best there was.
    """

    image: Tensor
    history: list[float]
    steps: list[int]
    chosen: list[int]
    uncertainty_db: float | None
    stopped: str
    seconds: float
    complete: bool
    interrupted: bool


def fit(
    problem: Problem,
    settings: Settings = Settings(),
    stop: Callable[[], Rule] | None = None,
    watch: Callable[[Step], None] | None = None,
) -> Fit:
    """x* = f_theta*(z): the running average at the last step, averaged over `settings.runs` runs
    (section 3.1).

    stop makes a rule for each run; a rule says why to stop after a step, or None, and may choose an
    earlier one (stopping.py). watch sees every step, its images finished. Ctrl-C and a destabilised
    run end with the best so far: the mean of the complete runs, or else of the others. Raises
    Destabilised or KeyboardInterrupt if there is no good step to return.
    """
    runs: list[Fit] = []
    for k in range(settings.runs):
        try:
            runs.append(_fit_once(problem, replace(settings, seed=settings.seed + k), stop, watch))
        except (KeyboardInterrupt, Destabilised) as end:
            if not runs:
                raise
            interrupted = isinstance(end, KeyboardInterrupt)
            reason = f"interrupted at the start of run {k + 1}" if interrupted else str(end)
            runs.append(
                replace(
                    runs[-1],
                    history=[],
                    chosen=[],
                    stopped=reason,
                    seconds=0,
                    complete=False,
                    interrupted=interrupted,
                )
            )
        if runs[-1].interrupted:
            break
    # an unfinished run would spoil the mean of the finished ones
    best = [run for run in runs if run.complete] or runs
    left_out = ["the image is of the complete runs"] if len(best) < len(runs) else []
    return Fit(
        image=torch.stack([run.image for run in best]).mean(dim=0),
        history=[energy for run in runs for energy in run.history],
        steps=[len(run.history) for run in runs],
        chosen=[step for run in best for step in run.chosen],
        uncertainty_db=max(
            (run.uncertainty_db for run in best if run.uncertainty_db is not None), default=None
        ),
        stopped="; ".join(dict.fromkeys([*(run.stopped for run in runs), *left_out])),
        seconds=sum(run.seconds for run in runs),
        complete=all(run.complete for run in runs),
        interrupted=runs[-1].interrupted,
    )


@torch.enable_grad()
def _fit_once(
    problem: Problem,
    settings: Settings,
    stop: Callable[[], Rule] | None,
    watch: Callable[[Step], None] | None,
) -> Fit:
    start = time.perf_counter()
    rule = stop() if stop else lambda step: None
    energies: list[Tensor] = []
    last: Step | None = None
    stopped, complete, interrupted = f"budget: {settings.steps} steps", True, False
    try:
        for step in descend(problem, settings):
            last = step
            energies.append(step.energy)
            if watch:
                watch(_finished(step, problem.finish))
            if reason := rule(step):
                stopped = str(reason)
                break
        else:
            if back := settings.steps - len(energies):
                stopped += f", {back} of them taken back"
    except (KeyboardInterrupt, Destabilised) as end:
        if last is None:
            raise
        complete, interrupted = False, isinstance(end, KeyboardInterrupt)
        stopped = f"interrupted at step {last.index}" if interrupted else str(end)
    assert last is not None  # Settings.steps is at least 1
    chosen: Step = getattr(rule, "chosen", None) or last
    history = torch.stack(energies).tolist()
    return Fit(
        image=problem.finish(chosen.average),
        history=history,
        steps=[len(history)],
        chosen=[chosen.index],
        uncertainty_db=getattr(rule, "uncertainty_db", None) if complete else None,
        stopped=stopped,
        seconds=time.perf_counter() - start,
        complete=complete,
        interrupted=interrupted,
    )


def _finished(step: Step, finish: Callable[[Tensor], Tensor]) -> Step:
    return replace(step, image=finish(step.image), average=finish(step.average))


def _untrained(recipe: Callable[[], nn.Module], seed: int) -> nn.Module:
    """A network from `recipe` with weights drawn from `seed` on the CPU; the caller's random state
    is left alone.
    """
    with SEEDING, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return recipe()
