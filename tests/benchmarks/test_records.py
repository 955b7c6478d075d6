import json

import numpy as np
import pytest

from benchmarks import records
from benchmarks.records import Run
from deep_image_prior import BadInput


def record(seed=0, **more):
    return {
        "item": "denoising",
        "budget": "small",
        "crop": 64,
        "picture": "house",
        "method": "m",
        "seed": seed,
        **more,
    }


def test_what_is_appended_is_read_and_the_newest_of_a_run_counts(tmp_path):
    for each in (record(0, n=1), record(1, n=2), record(0, n=3)):
        records.append(tmp_path, each)
    assert records.read(tmp_path) == [record(0, n=3), record(1, n=2)]
    assert records.run_of(record(1)) == Run("denoising", "small", 64, "house", "m", 1)


def test_no_records_are_no_error(tmp_path):
    assert records.read(tmp_path / "nowhere") == []


def test_a_line_cut_short_is_left_out_and_the_next_one_stands(tmp_path):
    records.append(tmp_path, record(0))
    path = tmp_path / records.LINES
    with path.open("a") as lines:
        lines.write(json.dumps(record(1))[:30])
    assert records.read(tmp_path) == [record(0)]
    records.append(tmp_path, record(2))
    assert records.read(tmp_path) == [record(0), record(2)]


def test_a_damaged_line_in_the_middle_is_named(tmp_path):
    records.append(tmp_path, record(0))
    path = tmp_path / records.LINES
    good = path.read_text()
    for bad in ("{not json", "3", '{"item": "denoising"}', "\0\0"):
        path.write_text(f"{good}{bad}\n{good}")
        with pytest.raises(BadInput, match="line 2 is not a record"):
            records.read(tmp_path)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_come_back(tmp_path, channels):
    image = np.random.default_rng(0).random((5, 7, channels))
    name = records.save_image(tmp_path, "a/b/c.png", image)
    np.testing.assert_allclose(records.load_image(tmp_path, name), image, atol=1 / 65535)


def test_a_problem_comes_back(tmp_path):
    known = np.random.default_rng(0).random((6, 6)) > 0.5
    paths = {
        "degraded": records.save_image(tmp_path, "degraded.png", np.zeros((6, 6, 3))),
        "known": records.save_image(tmp_path, "known.png", known[..., None]),
    }
    problem = records.load_problem(tmp_path, record(problem=paths))
    assert (problem.known == known).all()
    assert problem.clean is None
