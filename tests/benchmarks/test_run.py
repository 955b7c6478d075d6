import errno
import os
import time
from dataclasses import asdict

import pytest

from benchmarks import records, run
from benchmarks.items import ITEMS
from benchmarks.measure import Place, measure
from benchmarks.records import Run
from benchmarks.run import Order

pytestmark = pytest.mark.long


def job(picture="code", method="a: depth 1, bilinear", seed=0):
    return Run("samples", "small", 32, picture, method, seed)


def answer(each, **more):
    return {**asdict(each), "complete": True, **more}


def fake_work(each, place, answers):
    """Ends as the name of its picture says."""
    if each.picture == "dies":
        os._exit(9)
    if each.picture == "full":
        answers.send(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        return
    try:
        if each.picture == "long":
            place.records.joinpath("started").touch()
            time.sleep(60)
        answers.send("no luck" if each.picture == "fails" else answer(each))
    except KeyboardInterrupt:
        answers.send(answer(each, complete=False))


def interruptible_work(each, place, answers):
    import signal

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    fake_work(each, place, answers)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path, tmp_path, "cpu", 1)


def test_the_plan_goes_picture_by_picture_and_seeds_only_what_is_random():
    plan = list(run.planned(Order(["denoising"], "small", 64, ["house", "f16"], seeds=2)))
    assert [each.picture for each in plan] == ["f16"] * 7 + ["house"] * 7
    assert [(each.method, each.seed) for each in plan[:3]] == [
        ("prior (fast)", 0),
        ("prior (fast)", 1),
        ("x0", 0),
    ]
    both = run.planned(Order(["denoising"], "paper", pictures=["house"], presets=["paper", "fast"]))
    assert {"prior (paper)", "prior (fast)"} < {each.method for each in both}


def test_methods_named_are_planned_alone_whatever_their_preset():
    (only,) = run.planned(Order(["jpeg"], "paper", pictures=["f16"], methods=["prior (fast)"]))
    assert only == Run("jpeg", "paper", 0, "f16", "prior (fast)", 0)


def test_the_estimate_grows_with_the_area_and_the_budget():
    def estimate(budget, crop):
        return run.estimate(run.planned(Order(["set5-x4"], budget, crop)))

    assert estimate("paper", 0) > 2 * estimate("paper", 128) > 2 * estimate("small", 128) > 0


def test_the_estimate_is_of_what_an_item_shows_of_its_files():
    def estimate(crop):
        only = {"pictures": ["barbara-rows"], "methods": ["non-local means"]}
        return run.estimate(run.planned(Order(["correlated"], "paper", crop, **only)))

    assert estimate(0) == estimate(256) == pytest.approx(4 * estimate(128))


def test_a_method_whose_package_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(run, "find_spec", lambda module: None if module == "bm3d" else module)
    plan = list(run.planned(Order(["denoising"], "small", pictures=["house"])))
    assert run.missing(plan) == {"CBM3D": "bm3d"}


def test_a_run_gives_a_record_with_images_scores_and_circumstances(place):
    record = measure(job(), place)
    assert records.run_of(record) == job()
    assert record["scores"]["a: depth 1, bilinear"]["scale"] > 0
    assert records.load_image(place.records, record["images"]["a: depth 1, bilinear"]).shape == (
        32,
        32,
        3,
    )
    assert record["complete"]
    assert record["threads"] == 1
    assert "torch" in record["versions"]
    records.append(place.records, record)
    assert records.read(place.records) == [record]


def test_a_record_of_other_settings_or_an_interrupted_one_is_made_again(tmp_path):
    settings = dict(ITEMS["denoising"].contenders()["prior (fast)"].settings)
    record = {
        "item": "denoising",
        "method": "prior (fast)",
        "interrupted": False,
        "settings": settings,
    }
    record |= {"images": {"m": "image.png"}, "problem": {}}
    assert not run.is_done(record, tmp_path)  # its image is gone
    tmp_path.joinpath("image.png").touch()
    assert run.is_done(record, tmp_path)
    assert not run.is_done({**record, "interrupted": True}, tmp_path)
    assert not run.is_done({**record, "settings": {**settings, "steps": 299}}, tmp_path)


def test_what_fails_or_dies_is_told_and_the_others_are_recorded(place, monkeypatch):
    monkeypatch.setattr(run, "work", fake_work)
    told = {}
    jobs = [job("dies"), job("fails"), job("fine")]
    assert not run.execute(jobs, place, 2, lambda each, answer: told.update({each.picture: answer}))
    assert "killed (exit code 9)" in told["dies"]
    assert told["fails"] == "no luck"
    assert [record["picture"] for record in records.read(place.records)] == ["fine"]


def test_a_full_disk_ends_it_with_one_error_and_the_records_stand(place, monkeypatch):
    monkeypatch.setattr(run, "work", fake_work)
    with pytest.raises(OSError, match=r"No space left on device; make room .* the records stand"):
        run.execute([job("fine"), job("full"), job("never")], place, 1, lambda each, answer: None)
    assert [record["picture"] for record in records.read(place.records)] == ["fine"]


def test_an_interrupt_records_the_best_so_far_of_what_is_under_way(place, monkeypatch):
    monkeypatch.setattr(run, "work", interruptible_work)

    def tell(each, answer):
        if each.picture == "fine":
            deadline = time.monotonic() + 60
            while not place.records.joinpath("started").exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            time.sleep(0.2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.execute([job("long"), job("fine"), job("never")], place, 2, tell)
    assert {(each["picture"], each["complete"]) for each in records.read(place.records)} == {
        ("fine", True),
        ("long", False),
    }
