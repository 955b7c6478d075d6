from statistics import fmean

import numpy as np
import pytest
from helpers import photograph

from benchmarks import data
from benchmarks.items import BUDGETS, ITEMS, operators, structure, superresolution
from benchmarks.methods import Effort
from benchmarks.metrics import METRICS
from benchmarks.problems import Problem

pytestmark = pytest.mark.long


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS)
def test_an_item_is_whole(item):
    assert item.shows
    assert item.protocol
    assert set(item.metrics) <= set(METRICS)
    assert item.contenders(BUDGETS["small"].presets)
    assert set(item.contenders(BUDGETS["paper"].presets)) <= set(
        item.contenders(tuple(item.presets))
    )
    for file in item.pictures.values():
        assert file in data.sources() or item in (structure.samples, operators.operators)
    for title, numbers in item.published.items():
        assert any(
            title == name or title.startswith(f"{name}, ")
            for name in item.contenders(tuple(item.presets))
        )
        assert set(numbers) <= {*item.pictures, "mean"}


@pytest.mark.parametrize(
    "table", superresolution.TABLE.values(), ids=map(str, superresolution.TABLE)
)
def test_the_columns_of_a_published_table_have_the_published_means(table):
    rows = [row for picture, row in table.items() if picture != "mean"]
    for column, mean in zip(zip(*rows, strict=True), table["mean"], strict=True):
        assert fmean(column) == pytest.approx(mean, abs=0.015)


def test_published_inpainting_has_the_published_mean():
    ours = ITEMS["inpaint-50"].published["prior (paper), last"]
    assert fmean(value for name, value in ours.items() if name != "mean") == pytest.approx(
        ours["mean"], abs=0.01
    )


@pytest.fixture
def shelf(monkeypatch):
    """Every picture of every set is a photograph, every mask has a hole."""

    def load(folder, set, name):
        if name.endswith("_mask"):
            return (np.arange(64 * 64) % 7 > 0).reshape(64, 64, 1).astype(float)
        return photograph()[..., :1] if set == "inpaint11" else photograph()

    monkeypatch.setattr(data, "load", load)


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS)
def test_an_item_makes_problems(item, shelf, tmp_path):
    for picture in item.pictures:
        problem = item.make(tmp_path, picture, 32)
        assert problem.name == picture
        side = problem.observation.shape[0] * problem.factor
        assert side == 32 or item.name == "artefacts", "which resizes and cuts"
        assert problem.clean is None or problem.clean.shape[0] == side
        assert problem.known is None or not problem.known.all()


# tables of which another one, with another set or share of pixels, has the same contenders
LIKE_OTHERS = ("set5-x4", "set5-x8", "inpaint-70", "inpaint-90")


# non-local means of a small crop in which no noise is found
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize(
    "item", [ITEMS[name] for name in ITEMS if name not in LIKE_OTHERS], ids=lambda item: item.name
)
def test_every_contender_answers_with_images_that_can_be_scored(
    item, shelf, tmp_path, quick_noise, quick_fills
):
    crop = 64 if item.name.endswith("x8") else 32  # 8 pixels a side are the least to be enlarged
    problems = [item.make(tmp_path, picture, crop) for picture in item.pictures]
    problem = next((each for each in problems if each.clean is not None), problems[0])
    for name, contender in item.contenders(("fast",)).items():
        if not contender.needs:
            # the first stop of `enhancement` is at an eighth of its steps
            share = 0.13 if item is ITEMS["enhancement"] else 1e-6
            outcome = contender.method(problem, Effort(share=share))
            assert outcome.images, name
            for image in outcome.images.values():
                assert image.shape == (crop, crop, problem.observation.shape[2])
                assert all(
                    METRICS[metric](problem, image) is not None
                    for metric in item.metrics[:1]
                    if problem.clean is not None
                )


def curve(*energies):
    steps = list(range(1, 1 + len(energies)))
    return {"seed": 0, "complete": True, "curve": {"step": steps, "energy": list(energies)}}


def test_the_impedance_holds_when_the_image_is_first_and_lowest():
    ends = {"image": 0.001, "image + noise": 0.01, "shuffled": 0.05, "noise": 0.08}
    records = [{"picture": name, **curve(0.1, end)} for name, end in ends.items()]
    first, last = structure.impedance(records)
    assert first.startswith("HOLDS")
    assert "image 2, image + noise never" in first
    assert last.startswith("HOLDS")


def test_the_impedance_does_not_hold_when_noise_is_taken_up_as_fast():
    records = [{"picture": name, **curve(0.1, 0.001)} for name in structure.TARGETS]
    assert all(line.startswith("DOES NOT HOLD") for line in structure.impedance(records))
    assert structure.impedance(records[:3]) == []


def test_growth_of_the_scale():
    def records(*scales):
        return [
            {"method": name, "scores": {name: {"scale": scale}}}
            for name, scale in zip(structure.ARCHITECTURES, scales, strict=False)
        ]

    assert structure.growth(records(1, 5, 10))[0].startswith("HOLDS")
    assert structure.growth(records(1, 10, 5))[0].startswith("DOES NOT HOLD")
    assert structure.growth(records(1)) == []


def test_samples_differ_by_weights_and_not_by_code():
    contender = structure.samples.baselines["c: depth 5, bilinear"]
    blank = Problem("code", np.zeros((64, 64, 3)))
    first, second, again = (
        contender.method(blank, Effort(seed=seed)).images[""] for seed in (0, 1, 0)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - second).max() > 0.01


@pytest.mark.parametrize("item", ["other-noise", "stops"])
def test_impulses_are_met_by_the_preset_that_is_made_for_them(item, shelf, tmp_path, quick_fills):
    problem = ITEMS[item].make(tmp_path, "house-impulses20", 32)
    contender = ITEMS[item].contenders(("fast",))["prior (fast)"]
    assert contender.method(problem, Effort(share=1e-6)).images
