"""The runs of a fit: what they measured, and why they ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from .step import Stop


@dataclass(frozen=True)
class Run:
    """One descent.

    energies: E of every step. stop: why it ended. chosen: the step whose average is its image.
    uncertainty_db: the rule's, or None. used: whether the result is made of it.
    """

    energies: Sequence[float]
    stop: Stop
    chosen: int
    seconds: float
    uncertainty_db: float | None = None
    used: bool = True

    @property
    def energy(self) -> float:
        """What it came to: the mean of its last tenth, as steps differ."""
        return fmean(self.energies[-max(1, len(self.energies) // 10) :])

    @property
    def interrupted(self) -> bool:
        """Late: after the last step, so that nothing is missing."""
        return self.stop.rule in ("interrupted", "late")

    @property
    def complete(self) -> bool:
        """Neither interrupted nor destabilised."""
        return self.stop.rule not in ("interrupted", "destabilised")


@dataclass(frozen=True, kw_only=True, eq=False)
class Runs:
    """What is made of one run or of several. seconds: of its steps, and of drawing."""

    runs: tuple[Run, ...]
    seconds: float

    @property
    def history(self) -> list[float]:
        """E of every step, run after run."""
        return [energy for run in self.runs for energy in run.energies]

    @property
    def steps(self) -> list[int]:
        """The length of each run."""
        return [len(run.energies) for run in self.runs]

    @property
    def chosen(self) -> list[int]:
        """The step of each run that the image is made of, 0 if of none."""
        return [run.chosen if run.used else 0 for run in self.runs]

    @property
    def uncertainty_db(self) -> float | None:
        """About how many decibels lie between the image and what else could have been chosen; None
        if no rule looked for it.
        """
        doubts = [run.uncertainty_db for run in self.runs if run.used]
        return max((doubt for doubt in doubts if doubt is not None), default=None)

    @property
    def stopped(self) -> str:
        """Why the runs ended, in words."""
        reasons = [*(str(run.stop) for run in self.runs), *self._of_which]
        return "; ".join(dict.fromkeys(reasons))

    @property
    def _of_which(self) -> list[str]:
        """Of which runs the image is, if not of all that came to one."""
        used = [run for run in self.runs if run.used]
        left_out = [run for run in self.runs if run.energies and not run.used]
        complete = any(run.complete for run in used)
        if any(run.complete or not complete for run in left_out):
            number = 1 + self.runs.index(used[0])
            return [f"the image is of run {number}, which came to the least energy"]
        return ["the image is of the complete runs"] if complete and not self.complete else []

    @property
    def interrupted(self) -> bool:
        return self.runs[-1].interrupted

    @property
    def complete(self) -> bool:
        """Whether every run is."""
        return all(run.complete for run in self.runs)
