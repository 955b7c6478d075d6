import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from helpers import filled, photograph, tiny

from deep_image_prior import (
    BadInput,
    Settings,
    anywhere,
    codes,
    denoise,
    denoisers,
    descend,
    fit,
    memory,
    tasks,
    upscale,
    windows,
)
from deep_image_prior.alignment import Alignment
from deep_image_prior.anywhere import fit_anywhere
from deep_image_prior.checkpoint import open_checkpoint
from deep_image_prior.degradations import (
    Compression,
    CorrelatedNoise,
    Downsampling,
    Noise,
    estimate_correlated,
    marked,
)
from deep_image_prior.denoisers import pyramid
from deep_image_prior.descent import Part, Problem
from deep_image_prior.energies import squared_error
from deep_image_prior.ensemble import Ensemble
from deep_image_prior.memory import Memory
from deep_image_prior.metrics import psnr
from deep_image_prior.networks import Refiner
from deep_image_prior.objectives import Guided, Observed, Residual, Sure
from deep_image_prior.operators import identity
from deep_image_prior.phases import Phase, silence
from deep_image_prior.tasks import Damage

pytestmark = pytest.mark.long

SIGMA = 25 / 255
SETTINGS = Settings(
    steps=6, learning_rate=0.002, jitter=0, turns=8, shifts=4, averaging=0.98, window=48
)
# as small as can be: of three tiles of 120 pixels, the first of which does not see the last;
# and of more pixels than `small_panels` lets be fitted whole
WIDE, LARGE = (64, 310), (72, 150)


def noisy(height, width, repeat=1):
    clean = torch.from_numpy(photograph(160)).float().permute(2, 0, 1)[None].repeat(1, 1, 1, repeat)
    clean = clean[..., :height, :width]
    generator = torch.Generator().manual_seed(1)
    return clean, clean + SIGMA * torch.randn(clean.shape, generator=generator)


def pose(x0, panels, estimates=2):
    noise = Noise(SIGMA, clipped=False)
    observed = Observed(x0, squared_error(x0, identity), noise, panels=panels)
    return Sure(estimates=estimates, probed=0).problem(Refiner, observed)


def posed_on_one(x0, panels):
    """With a single estimate, and a quick one: for tests of what is made of it."""
    return pose(x0, panels, estimates=1)


def plain(x0, panels):
    """What cannot be posed on parts."""
    observed = Observed(x0, squared_error(x0, identity))
    return Residual(codes.noise).problem(tiny, observed)


def fitted(x0, pose=pose, settings=SETTINGS):
    """A problem on a sheet of x0, and the runs of its descent."""
    problem, runs = pose(windows.sheet(x0, 64), windows.PANELS), []

    def draw(done, checkpoint, uncertain):
        runs.extend(done)
        return lambda tell: (x0, None)

    fit(problem, settings, draw=draw)
    return problem, runs


def planned(pose=pose, settings=SETTINGS, panel=64, tiled=True, channels=3):
    how = {"pose": pose, "settings": settings, "panel": panel, "tiled": tiled}
    return anywhere.Plan(**how, rule=lambda problem: None, channels=channels)


def applied(problem, runs, settings, x0, side, channels, **options):
    plan = planned(settings=settings, channels=channels)
    return anywhere.Applied(plan, problem, runs, x0, side, **options)(silence)


@pytest.fixture
def small_panels(monkeypatch):
    monkeypatch.setattr(anywhere, "LARGEST", 100 * 100)


@pytest.mark.parametrize(("channels", "tall"), [(3, False), (1, True)])
def test_the_size_of_the_tiles_changes_nothing(small_panels, channels, tall):
    _, x0 = noisy(*WIDE, repeat=2)
    x0 = x0[:, :channels].mT if tall else x0[:, :channels]
    problem, runs = fitted(x0, partial(pose, estimates=3))
    how = (problem, runs, SETTINGS, x0)
    how_else = {"channels": channels, "tried": windows.panels(x0, 64)}
    whole, variance = applied(*how, side=480, **how_else)
    tiled, another = applied(*how, side=120, **how_else)
    assert whole.shape == x0.shape
    assert (whole - tiled).abs().max() < 1e-4
    assert variance.shape == (1, 1, *x0.shape[-2:])
    torch.testing.assert_close(variance, another, rtol=0.01, atol=1e-9)
    alone, _ = applied(replace(problem, margin=16), runs, SETTINGS, x0, 120, channels)
    assert not torch.allclose(whole, alone, atol=1e-3), "the margin counts"


def restored(
    pose, x0, panel=64, settings=SETTINGS, tiled=True, limit=2**40, watch=None, tell=silence
):
    plan = planned(pose, settings, panel, tiled, x0.shape[1])
    return fit_anywhere(plan, x0, Memory(torch.device("cpu"), limit), watch, tell)


def test_a_large_picture_is_fitted_on_a_sheet_of_it(small_panels):
    clean, x0 = noisy(120, 150)
    shapes = []

    def posed(image, panels):
        shapes.append((tuple(image.shape), panels))
        return pose(image, panels)

    done = restored(posed, x0)
    assert shapes == [((1, 3, 64, 4 * 64), 4)]
    assert done.image.shape == x0.shape
    assert (done.image - clean).square().mean() < 0.35 * (x0 - clean).square().mean()
    restored(posed, x0[..., :90, :90])
    assert shapes[-1] == ((1, 3, 90, 90), 1)


def test_what_cannot_be_applied_elsewhere_is_fitted_whole(small_panels):
    _, x0 = noisy(120, 150)
    panels = []

    def posed(image, count):
        panels.append(count)
        return Residual(codes.noise).problem(
            Refiner, Observed(image, squared_error(image, identity))
        )

    whole = Settings(steps=1)
    done = restored(posed, x0, panel=0, settings=whole)
    assert panels == [1]
    assert done.image.shape == x0.shape


def test_a_sheet_has_parts_from_all_of_the_picture(small_panels):
    ramp = torch.linspace(0, 1, 400).expand(1, 1, 80, 400)
    for image in (ramp, ramp.mT):
        parts = windows.sheet(image, 64)
        assert parts.shape == (1, 1, 64, 4 * 64)
        means = [part.mean().item() for part in parts.chunk(4, dim=-1)]
        assert means == sorted(means)
        assert means[0] < 0.3
        assert means[-1] > 0.7
    assert windows.sheet(ramp, 64).equal(windows.sheet(ramp, 64)), "the same every time"


def test_a_small_picture_in_windows_is_drawn_whole():
    clean, x0 = noisy(70, 90)
    done = fit(pose(x0, 1), SETTINGS)
    assert done.image.shape == x0.shape
    assert (done.image - clean).square().mean() < 0.35 * (x0 - clean).square().mean()
    steps = list(descend(pose(x0, 1), SETTINGS))
    assert {step.image.shape[-2:] for step in steps} == {(48, 48)}
    assert len({str(step.window) for step in steps}) > 1
    again = fit(pose(x0, 1), SETTINGS)
    assert again.image.equal(done.image), "the same seed, the same bits"


def test_tiles_are_larger_where_cores_do_not_share_them():
    exact = pose(noisy(64, 64)[1], 1)
    on_cpu, elsewhere = (anywhere._sides(exact, torch.device(name)) for name in ("cpu", "cuda"))
    assert max(elsewhere) > max(on_cpu)
    assert all(side % denoisers.TILE_GRID == 0 for side in elsewhere)
    assert list(elsewhere) == sorted(elsewhere, reverse=True)
    fixed = anywhere._sides(replace(exact, exact=False), torch.device("cuda"))
    assert fixed == anywhere.FIXED


def test_the_estimates_do_not_see_across_panels():
    _, x0 = noisy(64, 64)
    two = pose(torch.cat([x0, x0.flip(-1)], dim=-1), 2).code(torch.Generator())
    alone = pose(x0, 1)
    images = alone.code(torch.Generator()).shape[1]
    # all images but the mix, whose shares are those of both panels
    assert two[0, 3:, :, :64].shape == (images - 3, 64, 64)
    assert torch.allclose(two[0, 3:, :, :64], alone.code(torch.Generator())[0, 3:], atol=1e-6)


def test_a_window_is_refused_where_the_energy_is_of_the_whole():
    _, x0 = noisy(64, 64)
    observed = Observed(x0, squared_error(x0, identity))
    problem = Residual(codes.noise).problem(Refiner, observed)
    with pytest.raises(BadInput, match="a window has no use here"):
        list(descend(problem, Settings(steps=1, window=32)))


def test_parts_are_finished_by_what_the_whole_sheet_says(small_panels):
    """The recipe of the parts is asked once, with f as it was fitted on the sheet."""
    _, x0 = noisy(110, 130)
    base = pose(windows.sheet(x0, 64), windows.PANELS)
    drawn = []

    def parts(f):
        drawn.append(f(base.code(torch.Generator())[:1]))
        return lambda image, place: Part(
            base.code(torch.Generator())[:1, :, :1, :1].expand(-1, -1, *image.shape[-2:]),
            lambda f: torch.full_like(f, 0.25),
        )

    problem = Problem(base.network, base.code, base.energy, panels=windows.PANELS, parts=parts)
    runs = fitted(x0, lambda *_: problem)[1]
    image, variance = applied(problem, runs, SETTINGS, x0, 120, 3)
    assert variance is None
    assert len(drawn) == 1
    assert drawn[0].shape == (1, 3, 64, 4 * 64)
    assert image.eq(0.25).all()


def test_a_step_sees_one_panel_of_a_sheet(small_panels):
    _, x0 = noisy(120, 150)
    whole_panels = replace(SETTINGS, window=64)
    steps = list(descend(pose(windows.sheet(x0, 64), windows.PANELS), whole_panels))
    assert {step.image.shape[-2:] for step in steps} == {(64, 64)}
    assert len({step.window.parts[0].columns.start for step in steps}) > 1


def test_f_is_the_same_from_any_row_and_column_on_and_draws_all_of_it(small_panels):
    _, x0 = noisy(130, 150)
    problem, runs = fitted(x0, posed_on_one)
    z = problem.code(torch.Generator())
    f = Ensemble(problem, [each.weights for each in runs], z, turns=2, shifts=4)
    code = problem.parts(f)(x0, (0, 0)).code
    whole = f(code)
    part = f(code[..., 41:, 50:], (41, 50))
    far = (..., slice(48, None), slice(48, None))
    torch.testing.assert_close(part[far], whole[..., 41:, 50:][far], atol=1e-5, rtol=0)
    # the first rows and columns have other neighbours, and are drawn all the same
    apart = (part - whole[..., 41:, 50:]).square()
    assert apart[..., :8, :].mean().sqrt() < 0.05
    assert apart[..., :8].mean().sqrt() < 0.05
    moved = f(code[..., 41:, 50:], (40, 50))
    assert (moved - part)[far].abs().max() > 1e-4, "cells of the coarse scale lie elsewhere"


def test_large_pictures_with_correlated_noise_are_the_estimate(small_panels, monkeypatch):
    """What f learns of panels does not hold elsewhere: it must not spoil the estimate."""
    clean, x0 = noisy(*WIDE, repeat=2)
    blurred = clean + 1.5 * torch.nn.functional.avg_pool2d(x0 - clean, 3, 1, 1)
    found = Damage(noise=estimate_correlated(blurred, False))
    monkeypatch.setattr(anywhere, "LARGEST", 64 * 310)
    presets = tasks.Denoise().presets(found, blurred.shape[-2:])
    assert isinstance(presets["fast"].objective, Guided), "small ones are fitted whole"
    monkeypatch.setattr(anywhere, "LARGEST", 100 * 100)
    monkeypatch.setattr(anywhere, "FIXED", (120,))
    images, phases = [], []
    picture = blurred[0].numpy()
    for options in ({}, {"memory": 2**26}):
        result = denoise(
            picture, channel_axis=0, noise="correlated", steps=5, tell=phases.append, **options
        )
        assert phases[-1] == Phase("applying", 3, 3)
        error = torch.from_numpy(result.image) - clean[0]
        assert error.square().mean() < 0.4 * (blurred - clean).square().mean()
        assert result.confidence in (None, "low"), "nothing says how good it is"
        images.append(result.image)
    assert np.array_equal(*images), "memory does not choose the tiles"


KINDS = {
    "holes": lambda x0, panels: filled("text").build(x0, TEXT["fast"], Damage(), panels),
    "scattered": lambda x0, panels: filled("random").build(x0, TEXT["fast"], Damage(), panels),
    "jpeg": lambda x0, panels: tasks.Dejpeg().build(
        x0, JPEG, Damage(compression=Compression(20, 3, 5)), panels
    ),
    "white": lambda x0, panels: tasks.Denoise().build(
        x0, WHITE, Damage(noise=Noise(SIGMA)), panels
    ),
    "correlated": lambda x0, panels: tasks.Denoise().build(x0, GRAIN, Damage(noise=LONG), panels),
    "flash": lambda x0, panels: FLASH.build(x0, WHITE, paired(Noise(SIGMA)), panels),
    "flash, correlated": lambda x0, panels: FLASH.build(x0, GRAIN, paired(LONG), panels),
}
FLASH = tasks.Flash(np.ones((3, 2, 2)), channel_axis=0)
TEXT, JPEG = tasks.inpaint.refined(False), tasks.dejpeg.presets()["fast"]
GRAIN = tasks.denoise.large_correlated()["fast"]
# drawn once
WHITE = replace(tasks.denoise.large_white()["fast"], objective=Sure(probed=0))
LONG = CorrelatedNoise(
    0.02 * torch.exp(-((4 * torch.pi * torch.fft.fftfreq(64)) ** 2)).expand(3, 64, 64),
    torch.tensor([0.0, 1.0]),
    torch.ones(2),
)


def paired(noise):
    return Damage(noise=noise, alignment=Alignment())


@pytest.mark.parametrize("kind", KINDS)
def test_the_size_of_the_tiles_changes_nothing_whatever_the_damage(
    small_panels, quick_fills, monkeypatch, kind
):
    monkeypatch.setattr(pyramid, "SMALLEST", 16)  # three scales of so few rows
    clean, x0 = noisy(*WIDE, repeat=2)
    if "correlated" in kind:
        x0 = clean + LONG.draw(clean, 1, torch.Generator().manual_seed(2))
    elif kind == "jpeg":
        x0 = Compression(20, 3, 5).compress(clean)
    elif kind in ("holes", "scattered"):
        known = torch.rand(x0[:, :1].shape, generator=torch.Generator().manual_seed(2)) > 0.4
        x0 = marked(clean, known.float())
    settings = GRAIN.settings if "correlated" in kind else SETTINGS
    if "flash" in kind:
        x0 = torch.cat([x0, 1 - clean.square()], dim=1)
    problem, runs = fitted(x0, KINDS[kind], settings)
    tried = windows.panels(x0, 64)
    how = (problem, runs, settings, x0)
    whole, variance = applied(*how, side=480, channels=3, tried=tried)
    tiled, another = applied(*how, side=120, channels=3, tried=tried)
    # the last estimates and the coarsest scale see beyond the margin, and patches of a group may
    # change
    apart = (whole - tiled).abs()
    assert apart.max() < (4e-3 if not problem.exact else 2e-3 if kind == "white" else 1e-4)
    if problem.exact:
        assert (apart > 1e-4).float().mean() < 0.01
    near = 0.02 if problem.exact else 0.05
    assert (variance.sqrt() - another.sqrt()).abs().max() < near * variance.sqrt().max()
    before = x0[:, :3].nan_to_num(0.5) - clean
    assert (whole - clean).square().mean() < before.square().mean()


def test_white_noise_of_a_large_picture_is_estimated_as_that_of_a_small_one():
    small, large = tasks.denoise.white(), tasks.denoise.large_white()
    assert large["fast"] == small["fast"]
    assert large["best"].objective == replace(
        small["best"].objective, estimates=small["fast"].objective.estimates
    )


def test_what_is_too_large_for_memory_is_fitted_in_tiles_that_blend(monkeypatch):
    monkeypatch.setattr(anywhere, "FITTED", (96, 64))
    monkeypatch.setattr(anywhere, "SHARED", 32)
    _, x0 = noisy(110, 130)
    shapes, phases = [], []

    def posed(image, panels):
        shapes.append(tuple(image.shape[-2:]))
        return plain(image, panels)

    few = Settings(steps=2)
    needed = needed_for(plain(x0[..., :64, :64], 1), few)
    how = {"watch": lambda step: None, "tell": phases.append}
    done = restored(posed, x0, 0, few, limit=needed, **how)
    count = 4 * 5  # 110 x 130 pixels by 32 x 32
    assert done.image.shape == x0.shape
    assert len(set(shapes[-count:])) > 1
    assert max(map(max, shapes[-count:])) <= 64
    assert phases == [Phase("learning", total=count)]
    assert len(done.steps) == len(done.chosen) == count
    assert len(done.history) == 2 * count
    with pytest.raises(BadInput, match="pixels need about"):
        restored(posed, x0, 0, few, limit=needed - 1)
    with pytest.raises(BadInput, match="pixels need about"):
        restored(posed, x0, 0, few, tiled=False, limit=needed)


def test_an_interrupt_among_tiles_is_not_taken_for_a_result(monkeypatch):
    monkeypatch.setattr(anywhere, "FITTED", (64,))
    monkeypatch.setattr(anywhere, "SHARED", 32)
    _, x0 = noisy(110, 130)
    few = Settings(steps=2)

    def watch(step):
        if step.index == 2:
            raise KeyboardInterrupt

    needed = needed_for(plain(x0[..., :64, :64], 1), few)
    with pytest.raises(KeyboardInterrupt):
        restored(plain, x0, 0, few, limit=needed, watch=watch)


def needed_for(problem, settings):
    *batch, height, width = problem.shape
    return memory.needed(problem.network, (*batch, height, width))


def test_applying_is_told(small_panels):
    _, x0 = noisy(*LARGE)
    phases = []
    restored(posed_on_one, x0, tell=phases.append)
    assert phases[:2] == [Phase("estimates"), Phase("applying", 0, 1)]
    assert phases[-1] == Phase("applying", 1, 1)


def test_a_tile_without_holes_stays_as_it_is(small_panels, quick_fills):
    _, x0 = noisy(*WIDE, repeat=2)
    known = torch.ones(1, 1, *WIDE)
    known[..., 20:60:4, 20:60] = 0
    problem, runs = fitted(marked(x0, known), KINDS["holes"])
    alone = replace(problem, margin=0)
    tried = windows.panels(marked(x0, known), 64)
    x, variance = applied(alone, runs, SETTINGS, marked(x0, known), 120, 3, tried=tried)
    assert variance.gt(0).equal(known == 0)
    assert x[..., 120:].equal(x0[..., 120:])
    assert not x[..., :120, :120].isnan().any()
    assert not x[..., :120, :120].equal(x0[..., :120, :120])


def interrupting(times, phases, at="applying"):
    """Ctrl-C at the first tile that is drawn, and at those after it."""

    def tell(phase):
        phases.append(phase)
        if phase.name.startswith(at) and phase.done and interruptions:
            interruptions.pop()
            raise KeyboardInterrupt

    interruptions = [None] * times
    return tell


@pytest.fixture(params=[1, 2])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("at_a_time", [1, 2])
def test_as_many_tiles_at_a_time_as_memory_holds(small_panels, monkeypatch, at_a_time):
    monkeypatch.setattr(Memory, "tiling", lambda *_: (120, at_a_time))
    _, x0 = noisy(*WIDE, repeat=2)
    drawn, begun, most = anywhere.Applied._restored, [], []

    def counted(self, tile):
        begun.append(tile)
        most.append(len(begun))
        time.sleep(0.1)
        image = drawn(self, tile)
        begun.remove(tile)
        return image

    monkeypatch.setattr(anywhere.Applied, "_restored", counted)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    restored(posed_on_one, x0)
    torch.set_num_threads(before)
    assert max(most) == at_a_time


def test_ctrl_c_while_tiles_are_drawn_lets_them_be_drawn(small_panels, monkeypatch, threads):
    monkeypatch.setattr(anywhere, "TILES", (120,))
    _, x0 = noisy(*WIDE, repeat=2)
    how = {"settings": replace(SETTINGS, steps=1)}
    phases: list[Phase] = []
    done = restored(posed_on_one, x0, tell=interrupting(1, phases), **how)
    assert torch.get_num_threads() == threads
    assert done.interrupted
    assert done.complete
    assert done.stopped == "budget: 1 step; interrupted after the last step"
    assert phases[-1].name == "applying what was learned"
    assert phases[-1].done == phases[-1].total > 2
    again = [phase.done for phase in phases if phase.name == "applying what was learned"]
    assert again[0] > 0, "what was drawn is not drawn again"
    plain = restored(posed_on_one, x0, **how)
    assert done.image.equal(plain.image)
    assert done.variance.equal(plain.variance)


def test_ctrl_c_once_more_ends_it(small_panels, threads):
    _, x0 = noisy(*LARGE)
    with pytest.raises(KeyboardInterrupt):
        restored(posed_on_one, x0, settings=replace(SETTINGS, steps=1), tell=interrupting(2, []))
    assert torch.get_num_threads() == threads


def test_ctrl_c_before_the_first_tile_does_not_lose_the_steps(small_panels, monkeypatch):
    _, x0 = noisy(*LARGE)
    applied, interruptions = anywhere.Applied, [None]

    def interrupted(*how):
        if interruptions:
            interruptions.pop()
            raise KeyboardInterrupt
        return applied(*how)

    monkeypatch.setattr(anywhere, "Applied", interrupted)
    done = restored(posed_on_one, x0, settings=replace(SETTINGS, steps=1))
    assert done.interrupted
    assert not done.image.isnan().any()


def test_ctrl_c_while_what_was_learned_is_applied_ends_it(small_panels):
    _, x0 = noisy(*LARGE)

    def watch(step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restored(posed_on_one, x0, watch=watch, tell=interrupting(1, []))


def test_what_was_learned_until_ctrl_c_is_applied(small_panels):
    clean, x0 = noisy(*LARGE)
    phases = []

    def watch(step):
        if step.index == 3:
            raise KeyboardInterrupt

    done = restored(pose, x0, watch=watch, tell=phases.append)
    assert done.interrupted
    assert not done.complete
    assert phases[-1] == Phase("applying what was learned", 1, 1)
    assert (done.image - clean).square().mean() < 0.35 * (x0 - clean).square().mean()


def test_what_steps_would_restore_is_what_the_last_restores(small_panels):
    _, x0 = noisy(*LARGE)
    seen = []
    settings = replace(SETTINGS, steps=4)
    how = {"settings": settings, "watch": lambda step: seen.append(step.restored())}
    done = restored(posed_on_one, x0, **how)
    assert len(seen) == 4
    assert seen[-1].equal(done.image)
    assert not seen[0].equal(done.image)


def test_tiles_of_one_run_are_not_kept_for_two(small_panels, tmp_path):
    _, x0 = noisy(*LARGE)
    settings = replace(SETTINGS, steps=3, runs=2)
    steps = []

    def interrupt(step):
        steps.append(step)
        if len(steps) == 5:
            raise KeyboardInterrupt

    def made(watch, folder):
        memory = Memory(torch.device("cpu"), 2**40)
        keep = open_checkpoint(folder, {"job": "one"})
        return fit_anywhere(planned(posed_on_one, settings), x0, memory, watch, silence, keep)

    assert made(interrupt, tmp_path / "a").interrupted
    assert made(None, tmp_path / "a").image.equal(made(None, tmp_path / "b").image)


def test_a_large_enlargement_is_made_in_tiles_that_memory_does_not_choose(monkeypatch):
    monkeypatch.setattr(anywhere, "LARGEST", 64 * 140)
    monkeypatch.setattr(anywhere, "FIXED", (96,))
    clean, _ = noisy(64, 144)
    clean = clean[:, :1]
    pixels = Downsampling(4).shrink(clean)[0, 0].numpy()
    options = {"steps": 10}
    phases: list[Phase] = []
    tiled = upscale(pixels, 4, tell=phases.append, **options).image
    assert phases[-1] == Phase("applying", 2, 2)
    assert np.array_equal(upscale(pixels, 4, memory=2**28, **options).image, tiled)
    monkeypatch.setattr(anywhere, "FIXED", (720,))
    whole = upscale(pixels, 4, **options).image
    assert whole.shape == clean.shape[2:]
    assert psnr(clean[0, 0].numpy(), whole, 1) > psnr(
        clean[0, 0].numpy(), pixels.repeat(4, 0).repeat(4, 1), 1
    )
    apart = tiled - whole
    assert np.sqrt(np.square(apart).mean()) < 2 / 255
    step = np.abs(apart[..., 120] - apart[..., 119])  # where two tiles meet
    assert 0 < step.mean() < 1 / 255
