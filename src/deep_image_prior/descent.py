"""argmin: theta* = argmin_theta E(A(f_theta(z)); x0), one step of Adam at a time (eq. 2, section
4).
"""

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor, nn

from .adam import Adam
from .energies import PerPixel
from .errors import BadInput, Destabilised
from .settings import Settings
from .step import Rule, Step, Weights
from .symmetries import draw_symmetry
from .windows import WHOLE, Place, Windows, as_batch, draw_windows, side_by_side

SEEDING = threading.Lock()  # layers draw their weights from the one generator of the process
JUMP = 10**0.5  # 5 dB, as in the published fall-back
CHECKPOINT_EVERY = (
    10  # steps; a copy of weights and moments each step would cost a small network a few per cent
)

Function = Callable[[Tensor], Tensor]  # f: z (1, C', h, w) -> x (1, C, h, w)


@dataclass(frozen=True)
class Problem:
    """What to fit. Recipes, not live objects: every fit with the same seed is the same.

    network: makes an untrained f. code: draws z (B, C', H, W) from a CPU generator, on the device
    to work on. energy: E(A(x)), a scalar, of x = f(z), (B, C, H, W). The first of a batch is the
    image; more are for the energy. shape: of z, if it is to be known how much memory the fit needs
    before z is drawn. finish: what of an average of x is the restored image, where that is not the
    average itself. complete: what of that is, where it takes too long for every step. rule: makes
    the rule to stop by that suits the problem, if there is one. panels: pictures of one size side
    by side in z and x. whole: (f as it was fitted) -> the picture to draw, if that is not the first
    of `code`. parts: (f) -> (x0 of any other part of the picture, (1, C, h, w); the rows and
    columns before it) -> that part, if f can be applied to it, or None if there is nothing to
    restore. margin: pixels of x around a part that its own depend on. exact: on hardly anything
    beyond, so that parts may be of any size. trials: parts whose errors are known, if there are
    any, for codes that begin with images of x: `images` of them, or all. alike: whether all
    runs come to about the same image, and their mean is taken; else the image of the run that came
    to the least energy.
    """

    network: Callable[[], nn.Module]
    code: Callable[[Generator], Tensor]
    energy: Callable[[Tensor], Tensor]
    shape: tuple[int, ...] | None = None
    finish: Callable[[Tensor], Tensor] = lambda x: x
    complete: Callable[[Tensor], Tensor] = lambda x: x
    rule: Callable[[], Rule] | None = None
    panels: int = 1
    whole: Callable[[Function], "Part"] | None = None
    parts: Callable[[Function], Callable[[Tensor, Place], "Part | None"]] | None = None
    margin: int = 120
    exact: bool = True
    trials: Callable[[], "Sequence[Trial]"] = tuple
    images: int | None = None
    alike: bool = True

    def panel(self, shape: Sequence[int]) -> tuple[int, int]:
        """Rows and columns of one, of a code of that shape (1, C', H, W)."""
        return shape[-2], shape[-1] // self.panels

    def in_windows(self, shape: Sequence[int], side: int) -> bool:
        """Whether steps see windows of the code of that shape, `side` pixels a side (0: as large as
        a panel), or all of it.
        """
        panel = self.panel(shape)
        if not isinstance(self.energy, PerPixel):
            return False
        # of what is not the picture to draw the images of steps are no more than windows either
        return (side or max(panel)) < max(panel) or self.panels > 1 or bool(self.whole)


@dataclass(frozen=True)
class Part:
    """A part of the picture that f is applied to, though not fitted on: its z (1, C', h, w), and
    what of f(z) is the restored image there. again: that image -> what to apply f to next, to go
    on from it, or None. missing: (1, 1 or C, h, w), 0 where x is known and 1 elsewhere; None for 1.
    place: rows and columns of the code of the picture before this one.
    """

    code: Tensor
    finish: Callable[[Tensor], Tensor] = lambda x: x
    again: Callable[[Tensor], "Part | None"] = lambda x: None
    missing: Tensor | None = None
    place: Place = (0, 0)


@dataclass(frozen=True)
class Trial:
    """A part, None for the picture itself, and what is restored of it -> about the squared error
    that f has in the picture, where it has this one here, (1, C, h, w); NaN where nothing is known.
    """

    part: Part | None
    error: Callable[[Tensor], Tensor]


def descend(problem: Problem, settings: Settings) -> Iterator[Step]:
    """Yield every step of the descent; closing the generator cancels it. Raises Destabilised.

    Every step jitters the code, z + sigma_p n with n ~ N(0, 1), and moves it: x = g^-1 f(g z) for
    one symmetry g of the pixel grid. With Settings.window, or panels, z and E are those of a
    window, drawn anew each step: stochastic descent. Settings.runs does not count here: this is one
    run.
    """
    _, for_weights, for_jitter, for_symmetry, for_window = _streams(settings)
    z = problem.code(code_generator(settings))
    if not isinstance(z, Tensor):
        raise BadInput(f"the code is a {type(z).__name__}; it must be a tensor (1, C, H, W)")
    network = untrained(problem.network, for_weights).to(z.device)
    optimiser = Adam(network.parameters(), settings.learning_rate)
    jitter = Generator(z.device).manual_seed(for_jitter)
    symmetries, windows = (np.random.default_rng(each) for each in (for_symmetry, for_window))
    panel = problem.panel(z.shape)
    side = settings.window or max(panel)
    if settings.window and not isinstance(problem.energy, PerPixel):
        raise BadInput("a window has no use here, where E is not a sum over pixels; leave it out")
    in_windows = problem.in_windows(z.shape, settings.window)

    def walk() -> Iterator[Step]:
        for index in range(1, settings.steps + 1):
            window: Windows = WHOLE
            energy_of, count = problem.energy, 1
            if in_windows:
                assert isinstance(problem.energy, PerPixel)
                count = settings.windows
                window = draw_windows(windows, panel, problem.panels, side, count)
                energy_of = problem.energy.at(window)
            seen = as_batch(window(z), count)
            n = (
                torch.randn(seen[:1].shape, generator=jitter, device=z.device)
                if settings.jitter
                else 0
            )
            g = draw_symmetry(symmetries, settings.turns, settings.shifts)
            x = side_by_side(g.inverse(network(g(seen + settings.jitter * n))), count)
            energy = energy_of(x)
            optimiser.forget_gradient()
            energy.backward()
            image = x[:1].detach()
            yield Step(index, settings.steps, energy.detach(), image, image, window)
            optimiser.step()

    steps = walk()
    # the energy of one window says nothing of another's
    jump = math.inf if in_windows else JUMP
    steps = with_rollback(steps, Checkpoint(network, optimiser), settings.max_rollbacks, jump)
    if in_windows or problem.parts:
        steps = averaged_weights(steps, network, settings.averaging)
    return steps if in_windows else moving_average(steps, settings.averaging)


def _streams(settings: Settings) -> list[int]:
    """Seeds of a stream of random numbers each: equal ones would correlate the code with the
    weights.
    """
    return [int(seed) for seed in np.random.SeedSequence(settings.seed).generate_state(5)]


def code_generator(settings: Settings) -> Generator:
    """The one that z is drawn with."""
    return Generator().manual_seed(_streams(settings)[0])


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


def averaged_weights(steps: Iterator[Step], network: nn.Module, weight: float) -> Iterator[Step]:
    """The steps with the same running average of theta: that of images if f were linear in it."""
    mean: Weights = {}
    for step in steps:
        now = {name: parameter.detach() for name, parameter in network.named_parameters()}
        past = past_weight(step.index, weight) if mean else 0.0
        mean = {name: torch.lerp(now[name], mean.get(name, now[name]), past) for name in now}
        yield replace(step, weights=mean)


def past_weight(index: int, weight: float) -> float:
    """The weight of the past in a running average, at step `index` from 1: min(weight, index /
    (index + 9)).
    """
    return min(weight, index / (index + 9))


def with_rollback(
    steps: Iterator[Step], checkpoint: "Checkpoint", max_rollbacks: int, jump: float = JUMP
) -> Iterator[Step]:
    """The steps without those whose energy is not finite or `jump` times the last checkpoint's
    (section 4), renumbered.

    Each of those returns to the checkpoint with half the learning rate. Raises Destabilised after
    `max_rollbacks` of them.
    """
    level = math.inf
    good = 0
    for step in steps:
        energy = step.energy.item()
        # an energy that is not a distance can be negative: there only finiteness tells
        if math.isfinite(energy) and not (level > 0 and energy > jump * level):
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

    def __init__(self, network: nn.Module, optimiser: Adam) -> None:
        self.network, self.optimiser = network, optimiser

    def save(self) -> None:
        self.weights = _copied(self.network.state_dict())
        self.moments = _copied(self.optimiser.moments)

    def restore(self) -> None:
        """Go back, with half the learning rate, and without the gradient that led astray."""
        self.optimiser.learning_rate /= 2
        self.network.load_state_dict(self.weights)
        self.optimiser.moments = _copied(self.moments)
        self.optimiser.forget_gradient()


def _copied(state: Any) -> Any:
    """Tensors in dictionaries and lists as they are now: many times as fast as copy.deepcopy."""
    if isinstance(state, Tensor):
        return state.clone()
    if isinstance(state, dict):
        return {name: _copied(value) for name, value in state.items()}
    return [*map(_copied, state)] if isinstance(state, list) else state


def untrained(recipe: Callable[[], nn.Module], seed: int) -> nn.Module:
    """A network from `recipe` with weights drawn from `seed` on the CPU; the caller's random state
    is left alone.
    """
    with SEEDING, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return recipe()
