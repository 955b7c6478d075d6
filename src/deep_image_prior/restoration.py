"""x* of a task: the image observed, its damage measured, f fitted, the result finished."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from .anywhere import Plan, fit_anywhere
from .around import Put, fit_around, in_stages
from .call import Call
from .checkpoint import Checkpoint
from .degradations import AnyNoise, Compression, Lossy, Noise, Palette, Stripes
from .descent import Problem
from .device import in_single_precision
from .errors import BadInput
from .fitting import Fit
from .images import Pixels, Scale
from .objectives import Preset
from .phases import Phase
from .runs import Runs
from .settings import Settings
from .step import Step
from .stopping import Recipe
from .storage import strips
from .tasks import Damage, Finished, Restoration

# measured: benchmarks/README.md, the table of stops
SURE, UNSURE = 0.5, 1.5  # decibels


@dataclass(frozen=True, kw_only=True, eq=False)
class Result(Runs):
    """The restored image in the dtype of the observation, and how it came about.

    settings: of the descent. device: where it was computed. parts: what the image was made of, by
    name, in the same dtype. damage: what was taken out or undone, if it was measured or told, in
    the units of the option sigma. clean: what was taken out as noise is less than anybody sees.
    cautions: why the image may be wrong whatever the rules say, a line each. measures: what a
    classifier makes of the image, or how far its measurements are from those given, by name.
    uncertainty: the standard deviation of the image about the truth, (H, W), the root mean square
    of those of its channels, float32 in its units; 0 where it is known, None if it cannot be told.
    """

    image: Pixels
    settings: Settings
    device: str
    parts: Mapping[str, Pixels] = field(default_factory=dict)
    damage: Damage = field(default_factory=Damage)
    clean: bool = False
    cautions: tuple[str, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict)
    uncertainty: Pixels | None = None

    @property
    def noise(self) -> AnyNoise | None:
        return self.damage.noise

    @property
    def stripes(self) -> Stripes | None:
        return self.damage.stripes

    @property
    def compression(self) -> Compression | Lossy | Palette | None:
        return self.damage.compression

    @property
    def confidence(self) -> str | None:
        """high, medium or low: how far the rules that look for the step agree; low with cautions or
        if the noise may be texture, not high where colour does not bear it out, nor where stripes
        were, which are told from the picture only where they are narrow, nor where a blur was told,
        which nothing bears out, nor where compression left no grid.
        """
        if self.cautions or (self.noise and self.noise.doubtful):
            return "low"
        if self.uncertainty_db is None:
            return None
        guessed = self.stripes or self.damage.blur or isinstance(self.compression, Lossy | Palette)
        certain = not guessed and (self.noise is None or self.noise.certain)
        sure = self.uncertainty_db < SURE and certain
        return "high" if sure else "medium" if self.uncertainty_db < UNSURE else "low"


def restore(task: Restoration, image: Pixels, name: str = "image") -> Result:
    """The restored image. Raises BadInput, which calls it by its name."""
    return restore_page(task, image, name, None)


def restore_page(task: Restoration, image: Pixels, name: str, scale: Scale | None) -> Result:
    """`restore` of a page whose values have the `scale` of its stack, or one of their own."""
    with in_single_precision():
        return _restore(task, Call(task, name, scale), image)


def _restore(task: Restoration, call: Call, image: Pixels) -> Result:
    task.tell(Phase("measuring"))
    if isinstance(image, Tensor):
        image = (image.float() if image.dtype == torch.bfloat16 else image).detach().cpu().numpy()
    observation, scale = task.observe(image, call.read)
    told = _unit_sigma(task.sigma, scale)
    sides = [task.enlargement * side for side in observation.shape[-2:]]
    # before minutes are spent on measuring what there is no room to draw
    call.memory.check_pictures((*observation.shape[:2], *sides), in_tiles=True)
    x0, damage = task.measure(observation, scale, told)
    stages = [
        (stage, call.preset(task.presets(stage, x0.shape[-2:]))) for stage in task.stages(damage)
    ]
    settings = stages[0][1].settings
    checkpoint = call.checkpoint(task, x0, damage, settings)
    channels = 1 if task.channel_axis is None else np.shape(image)[task.channel_axis]
    cleaner, left = task.cleaner(damage), None
    if cleaner:
        x0, left = _cleaned(cleaner, x0, damage, channels, task.steps, checkpoint)
    restoring = _Restoring(task, call, image, observation, scale, told, x0, damage, channels)
    done = restoring.fit(stages, checkpoint)
    if checkpoint and done.complete:
        checkpoint.remove()
    variance = done.variance
    if variance is not None:  # before what f drew is finished in its place
        variance = task.uncertain(variance, done.image, x0, damage)
        if left is not None:
            _add_enlarged(variance, left, task.enlargement)
    pixels, finished = restoring.finish(done.image)
    return Result(
        image=pixels,
        runs=done.runs,
        seconds=done.seconds,
        settings=settings,
        device=str(call.device),
        parts={name: call.back(part, scale) for name, part in finished.parts.items()},
        damage=_rescaled(damage, scale),
        clean=finished.clean and scale.one is not None,  # else it is not known what can be seen
        cautions=tuple(finished.cautions),
        uncertainty=None if variance is None else call.deviation(variance, scale, pixels),
    )


@dataclass(frozen=True, eq=False)
class _Restoring:
    """A task on an image whose damage is known.

    observation: the image, (1, C, H, W) in [0, 1]. told: sigma there, if it was. x0: what is
    fitted. channels: of the image, behind which x0 may have those of another.
    """

    task: Restoration
    call: Call
    image: Pixels
    observation: Tensor
    scale: Scale
    told: float | None
    x0: Tensor
    damage: Damage
    channels: int

    def fit(self, stages: Sequence[tuple[Damage, Preset]], checkpoint: Checkpoint | None) -> Fit:
        """One kind of damage after the other, each undone in what the one before it came to."""
        fits: list[Fit] = []
        for number, (damage, preset) in enumerate(stages, 1):
            seen = self.task.at_stage(self.x0, damage, fits[-1].image if fits else None)
            parts = preset.objective.neighbourhoods(seen)
            place = checkpoint
            if checkpoint and len(stages) > 1:
                place = checkpoint.within(f"stage{number}")
            fits.append(fit_around(parts, seen, partial(self._fit_part, damage, preset), place))
            if fits[-1].interrupted and number < len(stages):  # other holes are left
                raise KeyboardInterrupt
        return in_stages(fits)

    def finish(self, x: Tensor) -> tuple[Pixels, Finished]:
        """The result, as the image is stored, and all that is known of it."""
        finished = self.task.finish(x, self.observation, self.x0, self.damage)
        back = self.call.back(finished.image, self.scale)
        return self.task.returned(back, self.image), finished

    def _fit_part(
        self, damage: Damage, preset: Preset, x0: Tensor, put: Put, checkpoint: Checkpoint | None
    ) -> Fit:
        task = self.task

        def watch(step: Step) -> None:
            assert task.watch
            draw = step.restored
            task.watch(replace(step, restored=draw and (lambda: self.finish(put(draw()))[0])))

        sigma, told = self.told or _sigma(damage), bool(self.told) and task.compares
        rule = self.call.rule(preset, sigma, self.scale.clips, told)
        plan = _plan(task, preset, damage, self.channels, rule)
        following = task.watch and watch
        return fit_anywhere(plan, x0, self.call.memory, following, task.tell, checkpoint)


def _cleaned(
    cleaner: Restoration,
    x0: Tensor,
    damage: Damage,
    channels: int,
    most: int | None,
    checkpoint: Checkpoint | None,
) -> tuple[Tensor, Tensor | None]:
    """x0 without its damage, and the variance of what is left, (1, 1, H, W), if it is known. most:
    steps, fewer than are usual where a trial is to be quick.
    """
    call = Call(cleaner)
    preset, place = call.preset(cleaner.presets(damage, x0.shape[-2:])), None
    if most is not None:
        steps = min(most, preset.settings.steps)
        preset = replace(preset, settings=replace(preset.settings, steps=steps))
    if checkpoint:
        place = checkpoint.within("cleaned")
    plan = _plan(cleaner, preset, damage, channels, call.rule(preset))
    done = fit_anywhere(plan, x0, call.memory, None, cleaner.tell, place).whole()
    return done.image, done.variance


def _plan(
    task: Restoration,
    preset: Preset,
    damage: Damage,
    channels: int,
    rule: Callable[[Problem], Recipe | None],
) -> Plan:
    return Plan(
        pose=lambda x0, panels: task.build(x0, preset, damage, panels),
        settings=preset.settings,
        rule=rule,
        panel=preset.objective.panel,
        tiled=task.tiled,
        channels=channels,
        factor=task.enlargement,
    )


def _add_enlarged(variance: Tensor, left: Tensor, factor: int) -> None:
    """Adds that of x0, (1, 1, H, W), to that of x, (1, 1, t H, t W), t the `factor`."""
    for rows in strips(*variance.shape[-2:]):
        of_x0 = torch.arange(rows.start, rows.stop, device=left.device) // factor
        variance[..., rows, :] += left[..., of_x0, :].repeat_interleave(factor, dim=-1)


def _unit_sigma(sigma: float | None, scale: Scale) -> float | None:
    """The option, where x is in [0, 1]."""
    if sigma is not None and sigma > scale.span:
        unit, of = (255, " of 255") if scale.one else (1, "")
        raise BadInput(
            f"sigma is {unit * sigma:.4g}{of}, more than all that the image spans, "
            f"{unit * scale.span:.4g}; measure it, or leave it out"
        )
    return sigma and sigma / scale.span


def _sigma(damage: Damage) -> float | None:
    """Of white noise, if that is what was found."""
    noise = damage.noise
    return noise.sigma if isinstance(noise, Noise) and not noise.gain else None


def _rescaled(damage: Damage, scale: Scale) -> Damage:
    """The same in the units of the option sigma."""
    return replace(
        damage,
        noise=damage.noise and damage.noise.rescaled(scale.span, scale.offset),
        stripes=damage.stripes and damage.stripes.rescaled(scale.span, 0.0),
        noise_left=damage.noise_left and damage.noise_left * scale.span,
    )
