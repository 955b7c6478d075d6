from dataclasses import replace
from functools import partial

import pytest
import torch
from helpers import photograph

from deep_image_prior import BadInput, Settings, anywhere, codes, denoise, descend, fit, windows
from deep_image_prior.degradations import Noise
from deep_image_prior.descent import Part, Problem
from deep_image_prior.energies import squared_error
from deep_image_prior.networks import Refiner
from deep_image_prior.objectives import Observed, Residual, Sure
from deep_image_prior.operators import identity

SIGMA = 25 / 255
SETTINGS = Settings(
    steps=6, learning_rate=0.002, jitter=0, turns=8, shifts=4, averaging=0.98, window=48
)


def noisy(height, width, repeat=1):
    clean = torch.from_numpy(photograph(160)).float().permute(2, 0, 1)[None].repeat(1, 1, 1, repeat)
    clean = clean[..., :height, :width]
    generator = torch.Generator().manual_seed(1)
    return clean, clean + SIGMA * torch.randn(clean.shape, generator=generator)


def pose(x0, panels, estimates=2):
    noise = Noise(SIGMA, clipped=False)
    observed = Observed(x0, squared_error(x0, identity), noise, panels=panels)
    return Sure(estimates=estimates).problem(Refiner, observed)


def fitted(x0):
    problem = pose(windows.sheet(x0), windows.PANELS)
    return problem, fit(problem, SETTINGS)


@pytest.fixture
def small_panels(monkeypatch):
    monkeypatch.setattr(windows, "PANEL", 64)
    monkeypatch.setattr(anywhere, "LARGEST", 100 * 100)


def test_the_size_of_the_tiles_changes_nothing(small_panels):
    _, x0 = noisy(150, 310, repeat=2)
    problem, done = fitted(x0)
    apply = partial(anywhere.apply, problem, done, SETTINGS, x0)
    whole, tiled = apply(side=480), apply(side=120)
    assert whole.shape == x0.shape
    assert (whole - tiled).abs().max() < 1e-4
    assert not torch.allclose(whole, apply(side=120, margin=0), atol=1e-3), "the margin counts"


def test_a_large_picture_is_fitted_on_a_sheet_of_it(small_panels):
    clean, x0 = noisy(120, 150)
    shapes = []

    def posed(image, panels):
        shapes.append((tuple(image.shape), panels))
        return pose(image, panels)

    check, never = (lambda problem: None), (lambda problem: None)
    done = anywhere.fit_anywhere(posed, x0, True, SETTINGS, never, None, check)
    assert shapes == [((1, 3, 64, 4 * 64), 4)]
    assert done.image.shape == x0.shape
    assert (done.image - clean).square().mean() < 0.35 * (x0 - clean).square().mean()
    anywhere.fit_anywhere(posed, x0[..., :90, :90], True, SETTINGS, never, None, check)
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
    done = anywhere.fit_anywhere(posed, x0, False, whole, lambda p: None, None, lambda p: None)
    assert panels == [1]
    assert done.image.shape == x0.shape


def test_a_sheet_has_parts_from_all_of_the_picture(small_panels):
    ramp = torch.linspace(0, 1, 400).expand(1, 1, 80, 400)
    for image in (ramp, ramp.mT):
        parts = windows.sheet(image)
        assert parts.shape == (1, 1, 64, 4 * 64)
        means = [part.mean().item() for part in parts.chunk(4, dim=-1)]
        assert means == sorted(means)
        assert means[0] < 0.3
        assert means[-1] > 0.7
    assert windows.sheet(ramp).equal(windows.sheet(ramp)), "the same every time"


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
    """The recipe of the parts is asked once, with x as f draws it of the sheet."""
    _, x0 = noisy(110, 130)
    base = pose(windows.sheet(x0), windows.PANELS)
    drawn = []

    def parts(x):
        drawn.append(x)
        return lambda image: Part(
            base.code(torch.Generator())[:1, :, :1, :1].expand(-1, -1, *image.shape[-2:]),
            lambda f: torch.full_like(f, 0.25),
        )

    problem = Problem(base.network, base.code, base.energy, panels=windows.PANELS, parts=parts)
    done = fit(problem, SETTINGS)
    image = anywhere.apply(problem, done, SETTINGS, x0)
    assert len(drawn) == 1
    assert drawn[0].shape == (1, 3, 64, 4 * 64)
    assert image.eq(0.25).all()


def test_a_step_sees_one_panel_of_a_sheet(small_panels):
    _, x0 = noisy(120, 150)
    whole_panels = replace(SETTINGS, window=64)
    steps = list(descend(pose(windows.sheet(x0), windows.PANELS), whole_panels))
    assert {step.image.shape[-2:] for step in steps} == {(64, 64)}
    assert len({step.window.columns.start for step in steps}) > 1


def test_correlated_noise_is_fitted_on_a_sheet_too(small_panels, monkeypatch):
    monkeypatch.setattr(anywhere, "LARGEST", 80 * 80)
    clean, x0 = noisy(80, 150)
    blurred = clean + 1.5 * torch.nn.functional.avg_pool2d(x0 - clean, 3, 1, 1)
    seen = []
    result = denoise(
        blurred[0].numpy(),
        channel_axis=0,
        noise="correlated",
        steps=3,
        watch=lambda step: seen.append(step.image.shape[-2:]),
    )
    assert seen == [(64, 4 * 64)] * 3
    error = torch.from_numpy(result.image) - clean[0]
    assert error.square().mean() < 0.6 * (blurred - clean).square().mean()
