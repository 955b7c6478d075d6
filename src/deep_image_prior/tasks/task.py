"""A task is one value: what is asked for, every option declared once, and how that becomes a fit.

    restore(Denoise(strength=0.8), image)  # -> Result

The fields of a task are its options. The functions of the package with their signatures and
documentation, the commands with their help, and the records are made of them. What brings torch is
imported inside functions here, so that a list of the options is quick.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, dataclass_transform

from ..errors import BadInput
from ..options import check, declared, given, option, unknown
from ..phases import Tell, silence
from ..settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from ..alignment import Alignment
    from ..classifiers import Classifier
    from ..degradations import AnyNoise, Blurring, Compression, Lossy, Palette, Stripes
    from ..descent import Problem
    from ..images import Pixels, Scale
    from ..objectives import Preset
    from ..step import Step
    from ..stopping import Recipe

DEVICES = ("auto", "cpu", "cuda", "mps")
# by the task's own rule, not before all steps are done, and the rules of stopping.py by name
STOPS = ("auto", "never", "discrepancy", "variance")


def setting(name: str, *, default: None) -> Any:
    """The field `name` of `Settings`, in the place of the preset's if it is given."""
    own = declared(Settings)[name]
    return field(default=default, kw_only=True, metadata={"option": own})


Kind = TypeVar("Kind")


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(option, given, setting)
)
def task(kind: type[Kind]) -> type[Kind]:
    """Make a class of options a task."""
    return dataclass(frozen=True, eq=False)(kind)


@task
class Task:
    """What every task takes."""

    name: ClassVar[str]
    summary: ClassVar[str]  # what the command does, in a sentence
    steps_of: ClassVar[Mapping[str, int]]  # of its presets, by name

    channel_axis: int | None = option(
        default=None, help="The axis of the channels; None for a gray image (H, W)."
    )
    preset: str | Preset = option(
        default="fast",
        kind=str,
        help="f, z, E and the settings: by name, or a Preset.",
        command_help="paper has the published settings.",
    )
    stop: str | Recipe = option(
        default="auto",
        kind=str,
        names=STOPS,
        help="When to stop: by the task's own rule, never before all steps are done, by another "
        "rule by its name, or by a Rule or what makes one (stopping.py).",
        command_help="When to stop: by the task's own rule, never before all steps are done, or by "
        "another rule.",
    )
    device: str = option(
        default="auto", kind=str, metavar=f"[{'|'.join(DEVICES)}|cuda:N]", help="Where to compute."
    )
    memory: int | None = option(
        default=None,
        kind=int,
        least=1,
        metavar="SIZE",
        help="Bytes that a fit may take, by default most of what is free; pictures too large for "
        "that are fitted in tiles.",
        command_help="Memory that a fit may take, as in 4GiB, by default most of what is free; "
        "pictures too large for that are fitted in tiles.",
    )
    steps: int | None = setting("steps", default=None)
    learning_rate: float | None = setting("learning_rate", default=None)
    jitter: float | None = setting("jitter", default=None)
    turns: int | None = setting("turns", default=None)
    shifts: int | None = setting("shifts", default=None)
    window: int | None = setting("window", default=None)
    windows: int | None = setting("windows", default=None)
    averaging: float | None = setting("averaging", default=None)
    seed: int | None = setting("seed", default=None)
    runs: int | None = setting("runs", default=None)
    max_rollbacks: int | None = setting("max_rollbacks", default=None)
    watch: Callable[[Step], None] | None = option(default=None, help="Called with every step.")
    tell: Tell = option(default=silence, help="Called with every phase of the work (phases.py).")

    def __post_init__(self) -> None:
        check(self)
        if isinstance(self.preset, str) and self.preset not in self.steps_of:
            raise BadInput(unknown("preset", self.preset, list(self.steps_of)))
        Settings(**self.changes())

    def changes(self) -> dict[str, Any]:
        """What is not to be as in the settings of the preset."""
        values = {each.name: getattr(self, each.name) for each in fields(Settings)}
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def own(cls) -> list[str]:
        """The names of the options that other tasks do not have."""
        common = {each.name for kind in (Task, Restoration) for each in fields(kind)}
        return [each.name for each in fields(cls) if each.name not in common]


@dataclass(frozen=True, kw_only=True)
class Damage:
    """What happened to x0, as far as it was measured or told. holes: their kinds. alignment: of
    the second picture, whose channels are behind those of x0 then. softness: where x0 is softer
    than what made it so small leaves a sharp picture, the deviation of the Gaussian that leaves it
    so, in pixels of x. noise_left: the deviation of noise that may be texture, and is left in
    x0.
    """

    noise: AnyNoise | None = None
    stripes: Stripes | None = None
    compression: Compression | Lossy | Palette | None = None
    blur: Blurring | None = None
    holes: tuple[str, ...] = ()
    alignment: Alignment | None = None
    softness: float | None = None
    noise_left: float | None = None


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The result (1, C, H, W). parts: what it is made of, by name. cautions: why it may be wrong
    whatever the rules say, a line each. clean: what was taken out is less than anybody sees.
    """

    image: Tensor
    parts: Mapping[str, Tensor] = field(default_factory=dict)
    cautions: Sequence[str] = ()
    clean: bool = False


class Read(Protocol):
    """An image, and what it is called -> x (1, C, H, W) in [0, 1], and what its values mean."""

    def __call__(self, image: Pixels, name: str = ...) -> tuple[Tensor, Scale]: ...


@task
class Restoration(Task, ABC):
    """A task that is called with an image x0: observed, measured, fitted and finished.

    ending: of the name of a file of the result, in which options may be named. parts: of the
    result, by name. together: whether one fit serves all pages of a stack as well as one for each.
    """

    ending: ClassVar[str] = "restored"
    parts: ClassVar[Sequence[str]] = ()
    together: ClassVar[bool] = False

    sigma: float | None = option(
        default=None,
        kind=float,
        above=0,
        help="Standard deviation of white noise, if it is known: in units of full scale for 8 and "
        "16 bits and floats within 0 and 1, in the image's own units for others.",
        command_help="Standard deviation of white noise, white being 255, if it is known (float "
        "files beyond 0 to 1: in their units).",
    )
    checkpoint: str | Path | None = option(
        default=None,
        kind=str,
        metavar="FOLDER",
        help="A folder that keeps what is done of a long job; the same call goes on from it, to "
        "the same bits, and removes it at the end.",
    )

    @property
    def enlargement(self) -> int:
        """How many times as large the result is, to a side."""
        return 1

    @property
    def compares(self) -> bool:
        """Whether sigma is when to stop, not what is to be taken out."""
        return True

    @property
    def tiled(self) -> bool:
        """Whether it may be fitted tile by tile."""
        return True

    def cleaner(self, damage: Damage) -> Restoration | None:
        """What x0 goes through first, as its damage is, or None."""
        return None

    def stages(self, damage: Damage) -> Sequence[Damage]:
        """The damage in the order in which it is undone, a fit each."""
        return [damage]

    def at_stage(self, x0: Tensor, damage: Damage, x: Tensor | None) -> Tensor:
        """What of x0 is fitted where `damage` is undone. x: what the stage before it drew."""
        return x0

    @abstractmethod
    def presets(self, damage: Damage, shape: Sequence[int]) -> Mapping[str, Preset]:
        """The presets for one damage of a picture of `shape` (H, W), by name."""

    @abstractmethod
    def build(self, x0: Tensor, preset: Preset, damage: Damage, panels: int) -> Problem:
        """What to fit to x0 (1, C, H, W), `panels` pictures side by side."""

    def observe(self, pixels: Pixels, read: Read) -> tuple[Tensor, Scale]:
        """The observation (1, C, H, W) in [0, 1], and what its values mean. Where it is NaN, it is
        as it is beside.
        """
        from ..masks import filled

        return read(filled(pixels, self.channel_axis))

    def measure(
        self, observation: Tensor, scale: Scale, sigma: float | None
    ) -> tuple[Tensor, Damage]:
        """What is to be fitted, and what happened to it. sigma: the option, for x in [0, 1]."""
        return observation, Damage()

    def uncertain(self, variance: Tensor, x: Tensor, x0: Tensor, damage: Damage) -> Tensor:
        """The variance (1, 1, H, W) of the result, of that of what f drew, x; may change it."""
        return variance

    @abstractmethod
    def finish(self, x: Tensor, observation: Tensor, x0: Tensor, damage: Damage) -> Finished:
        """The result, of what f drew, x."""

    def returned(self, restored: Pixels, pixels: Pixels) -> Pixels:
        """The result in the numbers of the image `pixels`, and NaN where that is."""
        from ..masks import with_unknown

        return with_unknown(restored, pixels, self.channel_axis)


@task
class Visualisation(Task):
    """A task that looks inside a classifier; all steps are done."""

    classifier: Classifier = given(
        kw_only=False, help="What to look at, such as classifiers.load makes."
    )
