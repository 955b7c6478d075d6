import math
from dataclasses import replace

import pytest
import torch
from helpers import FEW, At, problem, step, tiny
from torch import nn

from deep_image_prior import BadInput, Destabilised, Problem, Settings, descend, fit
from deep_image_prior.descent import averaged_weights, with_rollback
from deep_image_prior.energies import mean_square, squared_error
from deep_image_prior.operators import identity
from deep_image_prior.runs import Run
from deep_image_prior.step import Rule, Stop
from deep_image_prior.stopping import Variance

TARGET = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(3))
ERROR = squared_error(TARGET, identity)


def spoiled(*, calls: set[int], value: float = math.nan):
    """The squared error, made `value` at the given calls, counted from 1."""
    count = 0

    def energy(image):
        nonlocal count
        count += 1
        return ERROR(image) * value if count in calls else ERROR(image)

    return energy


def test_descent_goes_down():
    steps = list(descend(problem(ERROR), Settings(steps=60)))
    assert [step.index for step in steps] == list(range(1, 61))
    assert steps[-1].energy < steps[0].energy / 2
    assert steps[0].image.shape == steps[0].average.shape == TARGET.shape


def test_same_seed_is_bit_identical_and_another_is_not():
    torch.manual_seed(1)
    first = fit(problem(ERROR), FEW)
    torch.manual_seed(2)
    again = fit(problem(ERROR), FEW)
    assert torch.equal(first.image, again.image)
    assert first.history == again.history
    assert not torch.equal(first.image, fit(problem(ERROR), replace(FEW, seed=1)).image)


def test_the_callers_random_state_is_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fit(problem(ERROR), FEW)
    assert torch.equal(torch.rand(3), expected)


def test_jitter_changes_the_descent():
    still = fit(problem(ERROR), replace(FEW, jitter=0))
    assert fit(problem(ERROR), FEW).history != still.history


class Seen(nn.Module):
    """f(z) = w z; keeps what it is shown."""

    def __init__(self, shown):
        super().__init__()
        self.shown, self.weight = shown, nn.Parameter(torch.ones(1))

    def forward(self, z):
        self.shown.append(z.detach().clone())
        return self.weight * z


def shown(settings):
    """The codes that a network is shown, a step each, around a code of 0."""
    codes = []
    blank = Problem(
        lambda: Seen(codes),
        lambda generator: torch.zeros(1, 3, 64, 64),
        lambda x: x.square().mean(),
    )
    list(descend(blank, settings))
    return codes


def test_jitter_has_its_deviation_and_is_drawn_anew_every_step():
    first, second, third = shown(Settings(steps=3, jitter=0.05))
    for code in (first, second, third):
        assert code.std().item() == pytest.approx(0.05, rel=0.05)
        assert abs(code.mean().item()) < 0.003
    for one, other in ((first, second), (second, third), (first, third)):
        pair = torch.stack([one.flatten(), other.flatten()])
        assert abs(torch.corrcoef(pair)[0, 1].item()) < 0.05
    assert not any(code.any() for code in shown(Settings(steps=2, jitter=0)))


@pytest.mark.parametrize(("decibels", "kept"), [(4.5, 12), (5.5, 11)])
def test_a_rise_of_five_decibels_is_a_jump(decibels, kept):
    """Of the energy, against that of the checkpoint, as in the published fall-back."""
    energies = [1.0] * 10 + [10 ** (decibels / 10), 1.0]
    steps = iter([step(energy, index=k) for k, energy in enumerate(energies, start=1)])

    class Kept:
        def save(self):
            pass

        restore = save

    assert len(list(with_rollback(steps, Kept(), max_rollbacks=5))) == kept


def test_average_is_a_mean_that_forgets_its_beginning():
    steps = list(descend(problem(ERROR), Settings(steps=3, averaging=0.15)))
    x = [step.image for step in steps]
    assert torch.equal(steps[0].average, x[0])
    # weights of the past: min(0.15, 2 / 11), min(0.15, 3 / 12)
    second = 0.15 * x[0] + 0.85 * x[1]
    torch.testing.assert_close(steps[1].average, second)
    torch.testing.assert_close(steps[2].average, 0.15 * second + 0.85 * x[2])
    early = list(descend(problem(ERROR), Settings(steps=2, averaging=0.99)))
    torch.testing.assert_close(early[1].average, (2 * early[0].image + 9 * early[1].image) / 11)


def test_no_averaging_gives_the_last_image():
    last = list(descend(problem(ERROR), replace(FEW, averaging=0)))[-1]
    torch.testing.assert_close(last.average, last.image)


@pytest.mark.parametrize("value", [math.nan, math.inf, 100.0])
def test_a_jump_is_undone(value):
    steps = list(descend(problem(spoiled(calls={15}, value=value)), Settings(steps=40)))
    assert [step.index for step in steps] == list(range(1, 40)), (
        "steps are numbered without the one taken back"
    )
    assert all(torch.isfinite(step.image).all() for step in steps)
    assert steps[-1].energy < steps[13].energy


def test_going_back_restores_weights_and_moments_of_the_checkpoint():
    # no jitter: the same weights give the same image, so the step after the return repeats the
    # checkpoint's, step 11
    steps = {
        s.index: s for s in descend(problem(spoiled(calls={14})), Settings(steps=16, jitter=0))
    }
    assert torch.equal(steps[14].image, steps[11].image)
    assert not torch.equal(steps[15].image, steps[12].image), (
        "half the learning rate must lead elsewhere"
    )
    assert steps[15].energy < steps[11].energy
    # the first step of Adam is by the learning rate whatever the gradient is
    usual, halved = (
        {s.index: s for s in descend(problem(spoiled(calls=calls)), settings)}
        for calls, settings in (
            ((), Settings(steps=2, jitter=0, learning_rate=0.005)),
            ({2}, Settings(steps=4, jitter=0, learning_rate=0.01)),
        )
    )
    assert torch.equal(halved[2].image, usual[1].image)
    torch.testing.assert_close(halved[3].image, usual[2].image)


def test_what_draws_symmetries_and_windows_is_seeded():
    how = Settings(steps=3, jitter=0, turns=8, shifts=4)
    first, again = (fit(problem(ERROR), how).history for _ in range(2))
    assert first == again


def test_steps_that_were_taken_back_are_told():
    result = fit(problem(spoiled(calls={6, 7})), Settings(steps=10))
    assert (result.steps, result.chosen, len(result.history)) == ([8], [8], 8)
    assert result.stopped == "budget: 10 steps, 2 of them taken back"


def test_rollbacks_are_bounded_and_the_reason_is_told():
    result = fit(problem(spoiled(calls=set(range(6, 99)))), Settings(steps=50, max_rollbacks=3))
    assert len(result.history) == 5
    assert result.stopped.startswith("destabilised: energy nan at step 9")
    assert torch.isfinite(result.image).all()
    with pytest.raises(Destabilised, match="energy nan at step 9"):
        result.whole()


def test_never_finite_raises():
    with pytest.raises(Destabilised, match="after 0 good steps"):
        fit(problem(lambda image: image.sum() * math.nan), FEW)


def test_a_destabilised_run_does_not_spoil_the_others():
    whole = fit(problem(ERROR), FEW)
    result = fit(problem(spoiled(calls={6, 7, 8})), replace(FEW, runs=2, max_rollbacks=0))
    assert torch.equal(result.image, whole.image)
    assert result.steps == [5, 0]
    assert not result.complete
    assert "destabilised" in result.stopped


def test_code_weights_and_jitter_are_unrelated():
    drawn = []

    def network():
        net = tiny(4, 3)
        drawn.append(next(net.parameters()).detach().flatten()[:200])
        return net

    def code(generator):
        drawn.append(torch.rand(1, 4, 16, 16, generator=generator))
        return drawn[-1]

    next(descend(Problem(network, code, ERROR), FEW))
    z, weights = drawn[0].flatten()[: len(drawn[1])], drawn[1]
    assert abs(torch.corrcoef(torch.stack([z, weights]))[0, 1]) < 0.3


def test_negative_energies_may_rise():
    result = fit(problem(lambda image: -image.mean()), FEW)
    assert len(result.history) == FEW.steps


def test_runs_are_averaged_over_seeds():
    runs = [fit(problem(ERROR), replace(FEW, seed=seed)) for seed in (7, 8)]
    both = fit(problem(ERROR), replace(FEW, seed=7, runs=2))
    torch.testing.assert_close(both.image, (runs[0].image + runs[1].image) / 2)
    assert both.history == runs[0].history + runs[1].history
    assert both.steps == [5, 5]
    assert both.stopped == "budget: 5 steps"


def test_a_run_came_to_the_mean_energy_of_its_last_tenth():
    run = Run(energies=[9.0] * 18 + [3.0, 1.0], stop=Stop("budget", 20, ""), chosen=20, seconds=1)
    assert run.energy == 2
    assert replace(run, energies=[3.0, 1.0]).energy == 1


def test_of_runs_that_are_not_alike_the_one_of_the_least_energy_is_taken():
    runs = [fit(problem(ERROR), replace(FEW, seed=seed)) for seed in (7, 8, 9)]
    last = [run.history[-1] for run in runs]
    least = last.index(min(last))
    unlike = replace(problem(ERROR), alike=False)
    result = fit(unlike, replace(FEW, seed=7, runs=3))
    assert torch.equal(result.image, runs[least].image)
    assert result.chosen == [5 if k == least else 0 for k in range(3)]
    words = "the image is of run {}, which came to the least energy"
    assert result.stopped.endswith(words.format(least + 1))
    alone = fit(unlike, FEW)
    assert alone.stopped == fit(problem(ERROR), FEW).stopped
    cut = fit(unlike, replace(FEW, seed=7, runs=3), watch=interrupting(2, 2))
    assert torch.equal(cut.image, runs[0].image), "an unfinished run is not compared"
    assert cut.stopped.endswith("the image is of the complete runs")


def test_of_runs_that_all_failed_none_is_said_to_be_complete():
    def failing(step):
        if step.index == 3:
            raise Destabilised("lost")

    unlike = replace(problem(ERROR), alike=False)
    result = fit(unlike, replace(FEW, runs=2), watch=failing)
    assert not result.complete
    kept = 1 + result.chosen.index(3)
    assert result.stopped == f"lost; the image is of run {kept}, which came to the least energy"
    assert fit(problem(ERROR), replace(FEW, runs=2), watch=failing).stopped == "lost"


def test_a_rule_stops_each_run_and_says_why():
    made = []

    def stop():
        made.append(None)
        return At(2)

    for recipe in (stop, At(2)):
        result = fit(problem(ERROR), replace(FEW, runs=2), recipe)
        assert (result.steps, result.stopped) == ([2, 2], "enough")
        assert [(run.stop.rule, run.stop.step) for run in result.runs] == [("at", 2)] * 2
    assert len(made) == 2


def test_a_rule_given_as_a_value_is_copied_for_each_run():
    class Third(Rule):
        seen = 0

        def update(self, step):
            self.seen += 1
            return Stop("third", step.index, "enough") if self.seen == 3 else None

    rule = Third()
    assert fit(problem(ERROR), replace(FEW, runs=2), rule).steps == [3, 3]
    assert rule.seen == 0


def test_what_is_no_rule_is_refused():
    with pytest.raises(BadInput, match="stop made a str, not a rule"):
        fit(problem(ERROR), FEW, lambda: "enough")


def test_a_rule_that_compares_images_wants_them_whole():
    windowed = problem(mean_square(torch.zeros(1, 3, 16, 16)))
    with pytest.raises(BadInput, match="compares whole images"):
        fit(windowed, replace(FEW, window=8), Variance())


def interrupting(run: int, index: int):
    """A watch that presses Ctrl-C in a run (from 1) at a step."""
    seen = 0

    def watch(step):
        nonlocal seen
        seen += step.index == 1
        if (seen, step.index) == (run, index):
            raise KeyboardInterrupt

    return watch


def test_interrupt_keeps_the_average_so_far():
    result = fit(problem(ERROR), FEW, watch=interrupting(1, 3))
    assert result.interrupted
    assert result.stopped == "interrupted at step 3"
    assert torch.equal(result.image, list(descend(problem(ERROR), FEW))[2].average)


def test_interrupt_of_a_later_run_keeps_the_complete_ones():
    result = fit(problem(ERROR), replace(FEW, runs=3), watch=interrupting(2, 2))
    assert result.interrupted
    assert (result.steps, result.chosen) == ([5, 2], [5, 0])
    assert result.stopped.endswith("the image is of the complete runs")
    assert torch.equal(result.image, fit(problem(ERROR), FEW).image)


def test_closing_the_generator_cancels():
    steps = descend(problem(ERROR), FEW)
    next(steps)
    steps.close()
    assert list(steps) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"learning_rate": 0.0},
        {"jitter": -1},
        {"averaging": 1.0},
        {"runs": 0},
        {"seed": -1},
    ],
)
def test_settings_out_of_range_name_themselves(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings(**wrong)


def test_nan_settings_are_refused():
    with pytest.raises(ValueError, match="jitter"):
        Settings(jitter=math.nan)


def test_symmetries_change_the_descent_but_not_the_first_weights():
    still = replace(FEW, steps=12, jitter=0)
    runs = [
        fit(problem(ERROR), replace(still, **moved)) for moved in ({}, {"turns": 8}, {"shifts": 4})
    ]
    assert len({tuple(run.history) for run in runs}) == 3
    assert len({run.image.shape for run in runs}) == 1


def test_the_first_of_a_batch_is_the_image_and_the_energy_sees_all():
    seen = []

    def energy(images):
        seen.append(images.shape)
        return (images - TARGET).square().mean()

    pair = Problem(
        lambda: tiny(4, 3), lambda generator: torch.rand(2, 4, 16, 16, generator=generator), energy
    )
    steps = list(descend(pair, FEW))
    assert set(seen) == {(2, 3, 16, 16)}
    assert steps[-1].image.shape == steps[-1].average.shape == (1, 3, 16, 16)


def test_the_average_of_the_weights_is_that_of_the_images_for_a_linear_network():
    network = torch.nn.Linear(1, 1, bias=False)

    def steps():
        for index in (1, 2, 3):
            with torch.no_grad():
                network.weight.fill_(float(index**2))
            yield step(1.0, index=index)

    means = [each.weights["weight"].item() for each in averaged_weights(steps(), network, 0.15)]
    # past_weight: min(0.15, 2 / 11), min(0.15, 3 / 12)
    second = 0.15 * 1 + 0.85 * 4
    assert means == pytest.approx([1, second, 0.15 * second + 0.85 * 9])


def test_what_the_steps_say_of_the_weights_does_not_change_with_later_ones():
    elsewhere = replace(problem(ERROR), parts=lambda f: None)
    first, *_, last = list(descend(elsewhere, FEW))
    assert any(not first.weights[name].equal(last.weights[name]) for name in first.weights)
    assert not next(descend(problem(ERROR), FEW)).weights, (
        "they are kept only where f goes elsewhere"
    )
