"""What a person wants to know of a result."""

import numpy as np

from .images import Pixels, Scale
from .restoration import Result

SHOWN = 0.05  # decibels: less is 0.0 in the summary
DOUBTS = ("low", "medium", "high")  # confidence, the worst first


def summary(result: Result, scale: Scale) -> list[str]:
    """A line each. scale: of the image that was given."""
    unit, of = (255.0, "of 255") if scale.one else (1.0, "in the units of the image")
    fits = sum(steps > 0 for steps in result.steps)
    steps = f"{sum(result.steps)} steps" + (f" of {fits} fits" if fits > 1 else "")
    lines = [f"{steps} in {result.seconds:.1f} s on {result.device}; {result.stopped}"]
    if any(0 < at < steps for at, steps in zip(result.chosen, result.steps, strict=True)):
        chosen = ", ".join(str(at) for at in result.chosen if at)
        lines.append(f"the image is the average at step {chosen}")
    if result.confidence:
        lines.append(f"confidence: {result.confidence}{_doubt(result)}")
    if result.uncertainty is not None:
        typical, worst = (unit * each / (scale.one or 1.0) for each in shown(result.uncertainty))
        lines.append(
            f"uncertainty: {typical:.2g} {of} in the median, {worst:.2g} in the worst hundredth"
        )
    lines += [f"caution: {caution}" for caution in result.cautions]
    if result.compression:
        lines.append(f"compression: {result.compression.sentence}")
    if result.damage.holes:
        lines.append(f"holes: {' and '.join(result.damage.holes)}")
    if soft := result.damage.softness:
        lines.append(
            f"softness: as a Gaussian of {soft:.2g} pixels leaves a sharp picture; "
            f"--psf gaussian:{soft:.2g} takes it back, and draws halos if there was none"
        )
    if left := result.damage.noise_left:
        lines.append(
            f"noise: up to about {unit * left:.2g} {of} may be in the image, or texture; it was "
            "left in. If you see grain, denoise the image first"
        )
    if result.clean:
        lines.append("clean: what was taken out as noise is less than can be seen")
    if result.damage.alignment is not None:
        lines += result.damage.alignment.sentences()
    for damage in (result.noise, result.stripes):
        lines += damage.sentences(unit, of) if damage else ()
    return lines


def shown(uncertainty: Pixels) -> tuple[float, float]:
    """The median, and what a hundredth of the pixels have or more, of those that are not known."""
    drawn = uncertainty[uncertainty > 0]
    if not drawn.size:
        return 0.0, 0.0
    typical, worst = np.percentile(drawn, (50, 99))
    return float(typical), float(worst)


def _doubt(result: Result) -> str:
    """How much, where that is what the confidence is about."""
    doubt = result.uncertainty_db
    if doubt is None or doubt < SHOWN or result.clean or result.cautions:
        return ""
    return f"; the fit is about {doubt:.1f} dB in doubt"
