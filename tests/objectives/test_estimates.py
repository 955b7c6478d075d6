import pytest
import torch
from helpers import photograph

from deep_image_prior import tasks
from deep_image_prior.degradations import Compression, CorrelatedNoise, Noise, Palette
from deep_image_prior.denoisers import Sampled
from deep_image_prior.objectives.estimates import of_compression, of_correlated, of_dither, of_white


def test_under_correlated_noise_every_pass_is_the_one_that_was_measured():
    power = 0.01 * torch.exp(-((2 * torch.pi * torch.fft.fftfreq(64)) ** 2))
    noise = CorrelatedNoise(power.expand(3, 64, 64), torch.tensor([0.0, 1.0]), torch.ones(2))
    clean = torch.from_numpy(photograph(80)).float().permute(2, 0, 1)[None]
    x0 = clean + noise.draw(clean, 1, torch.Generator().manual_seed(0))
    made = of_correlated(noise, x0, 4)
    errors = [255 * (each - clean[0]).square().mean().sqrt().item() for each in made]
    assert errors == pytest.approx([6.533, 6.409, 6.494, 6.468], rel=1e-3)


CLEAN = torch.from_numpy(photograph(64)).float().permute(2, 0, 1)[None]
DRAWN = torch.randn((2, *CLEAN.shape[1:]), generator=torch.Generator().manual_seed(0))
WHITE = [11.372, 11.028, 11.322, 10.957, 11.132, 11.223, 11.174, 14.666]
FLASH = [6.728, 6.162, 11.028, 6.493, 7.663, 7.613, 9.563, 14.666]


@pytest.mark.parametrize(("flash", "errors"), [(False, WHITE), (True, FLASH)])
def test_under_white_noise_every_estimate_is_the_one_that_was_measured(flash, errors):
    noise = Noise(0.15, clipped=False)
    x0 = CLEAN + 0.15 * DRAWN[:1]
    guide = 1 - CLEAN.square() + 0.02 * DRAWN[1:] if flash else None
    made = of_white(noise, x0, 7, guide=guide)
    found = [255 * (each - CLEAN[0]).square().mean().sqrt().item() for each in made]
    assert found == pytest.approx(errors, rel=1e-3)


def test_the_estimates_that_presets_have_under_white_noise():
    counts = [
        {name: presets[name].objective.estimates for name in ("fast", "best")}
        for presets in (tasks.denoise.white(), tasks.denoise.large_white())
    ]
    assert counts == [{"fast": 6, "best": 7}, {"fast": 6, "best": 6}]


@pytest.mark.parametrize(("large", "passes"), [(False, 4), (True, 3)])
def test_fast_has_all_passes_where_they_take_little_of_its_time(large, passes):
    presets = tasks.denoise.large_correlated() if large else tasks.denoise.correlated()
    assert presets["fast"].objective.count == passes
    assert presets["best"].objective.count == 4


LARGER = torch.from_numpy(photograph(80)).float().permute(2, 0, 1)[None]
ORDERED = tuple(
    tuple(0.6 * ((3 * row + 5 * k) % 8 - 3.5) / 8 for k in range(8)) for row in range(8)
)
WEB = tuple((r / 5, g / 5, b / 5) for r in range(6) for g in range(6) for b in range(6))
EIGHT = tuple((float(r), float(g), float(b)) for r in (0, 1) for g in (0, 1) for b in (0, 1))


@pytest.mark.parametrize(
    ("made", "errors"),
    [
        (Compression(20), [9.1, 9.13, 9.087]),
        (Palette(WEB, dithered=True), [5.924, 5.512, 6.626]),
        (Palette(EIGHT, dithered=True, offsets=ORDERED), [27.311, 28.776, 27.01]),
    ],
)
def test_of_what_was_compressed_every_estimate_is_the_one_that_was_measured(made, errors):
    x0 = made.compress(LARGER)
    noise = Sampled(made.artefacts(x0))
    dithered = isinstance(made, Palette)
    images = of_dither(made, noise, x0, 0.5) if dithered else of_compression(made, noise, x0)
    found = [255 * (each - LARGER).square().mean().sqrt().item() for each in images.chunk(3, dim=1)]
    assert found == pytest.approx(errors, rel=1e-3)
