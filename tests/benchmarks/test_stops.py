from benchmarks.items.stops import verdicts


def record(picture, method, doubt=None, **scores):
    named = {
        f"{method}, {name}" if name != "x0" else name: {"PSNR": score}
        for name, score in scores.items()
    }
    return {
        "picture": picture,
        "method": method,
        "complete": True,
        "uncertainty_db": doubt,
        "scores": named,
    }


def test_verdicts_count_what_is_close_and_what_is_worse_than_the_input():
    lines = verdicts(
        [
            record("a", "x0", x0=20.0),
            record("a", "prior", 0.1, best=30.0, chosen=29.8, end=19.0),
            record("b", "x0", x0=20.0),
            record("b", "prior", 0.9, best=30.0, chosen=29.0, end=29.9),
        ]
    )
    assert lines == [
        "prior, chosen: within 0.3 dB of the best step in 1 of 2 cases, worse than the input in 0; "
        "at the most 1.00 dB below the best (b)",
        "prior, end: within 0.3 dB of the best step in 1 of 2 cases, worse than the input in 1; "
        "at the most 11.00 dB below the best (a)",
        "prior, doubt from 0 to 0.5 dB: within 0.3 dB in 1 of 1 cases",
        "prior, doubt from 0.5 to 1.5 dB: within 0.3 dB in 0 of 1 cases",
    ]
