import numpy as np
import pytest

from benchmarks.items.uncertainty import CASES, verdicts
from benchmarks.methods.calibration import fit

RANDOM = np.random.default_rng(0)


def test_deviations_that_the_errors_were_drawn_by_fit():
    u = RANDOM.uniform(1, 9, (100, 100))
    found = fit(u[..., None] * RANDOM.normal(size=(100, 100, 3)), u)
    assert found["inside"] == pytest.approx(0.954, abs=0.01)
    assert found["ratio"] == pytest.approx(1, abs=0.02)
    assert found["worst"] == pytest.approx(0.24, abs=0.02)
    assert found["worst"] < found["at best"]
    assert found["rank"] > 0.6


def test_known_pixels_do_not_count():
    u = RANDOM.uniform(1, 9, (10, 10))
    u[:5] = 0
    found = fit(1.5 * u[..., None], u)
    assert found["inside"] == 1
    assert found["ratio"] == pytest.approx(1 / 1.5)
    assert found["worst"] == pytest.approx(found["at best"])
    assert found["rank"] == pytest.approx(1)


def test_a_map_that_is_the_same_everywhere_tells_nothing_of_the_place():
    assert fit(RANDOM.normal(size=(10, 10, 3)), np.ones((10, 10)))["rank"] == 0


def test_a_verdict_is_of_a_kind():
    numbers = {"ratio": 1.0, "worst": 0.2, "at best": 0.5, "rank": 0.3}
    pictures = [case for case, (_, kind) in CASES.items() if kind == "text"]
    records = [
        {"picture": picture, "complete": True, "calibration": {"inside": inside, **numbers}}
        for picture, inside in zip(pictures, (0.92, 0.96), strict=False)
    ]
    (line,) = verdicts(records)
    assert line.startswith("HOLDS: text: 94.0% of the errors")
    assert "(92.0% to 96.0% a picture)" in line
    records[0]["calibration"]["inside"] = 0.8
    (line,) = verdicts(records)
    assert line.startswith("DOES NOT HOLD")
    assert verdicts([{"picture": pictures[0], "complete": True}]) == []
