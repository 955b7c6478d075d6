import numpy as np
import pytest
import torch
from helpers import count, filled

from deep_image_prior import codes, tasks
from deep_image_prior.alignment import Alignment
from deep_image_prior.degradations import Blurring, Compression, Noise, kernels, marked, recognise
from deep_image_prior.networks import Hourglass
from deep_image_prior.tasks import Damage

IMAGE = torch.rand(1, 3, 12, 10, generator=torch.Generator().manual_seed(0))
LARGER = torch.rand(1, 3, 20, 20, generator=torch.Generator().manual_seed(0))
MASK = torch.ones(1, 1, 12, 10)
MASK[..., 3:6, 2:7] = 0
HOLED = marked(IMAGE, MASK)


def drawn(problem):
    """z, and f(z): an image, and what the energy needs besides."""
    z = problem.code(torch.Generator().manual_seed(0))
    assert tuple(z.shape) == problem.shape
    return z, problem.network()(z)


BLOCKY = Compression(20)
SMALL = Noise(2 / 255)
BLURRED = Damage(noise=SMALL, blur=Blurring(kernels.named("motion:3@0"), SMALL))
PAIR = torch.cat([IMAGE[:, :1], IMAGE], dim=1)
PAIRED = Damage(noise=SMALL, alignment=Alignment())
FLASH = tasks.Flash(np.ones((3, 12, 10)), channel_axis=0)
HOLES = {
    "text": tasks.inpaint.refined(False),
    "random": tasks.inpaint.refined(True),
    "large": tasks.inpaint.regions(),
}


def rows(preset: str):
    """Every row of the task table with one preset: (name, problem, shape of x)."""
    same = IMAGE.shape
    yield (
        "denoise",
        tasks.Denoise().build(IMAGE, tasks.denoise.white()[preset], Damage(noise=recognise(IMAGE))),
        same,
    )
    yield (
        "deblur",
        tasks.Deblur("motion:3@0").build(LARGER, tasks.deblur.presets()[preset], BLURRED),
        (1, 3, 20, 22),
    )
    yield (
        "dejpeg",
        tasks.Dejpeg().build(IMAGE, tasks.dejpeg.presets()[preset], Damage(compression=BLOCKY)),
        same,
    )
    enhance, found = tasks.Enhance(preset=preset), Damage(noise=recognise(IMAGE))
    yield (
        "enhance",
        enhance.build(IMAGE, enhance.presets(found, (12, 10))[preset], found),
        same,
    )
    yield (
        "flash",
        FLASH.build(PAIR, FLASH.presets(PAIRED, (12, 10))[preset], PAIRED),
        (1, 1, 12, 10),
    )
    for holes, presets in HOLES.items():
        yield holes, filled(holes).build(HOLED, presets[preset], Damage()), same
    for factor in tasks.upscale.FACTORS:
        shape = (1, 3, 12 * factor, 10 * factor)
        yield (
            f"x{factor}",
            tasks.Upscale(factor).build(IMAGE, tasks.upscale.presets(factor, 2)[preset], Damage()),
            shape,
        )


@pytest.mark.parametrize("preset", ["paper", "fast", "best"])
def test_every_row_draws_an_image_of_its_size_with_a_finite_energy(quick_fills, preset):
    for name, problem, shape in rows(preset):
        _, x = drawn(problem)
        sides = problem.shape[2:] if problem.whole else shape[2:]
        halved = name == "large" and preset == "best"
        assert (problem.finish(x) if halved else x).shape[1:] == (shape[1], *sides), name
        assert torch.isfinite(problem.energy(x)), name


def test_the_paper_settings_of_section_4():
    paper = {
        "denoise": tasks.denoise.white()["paper"].settings,
        "dejpeg": tasks.dejpeg.presets()["paper"].settings,
        "x4": tasks.upscale.presets(4)["paper"].settings,
        "x8": tasks.upscale.presets(8)["paper"].settings,
        **{holes: presets["paper"].settings for holes, presets in HOLES.items()},
        "enhance": tasks.enhance.paper().settings,
        "deblur": tasks.deblur.presets()["paper"].settings,
    }
    steps = {
        "denoise": 1800,
        "dejpeg": 2400,
        "x4": 2000,
        "x8": 4000,
        "text": 6000,
        "random": 11000,
        "large": 5000,
    }
    assert {name: paper[name].steps for name in steps} == steps
    assert paper["random"].learning_rate == 0.001
    assert all(paper[name].learning_rate == 0.01 for name in paper if name != "random")
    assert paper["x8"].jitter == 1 / 20
    assert paper["enhance"].jitter == 0
    assert all(paper[name].jitter == 1 / 30 for name in paper if name not in ("x8", "enhance"))
    assert all(settings.averaging == 0.99 for settings in paper.values())


def test_best_takes_as_much_time_as_was_measured():
    best = {
        "dejpeg": tasks.dejpeg.presets()["best"].settings,
        "x4": tasks.upscale.presets(4)["best"].settings,
        "deblur": tasks.deblur.presets()["best"].settings,
        **{holes: presets["best"].settings for holes, presets in HOLES.items()},
    }
    assert {name: (each.steps, each.runs) for name, each in best.items()} == {
        "dejpeg": (200, 2),
        "x4": (600, 2),
        "deblur": (400, 2),
        "text": (300, 2),
        "random": (300, 2),
        "large": (250, 1),
    }


def test_the_paper_codes():
    for name, problem, _ in rows("paper"):
        z, _ = drawn(problem)
        if name == "large":
            assert torch.equal(z, codes.meshgrid(IMAGE, torch.Generator()))
        elif name == "flash":
            assert torch.equal(z, IMAGE)
        else:
            assert z.shape[1] == (3 if name == "dejpeg" else 32)
            assert 0 <= z.min() <= z.max() <= 0.1


@pytest.mark.parametrize(
    ("preset", "inputs", "parameters"),
    [
        (tasks.denoise.white()["paper"], 32, 2_217_831),
        (tasks.upscale.presets(4)["paper"], 32, 2_217_831),
        (tasks.dejpeg.presets()["paper"], 3, 572_827),
        (tasks.inpaint.regions()["paper"], 2, 2_157_955),
        (tasks.flash.paper(), 3, 2_184_307),
    ],
)
def test_the_paper_networks_have_their_golden_counts(preset, inputs, parameters):
    assert count(preset.network(inputs, 3)) == parameters


def test_large_holes_have_no_skips():
    for name in ("best", "paper"):
        network = tasks.inpaint.regions()[name].network(2, 3)
        assert isinstance(network, Hourglass)
        assert all(getattr(module, "skip", None) is None for module in network.modules())


def test_energies_are_zero_at_the_answer():
    zero = {name: problem.energy for name, problem, _ in rows("paper")}
    assert zero["denoise"](IMAGE) == zero["dejpeg"](IMAGE) == zero["enhance"](IMAGE) == 0
    for holes in HOLES:
        assert zero[holes](torch.where(MASK.bool(), IMAGE, 0.123)) == 0
        assert zero[holes](IMAGE + 0.5 * MASK).item() == pytest.approx(0.25)
    constant = torch.full((1, 3, 12, 10), 0.4)
    energy = tasks.Upscale(4).build(constant, tasks.upscale.presets(4)["paper"], Damage()).energy
    assert energy(torch.full((1, 3, 48, 40), 0.4)).item() == pytest.approx(0, abs=1e-10)


def test_inpainting_never_looks_at_missing_pixels():
    spoiled = marked(torch.where(MASK.bool(), IMAGE, 0.99), MASK)
    for holes, presets in HOLES.items():
        for preset in (presets["fast"], presets["paper"]):
            one, other = (filled(holes).build(x, preset, Damage()) for x in (HOLED, spoiled))
            z, x = drawn(one)
            assert torch.equal(z, drawn(other)[0])
            assert one.energy(x) == other.energy(x)


@pytest.mark.parametrize("scattered", [True, False])
def test_next_to_nothing_known_is_finite(scattered):
    known = torch.zeros_like(MASK)
    known[..., 4, 4:6] = 1
    preset = tasks.inpaint.refined(False)["fast"]
    problem = filled("random" if scattered else "text").build(
        marked(IMAGE, known), preset, Damage()
    )
    _, x = drawn(problem)
    assert torch.isfinite(x).all()
    assert torch.isfinite(problem.energy(x))


def test_the_paper_boosts_what_its_coarse_fit_lacks_by_hand():
    x0, coarse = torch.tensor([0.5, 0.9]), torch.tensor([0.4, 0.6])
    finished = tasks.Enhance(preset="paper", boost=2).finish(coarse, x0, x0, Damage())
    torch.testing.assert_close(finished.image, torch.tensor([0.7, 1.0]))
    torch.testing.assert_close(finished.parts["detail"], torch.tensor([0.6, 0.8]))
    torch.testing.assert_close(x0, torch.tensor([0.5, 0.9]))
