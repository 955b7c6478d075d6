import pytest
import torch
from helpers import photograph, tensor

from deep_image_prior import BadInput, Settings, codes, fit
from deep_image_prior.degradations import Downsampling
from deep_image_prior.descent import Part
from deep_image_prior.energies import squared_error
from deep_image_prior.networks import Hourglass, Refiner
from deep_image_prior.objectives import AcrossScales, Observed, Preset, Residual
from deep_image_prior.objectives.across_scales import PANELS, AcrossPair
from deep_image_prior.objectives.estimates import of_downsampling, refined, smooth
from deep_image_prior.operators import Downsample

CLEAN = tensor(photograph(96))
QUICK = (20 / 255, 8 / 255)


def pair(x0, factor=2, panels=1):
    return AcrossPair(x0, Downsampling(factor), QUICK, panels)


def error(x, truth):
    return (x - truth).square().mean().item()


def test_the_energy_is_the_error_on_the_observation_shrunk_on_four_grids():
    x0 = CLEAN[..., :31, :26]
    made = pair(x0)
    assert made.panels == PANELS
    assert made.truth.shape == (1, 3, 30, 4 * 24)
    one, *others = made.truth.chunk(PANELS, dim=-1)
    assert torch.equal(one, x0[..., :30, :24])
    assert [torch.equal(other, one) for other in others] == [False] * 3
    assert torch.equal(others[-1], x0[..., 1:31, 1:25])
    assert made.energy(made.truth) == 0
    assert made.energy(made.truth + 0.5).item() == pytest.approx(0.25)
    shrunk = Downsampling(2).shrink(one)
    estimates = of_downsampling(Downsampling(2), shrunk, QUICK)
    assert torch.equal(made.code(torch.Generator())[..., :24], estimates)


def test_panels_are_kept_apart():
    x0 = torch.cat([CLEAN[..., :24, :24], CLEAN[..., 30:54, 30:54]], dim=-1)
    made = pair(x0, panels=2)
    assert made.panels == 2
    assert made.truth.shape == (1, 3, 22, 2 * 22)
    alone = pair(x0[..., :24])
    assert torch.equal(
        alone.code(torch.Generator())[..., :22], made.code(torch.Generator())[..., :22]
    )


@pytest.mark.parametrize(
    ("factor", "sides"), [(2, [32]), (3, [48]), (4, [32, 64]), (8, [32, 64, 128])]
)
def test_an_enlargement_by_a_power_of_two_is_doubled_several_times(factor, sides):
    part: Part | None = pair(CLEAN[..., :16, :16], factor).part(CLEAN[..., :16, :16], (3, 5))
    seen = []
    while part is not None:
        seen.append(part.code.shape[-1])
        assert part.place == (3 * seen[-1] // 16, 5 * seen[-1] // 16)
        x = part.finish(part.code[:, :3])
        assert x.shape == part.code[:, :3].shape
        part = part.again(x)
    assert seen == sides


@pytest.mark.parametrize("factor", [2, 3, 8])
@pytest.mark.parametrize("side", [8, 9])
def test_the_smallest_pictures_are_enlarged(factor, side):
    x0 = CLEAN[..., :side, :side]
    done = fit(problem(x0, factor), Settings(steps=1))
    assert done.image.shape == (1, 3, factor * side, factor * side)
    assert torch.isfinite(done.image).all()
    with pytest.raises(BadInput, match="7 x 8 pixels are too few to learn from"):
        problem(x0[..., :8, :7], factor)


def problem(x0, factor):
    energy = squared_error(x0, Downsample(factor))
    guide = Downsampling(factor).enlarge(x0)
    observed = Observed(x0, energy, Downsampling(factor), guide)
    return AcrossScales(QUICK).problem(Refiner, observed)


def test_the_first_estimate_is_the_best():
    x0 = Downsampling(2).shrink(CLEAN)
    bicubic = Downsampling(2).enlarge(x0)
    least = smooth(Downsampling(2), x0)
    best = refined(least, x0, Downsampling(2), QUICK)
    assert error(best, CLEAN) < 0.9 * min(error(least, CLEAN), error(bicubic, CLEAN))
    one, two, three = of_downsampling(Downsampling(2), x0, QUICK).chunk(3, dim=1)
    assert torch.equal(one, best)
    assert torch.equal(two, least)
    assert error(three, CLEAN) < error(bicubic, CLEAN)


def test_doublings_are_averaged_with_enlargements_at_once_by_large_and_small_patches():
    x0, seen = CLEAN[..., :16, :16], Downsampling(4)
    first = pair(x0, 4).part(x0)
    last = first.again(first.finish(first.code[:, :3]))
    drawn = last.code[:, :3]
    least = smooth(seen, x0)
    once = [refined(least, x0, seen, QUICK, larger) for larger in (1, 0)]
    assert error(*once) > 0
    mixed = torch.stack([seen.project(drawn, x0), *once]).mean(dim=0)
    assert torch.equal(last.finish(drawn), refined(mixed, x0, seen, QUICK[-2:]))


def test_patches_22_pixels_away_are_looked_at():
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    repeated = image.clone()
    repeated[..., 16:32, 44:54] = image[..., 16:32, 22:32]
    made = [
        refined(each, Downsampling(2).shrink(each), Downsampling(2), [0.2])[..., 23:25, 23:25]
        for each in (image, repeated)
    ]
    assert error(*made) > 1e-6


def test_what_is_learned_of_the_observation_enlarges_it():
    x0 = Downsampling(2).shrink(CLEAN)
    settings = Settings(steps=60, learning_rate=0.002, jitter=0, turns=8, shifts=4)
    made = problem(x0, 2)
    assert made.whole
    estimate = made.whole(torch.nn.Identity()).code[:, :3]
    image = fit(made, settings).image
    assert error(image, CLEAN) < error(estimate, CLEAN)
    assert error(Downsample(2)(image), x0) < 2 * error(Downsample(2)(estimate), x0) + 1e-5


@pytest.mark.parametrize(("factor", "deviation"), [(2, 1), (3, 1), (4, 1.7), (8, 2.2)])
def test_a_trial_is_one_step_up_to_x0(factor, deviation):
    made = pair(CLEAN[..., :48, :48], factor)
    trials, step = made.trials, made.step
    assert len(trials) == PANELS
    panels = made.truth.chunk(PANELS, dim=-1)
    for trial, truth in zip(trials, panels, strict=True):
        assert trial.part.code.shape[-2:] == truth.shape[-2:]
        torch.testing.assert_close(
            trial.error(truth + 0.1), torch.full_like(truth, (0.1 * deviation) ** 2)
        )
        assert trial.part.again(truth) is None
    done = trials[0].part.finish(trials[0].part.code[:, :3])
    expected = made._enlarged(step.shrink(panels[0]), step.shrink(panels[0]), step.factor)
    if factor == step.factor:
        assert torch.equal(done, expected.finish(expected.code[:, :3]))
    assert error(step.shrink(done), step.shrink(panels[0])) < 1e-3


def narrow(inputs, outputs):
    return Hourglass(inputs, outputs, down=(8,) * 2, up=(8,) * 2, skip=(2,) * 2)


COARSE = Preset(narrow, Residual(codes.noise), Settings(steps=4))


def with_coarse(x0, seed, panels=1):
    made = AcrossPair(x0, Downsampling(4), QUICK, panels, COARSE)
    made.code(torch.Generator().manual_seed(seed))
    return made


def last(made, x0):
    """What becomes of a gray image by the whole factor."""
    part = made.part(x0)
    part = part.again(part.finish(torch.full_like(part.code[:, :3], 0.5)))
    return part.finish(torch.full_like(part.code[:, :3], 0.5))


def test_a_coarse_fit_is_half_of_the_last_image_of_a_picture_alone():
    x0 = CLEAN[..., :16, :16].clone()
    one, other = (with_coarse(x0, seed) for seed in (1, 2))
    assert one.half.shape == (1, 3, 32, 32)
    assert torch.equal(one.half, other.half), "whichever run asks for it first"
    drawn = last(one, x0)
    other.half = other.half.flip(-1)
    assert not torch.equal(last(other, x0), drawn)
    # another picture is enlarged without
    without = last(pair(x0, 4), x0)
    assert not torch.equal(drawn, without)
    assert torch.equal(last(one, x0.clone()), without)
    assert with_coarse(torch.cat([x0, x0], dim=-1), 1, panels=2).half is None


def test_what_interrupts_a_coarse_fit_interrupts_all():
    steps = iter([False, True])

    class Interrupted(Hourglass):
        def forward(self, code):
            if next(steps):
                raise KeyboardInterrupt
            return super().forward(code)

    made = AcrossPair(
        CLEAN[..., :16, :16],
        Downsampling(4),
        QUICK,
        coarse=Preset(Interrupted, Residual(codes.noise), Settings(steps=4)),
    )
    with pytest.raises(KeyboardInterrupt):
        made.code(torch.Generator())
    assert made.half is None
