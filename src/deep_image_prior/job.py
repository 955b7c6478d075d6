"""What the functions on NumPy arrays share: options checked, arrays to tensors and back, the fit,
and its result.
"""

import hashlib
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from importlib import metadata
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import images
from .anywhere import Pose, fit_anywhere
from .checkpoint import Checkpoint, open_checkpoint
from .degradations import AnyNoise, Compression, Impulses, Stripes
from .descent import Problem, Rule, Settings, Step
from .errors import BadInput
from .fitting import Fit, fit
from .images import Pixels, Scale
from .memory import Memory
from .phases import Phase, Tell, silence
from .tasks import Preset

DEVICES = ("auto", "cpu", "cuda", "mps")
STOPS = ("auto", "never")
# measured: benchmarks/README.md, the table of stops
SURE, UNSURE = 0.5, 1.5
# measured: up to 0.99, up to 0.02, and from 0.3 on photographs with noise up to sigma 100
EXPLAINED = 1.5  # times the variance of the noise
SHIFTED = 0.2  # deviations of the noise
ALIKE = 0.2  # correlation
SEEN = 2 / 255  # less than this nobody misses
UNSEEN = 10 ** (-45 / 20)  # root mean square of a change, 45 dB, that nobody sees


@dataclass(frozen=True)
class Options:
    """What a task's function takes beside its images and `Settings`."""

    channel_axis: int | None = None
    preset: str = "fast"
    sigma: float | None = None
    device: str = "auto"
    stop: str = "auto"
    memory: int | None = None
    checkpoint: str | Path | None = None
    watch: Callable[[Step], None] | None = None
    tell: Tell = silence


@dataclass(frozen=True)
class Result:
    """The restored image in the dtype of the observation, and how it came about.

    history: E of every step, run after run; steps: the length of each run; chosen: the steps that
    the image is made of, one a run; uncertainty_db: about how many decibels lie between it and what
    else could have been chosen, if a rule looked for it; stopped: why it ended; complete: not
    interrupted or destabilised; parts: what the result was made of, by name, in the same dtype.
    noise: what was taken out, in the units of the option sigma, compression: what was undone; if
    measured or told.
    stripes: what was taken off first, in the same units. clean: what was taken out as noise is less
    than anybody sees. cautions: why the image may be wrong
    whatever the rules say, a line each. measures: what a classifier makes of the image, by name.
    """

    image: Pixels
    history: Pixels
    stopped: str
    steps: list[int]
    chosen: list[int]
    uncertainty_db: float | None
    seconds: float
    complete: bool
    interrupted: bool
    settings: Settings
    device: str
    parts: Mapping[str, Pixels] = field(default_factory=dict)
    noise: AnyNoise | None = None
    compression: Compression | None = None
    stripes: Stripes | None = None
    clean: bool = False
    cautions: tuple[str, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict)

    @property
    def confidence(self) -> str | None:
        """high, medium or low: how far the rules that look for the step agree; low with cautions or
        if the noise may be texture, not high where colour does not bear it out, nor where stripes
        were, which are told from the picture only where they are narrow.
        """
        if self.cautions or (self.noise and self.noise.textured):
            return "low"
        if self.uncertainty_db is None:
            return None
        certain = not self.stripes and (self.noise is None or self.noise.certain)
        sure = self.uncertainty_db < SURE and certain
        return "high" if sure else "medium" if self.uncertainty_db < UNSURE else "low"


class Job:
    """One call: `options` are fields of `Options`, but for the `unsupported` ones, and of
    `Settings`.
    """

    def __init__(
        self,
        presets: Mapping[str, Preset],
        options: Mapping[str, Any],
        unsupported: Collection[str] = (),
    ) -> None:
        own = {each.name for each in fields(Options)} - set(unsupported)
        settings = {each.name for each in fields(Settings)}
        if unknown := set(options) - own - settings:
            raise TypeError(
                f"unknown option {', '.join(sorted(unknown))}; choose from "
                f"{', '.join(sorted(own | settings))}"
            )
        self.given, self.unsupported = options, unsupported
        self.options = Options(**{name: value for name, value in options.items() if name in own})
        self.preset = named("preset", presets, self.options.preset)
        named("stop", {each: each for each in STOPS}, self.options.stop)
        sigma = self.options.sigma
        if sigma is not None and not (
            isinstance(sigma, Real) and not isinstance(sigma, bool) and 0 < sigma < math.inf
        ):
            raise BadInput(f"sigma must be a number above 0, not {sigma!r}")
        changes = {name: value for name, value in options.items() if name in settings}
        self.settings = replace(self.preset.settings, **changes)
        self.device = find_device(self.options.device)
        limit = self.options.memory
        if limit is not None and not (isinstance(limit, Integral) and limit > 0):
            raise BadInput(f"memory must be a whole number of bytes above 0, not {limit!r}")
        hint = "the preset fast, or " if self.options.preset != "fast" else ""
        self.memory = Memory(self.device, limit and int(limit), hint)

    def with_presets(self, presets: Mapping[str, Preset]) -> "Job":
        """The same call with the presets of what was found in its image."""
        return Job(presets, self.given, self.unsupported)

    def read(self, image: Pixels, name: str) -> tuple[Tensor, Scale]:
        """The image as (1, C, H, W) in [0, 1], and what its values mean."""
        pixels = np.asarray(image)
        images.check_pixels(pixels, self.options.channel_axis, name)
        scale = images.scale_of(pixels)
        on_disk, axis = self.memory.on_disk(pixels.shape), self.options.channel_axis
        return images.to_tensor(pixels, axis, scale, self.device, on_disk), scale

    def observe(self, image: Pixels, name: str = "image") -> tuple[Tensor, Scale]:
        """What `read` gives, to be measured."""
        self.options.tell(Phase("measuring"))
        return self.read(image, name)

    def sigma(self, scale: Scale) -> float | None:
        """The option, where x is in [0, 1]."""
        sigma = self.options.sigma
        if sigma is not None and sigma > scale.span:
            unit, of = (255, " of 255") if scale.one else (1, "")
            raise BadInput(
                f"sigma is {unit * sigma:.4g}{of}, more than all that the image spans, "
                f"{unit * scale.span:.4g}; measure it, or leave it out"
            )
        return sigma and sigma / scale.span

    def fit(self, problem: Problem, scale: Scale) -> Fit:
        """Fit once it is known that memory suffices; E can be compared with sigma."""
        self.memory.check(problem, self.settings)
        rule = self._rule(self.sigma(scale), scale.clips)(problem)
        return fit(problem, self.settings, rule, self.options.watch)

    def fit_anywhere(
        self,
        pose: Pose,
        observation: Tensor,
        of: str,
        scale: Scale | None = None,
        tiled: bool = True,
        factor: int = 1,
    ) -> Fit:
        """Fit in a way that suits the size of the observation. of: the task and what else its
        problem depends on, for a checkpoint. scale: if E can be compared with sigma. tiled: whether
        it may be fitted tile by tile. factor: of an enlargement.
        """
        checkpoint = self._checkpoint(observation, of)
        done = fit_anywhere(
            pose,
            observation,
            self.preset.objective.panel,
            tiled,
            factor,
            self.settings,
            self._rule(self.sigma(scale), scale.clips) if scale else self._rule(None),
            self.memory,
            self.options.watch,
            self.options.tell,
            checkpoint,
        )
        if checkpoint and done.complete:
            checkpoint.remove()
        return done

    def _checkpoint(self, observation: Tensor, of: str) -> Checkpoint | None:
        if self.options.checkpoint is None:
            return None
        pixels = observation.cpu().contiguous().numpy()
        key = {
            "image": f"{pixels.shape} {hashlib.sha256(pixels.data).hexdigest()}",
            "preset": self.options.preset,
            "sigma": str(self.options.sigma),
            "stop": self.options.stop,
            "setting": str(self.settings),
            "device": str(self.device),
            "task": of,
            "version": f"{metadata.version('deep-image-prior')}, torch {torch.__version__}",
        }
        return open_checkpoint(Path(self.options.checkpoint), key)

    def _rule(
        self, sigma: float | None, clips: bool = False
    ) -> Callable[[Problem], Callable[[], Rule] | None]:
        """What to stop by: the problem's rule, or that for noise of `sigma`."""
        rule = None if sigma is None else self.preset.objective.discrepancy(sigma, clips)
        if self.options.stop == "never":
            return lambda problem: None
        return lambda problem: rule or problem.rule

    def result(self, done: Fit, scale: Scale, parts: Mapping[str, Tensor] = {}) -> Result:
        back = partial(
            images.from_tensor,
            channel_axis=self.options.channel_axis,
            scale=scale,
            on_disk=self.memory.on_disk(done.image.shape),
        )
        return Result(
            image=back(done.image),
            history=np.array(done.history),
            stopped=done.stopped,
            steps=done.steps,
            chosen=done.chosen,
            uncertainty_db=done.uncertainty_db,
            seconds=done.seconds,
            complete=done.complete,
            interrupted=done.interrupted,
            settings=self.settings,
            device=str(self.device),
            parts={name: back(part) for name, part in parts.items()},
        )


def is_clean(image: Tensor, observation: Tensor) -> bool:
    """Whether `image` (1, C, H, W), the restored one, is `observation` for the eye, both in [0,
    1].
    """
    apart = images.thinned(image) - images.thinned(observation)
    return apart.square().mean().sqrt().item() < UNSEEN


def lost(image: Tensor, observation: Tensor, noise: AnyNoise | None = None) -> list[str]:
    """Why `image` (1, C, H, W) is no restoration of `observation`, both in [0, 1]; nothing if it
    may be one.

    What was taken out must be explained by the noise, in its mean and in its mean square, and what
    is left must look like the observation.
    """
    cautions = []
    image, observation = images.thinned(image), images.thinned(observation)
    if noise and not isinstance(noise, Impulses):
        rest = observation - noise.mean(image)
        expected = noise.variance(image).mean().item()
        if rest.square().mean().item() > EXPLAINED * expected + SEEN**2:
            cautions.append("more than the noise was taken out: the picture may be lost")
        if abs(rest.mean().item()) > SHIFTED * expected**0.5 + SEEN:
            cautions.append("the brightness has changed: the picture may be lost")
    pair = torch.stack([image.flatten(), observation.flatten()]).double()
    if not torch.corrcoef(pair)[0, 1].item() > ALIKE:
        cautions.append("the result hardly looks like the image: the picture may be lost")
    return cautions


def named(what: str, choices: Mapping[str, Any], name: str) -> Any:
    if not isinstance(name, str) or name not in choices:
        raise BadInput(f"unknown {what} {name!r}; choose one of {', '.join(choices)}")
    return choices[name]


def find_device(name: str) -> torch.device:
    """The device called `name`, "auto" being the fastest there is. Raises BadInput."""
    kind = str(name).partition(":")[0]
    if kind not in DEVICES:
        raise BadInput(f"unknown device {name!r}; choose one of {', '.join(DEVICES)}")
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    there = [each for each in present if present[each]]
    if kind != "auto" and kind not in there:
        raise BadInput(f"device {name} is not there; choose one of {', '.join(there)}")
    try:
        device = torch.device(there[0] if kind == "auto" else name)
    except RuntimeError:
        raise BadInput(f"unknown device {name!r}; a number after the colon, as in cuda:1") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise BadInput(f"device {name} is not there; the last is {torch.cuda.device_count() - 1}")
    return device
