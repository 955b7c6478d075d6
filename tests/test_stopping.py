import pytest
import torch
from helpers import step

from deep_image_prior import BadInput, Step
from deep_image_prior.stopping import PATIENCE, SHORT, Discrepancy, Patience, Variance, begun


def test_what_goes_wrong_in_a_recipe_is_not_taken_for_none():
    def broken():
        raise TypeError("of the recipe")

    with pytest.raises(TypeError, match="of the recipe"):
        begun(broken)
    with pytest.raises(BadInput, match="makes no rule"):
        begun(3)


def test_discrepancy_stops_at_the_noise_and_says_so():
    rule = Discrepancy(0.1)
    assert rule.update(step(0.0101)) is None
    stop = rule.update(step(0.0099))
    assert (stop.rule, stop.step) == ("discrepancy", 7)
    assert str(stop) == "discrepancy: residual 25.37 (of 255) reached the noise at step 7"


def test_clipped_noise_is_weaker_near_white():
    assert Discrepancy(0.1).update(step(0.0099, gray=0.99)) is None
    assert Discrepancy(0.1, clipped=False).update(step(0.0099, gray=0.99)) is not None


def test_variance_is_least_where_the_images_are_still():
    rule, generator = Variance(), torch.Generator().manual_seed(0)
    for index in range(1, 1000):
        moves = abs(index - 400) / 400
        image = 0.5 + moves * torch.randn(1, 1, 16, 16, generator=generator)
        if rule.update(Step(index, 1000, torch.tensor(1.0), image, torch.full_like(image, 0.5))):
            break
    assert 400 <= rule.chosen.index < 460
    assert index < 999


def test_patience_keeps_the_first_of_equal_steps_and_grows_with_them():
    seen = []
    for best in (30, 600):
        rule = Patience("mine", "lowest", lambda step: abs(step.index - seen[-1]), after=10)
        seen.append(best)
        index, stop = 0, None
        while stop is None:
            index += 1
            stop = rule.update(step(1.0, index=index))
        assert (stop.rule, stop.step, str(stop)) == ("mine", best, f"lowest at step {best}")
        assert index == best + PATIENCE + best // 3
    rule = Patience("mine", "lowest", lambda step: 1.0, after=10)
    for index in range(1, 30):
        rule.update(step(1.0, index=index))
    assert rule.chosen.index == 10, "not before, and not a later one"


def test_the_moving_variance_is_that_of_its_formula():
    rule = Variance()
    measured = []
    for index, (gray, average) in enumerate([(0.5, 0.4), (0.6, 0.4), (0.2, 0.3)], start=1):
        image = torch.full((1, 1, 2, 2), gray)
        measured.append(
            rule.measure(Step(index, 9, torch.tensor(1.0), image, torch.full_like(image, average)))
        )
    first = SHORT * (1 - SHORT) * 0.2**2
    second = SHORT * (first + (1 - SHORT) * 0.2**2)
    assert measured == pytest.approx([0.0, first, second])
    assert (rule.name, rule.what) == ("variance", "least variance")
