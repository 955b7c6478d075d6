from benchmarks.items import camera, correlated
from benchmarks.items.camera import METRIC

FIRST, SECOND = (name for name in list(camera.PICTURES)[:2])
OTHER = list(camera.PICTURES)[-1]


def record(picture, method, stopped="", complete=True, **scores):
    names = {f"{method}, {name}" if name != "only" else method: x for name, x in scores.items()}
    return {
        "picture": picture,
        "method": method,
        "seed": 0,
        "complete": complete,
        "stopped": stopped,
        "scores": {name: {METRIC: value} for name, value in names.items()},
    }


def test_gains_distances_and_confidence_of_photographs():
    lines = camera.verdicts(
        [
            record(FIRST, "x0", only=30.0),
            record(SECOND, "x0", only=34.0),
            record(OTHER, "x0", only=40.0),
            record(FIRST, "prior (fast)", "why; confidence high", only=35.0, best=35.2),
            record(SECOND, "prior (fast)", "why; confidence high", only=33.9, best=36.0),
            record(OTHER, "prior (fast)", "why; confidence low", only=40.0, best=40.0),
            record(FIRST, "CBM3D told the spectrum", only=34.5),
            record(SECOND, "CBM3D told the spectrum", only=35.4),
            record(FIRST, "CBM3D", only=0.0, complete=False),
        ]
    )
    assert lines == [
        "cc15, prior (fast): +2.45 dB over the input on 2, below it by more than 0.05 dB in 1; "
        f"the least -0.10 ({SECOND})",
        "cc15, prior (fast), best: +3.60 dB over the input on 2, below it by more than 0.05 dB in "
        f"0; the least +2.00 ({SECOND})",
        "cc15, CBM3D told the spectrum: +2.95 dB over the input on 2, below it by more than 0.05 "
        f"dB in 0; the least +1.40 ({SECOND})",
        "cc15, prior (fast): -0.50 dB beside CBM3D told the spectrum; within 0 dB of it or ahead "
        f"in 1 of 2, at the most 1.50 dB behind ({SECOND})",
        "polyu40, prior (fast): +0.00 dB over the input on 1, below it by more than 0.05 dB in 0; "
        f"the least +0.00 ({OTHER})",
        "polyu40, prior (fast), best: +0.00 dB over the input on 1, below it by more than 0.05 dB "
        f"in 0; the least +0.00 ({OTHER})",
        "prior (fast), confidence high: within 0.3 dB of the best step of its run in 1 of 2; more "
        "than 1 dB behind CBM3D told the spectrum in 1 of 2",
        "prior (fast), confidence low: within 0.3 dB of the best step of its run in 1 of 1; more "
        "than 1 dB behind CBM3D told the spectrum in 0 of 0",
    ]


def test_clean_pictures_are_judged_by_themselves():
    lines = correlated.verdicts(
        [
            record("kodim01-rows", "x0", only=28.0),
            record("kodim01-rows", "prior (fast)", "why; confidence high", only=34.0, best=34.0),
            record("kodim01-rows", "CBM3D told the spectrum", only=34.4),
            record("kodim01-clean", "x0", only=58.0),
            record("kodim01-clean", "prior (fast)", "why; confidence high", only=46.0, best=46.0),
            record("kodim12-clean", "prior (fast)", "why; confidence high", only=44.0, best=46.0),
            record("kodim01-clean", "CBM3D told the spectrum", only=57.0),
        ]
    )
    assert lines == [
        "noisy, prior (fast): +6.00 dB over the input on 1, below it by more than 0.05 dB in 0; "
        "the least +6.00 (kodim01-rows)",
        "noisy, prior (fast), best: +6.00 dB over the input on 1, below it by more than 0.05 dB in "
        "0; the least +6.00 (kodim01-rows)",
        "noisy, CBM3D told the spectrum: +6.40 dB over the input on 1, below it by more than 0.05 "
        "dB in 0; the least +6.40 (kodim01-rows)",
        "prior (fast): -0.40 dB beside CBM3D told the spectrum; within 0.5 dB of it or ahead in 1 "
        "of 1, at the most 0.40 dB behind (kodim01-rows)",
        "rows, prior (fast): -0.40 dB beside CBM3D told the spectrum; within 0.5 dB of it or ahead "
        "in 1 of 1, at the most 0.40 dB behind (kodim01-rows)",
        "clean, prior (fast): 45 dB or more in 1 of 2, least 44.00",
        "prior (fast), confidence high: within 0.3 dB of the best step of its run in 2 of 3; more "
        "than 1 dB behind CBM3D told the spectrum in 0 of 1",
    ]
