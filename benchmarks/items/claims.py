"""What the records of a blind denoiser show: its gain over the input, its distance from what was
told the truth, and what it said of itself.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from .stops import CLOSE

FAR = 1.0  # dB behind what was told the truth: no result to be sure of
WORSE = 0.05  # dB below the input
TOLD = "CBM3D told the spectrum"
SAID = ("high", "medium", "low")
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Scores:
    """The first metric of complete records of the first seed: column -> picture -> dB; and what
    each method said: method -> picture -> confidence.
    """

    values: Mapping[str, Mapping[str, float]]
    said: Mapping[str, Mapping[str, str]]

    def behind(self, column: str, other: str) -> dict[str, float]:
        """How many decibels `column` is below `other`, picture by picture, where both are."""
        ours, theirs = (self.values.get(name, {}) for name in (column, other))
        return {name: theirs[name] - value for name, value in ours.items() if name in theirs}

    def of(self, pictures: Collection[str]) -> "Scores":
        """Those of some pictures."""

        def some(table: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
            picked = {
                name: {picture: each for picture, each in row.items() if picture in pictures}
                for name, row in table.items()
            }
            return {name: row for name, row in picked.items() if row}

        return Scores(some(self.values), some(self.said))


def scores(records: Sequence[Record], metric: str) -> Scores:
    """The table of `records`."""
    values: dict[str, dict[str, float]] = {}
    said: dict[str, dict[str, str]] = {}
    for record in records:
        if record["seed"] == 0 and record["complete"]:
            for column, measured in record["scores"].items():
                if metric in measured:
                    values.setdefault(column, {})[record["picture"]] = measured[metric]
            if found := re.search(r"confidence (\w+)", record["stopped"]):
                said.setdefault(record["method"], {})[record["picture"]] = found[1]
    return Scores(values, said)


def gains(table: Scores, of: str) -> list[str]:
    """The mean gain of every column over the input, and how often it is below it."""
    lines = []
    for column in table.values:
        gained = table.behind("x0", column)
        if column != "x0" and gained:
            below = sum(gain < -WORSE for gain in gained.values())
            least = min(gained, key=lambda picture: gained[picture])
            lines.append(
                f"{of}, {column}: {fmean(gained.values()):+.2f} dB over the input on "
                f"{len(gained)}, below it by more than {WORSE} dB in {below}; the least "
                f"{gained[least]:+.2f} ({least})"
            )
    return lines


def distances(table: Scores, column: str, other: str, within: float) -> list[str]:
    """In how many cases `column` is at the most `within` decibels below `other`."""
    losses = table.behind(column, other)
    if not losses:
        return []
    near = sum(loss <= within for loss in losses.values())
    picture = max(losses, key=lambda name: losses[name])
    return [
        f"{column}: {-fmean(losses.values()):+.2f} dB beside {other}; within {within} dB of it or "
        f"ahead in {near} of {len(losses)}, at the most {losses[picture]:.2f} dB behind ({picture})"
    ]


def confidence(table: Scores, judged: Collection[str]) -> list[str]:
    """What each method said of itself, against the best step of its run and, on the pictures
    `judged`, against CBM3D told the spectrum of the true noise.
    """
    lines = []
    for method, words in table.said.items():
        to_best = table.behind(method, f"{method}, best")
        to_told = table.behind(method, TOLD)
        for word in SAID:
            cases = [picture for picture in words if words[picture] == word]
            if cases:
                near = sum(to_best.get(picture, 0) <= CLOSE for picture in cases)
                told = [to_told[each] for each in cases if each in to_told and each in judged]
                far = sum(loss > FAR for loss in told)
                lines.append(
                    f"{method}, confidence {word}: within {CLOSE} dB of the best step of its run "
                    f"in {near} of {len(cases)}; more than {FAR:g} dB behind {TOLD} in {far} of "
                    f"{len(told)}"
                )
    return lines
