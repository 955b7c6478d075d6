"""The detail of a picture is boosted, its noise is not."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import noisy, photograph
from PIL import Image
from scipy.ndimage import gaussian_filter

import deep_image_prior as dip
from deep_image_prior.degradations import Impulses, Noise
from deep_image_prior.denoisers import coarse as coarse_image
from deep_image_prior.tasks import Damage, Enhance

pytestmark = pytest.mark.usefixtures("quick_noise")

CLEAN = photograph(64)
NOISY = noisy(CLEAN)
QUICK = {"channel_axis": -1, "steps": 4}
SIGMA = 15 / 255


def fine(image):
    return image - gaussian_filter(image, (2, 2, 0))


def flat():
    """Gray, with an edge across it, and noise."""
    gray = np.full((64, 64, 3), 0.35)
    gray[:, 40:] = 0.6
    return noisy(gray, SIGMA)


def correlated():
    grain = gaussian_filter(np.random.default_rng(0).normal(size=(64, 64, 3)), (1, 1, 0))
    return np.clip(0.5 + SIGMA * grain / grain.std(), 0, 1)


@pytest.mark.parametrize(
    ("x0", "noise"), [(flat(), "white"), (correlated(), "correlated")], ids=["white", "correlated"]
)
def test_the_noise_of_a_flat_part_is_not_boosted(x0, noise):
    result = dip.enhance(x0, noise=noise, boost=3, **QUICK)
    part = np.s_[4:-4, 4:32]
    assert fine(result.image)[part].std() < 1.05 * fine(x0)[part].std()
    taken_out = dip.enhance(x0, noise=noise, boost=3, strength=1, **QUICK)
    assert fine(taken_out.image)[part].std() < 0.5 * fine(x0)[part].std()


def test_what_is_left_of_the_noise_is_not_boosted():
    x0 = torch.from_numpy(flat()).permute(2, 0, 1)[None].float()
    x = 0.35 + 0.4 * (x0 - 0.35)  # two fifths of the noise are left beside the edge
    task = Enhance(boost=3, channel_axis=-1)

    def part(noise):
        finished = task.finish(x.clone(), x0, x0, Damage(noise=noise))
        return fine(finished.image[0].permute(1, 2, 0).numpy())[4:-4, 4:32].std()

    before = fine(flat())[4:-4, 4:32].std()
    assert part(None) > 2 * before
    assert part(Noise(SIGMA, clipped=False)) < 1.02 * before


@pytest.mark.parametrize("boost", [1, 2])
def test_the_more_strength_the_less_noise(boost):
    x0 = torch.from_numpy(flat()).permute(2, 0, 1)[None].float()
    x = 0.35 + 0.2 * (x0 - 0.35)  # a fifth of the noise is left beside the edge

    def left(strength):
        task = Enhance(boost=boost, strength=strength, channel_axis=-1)
        finished = task.finish(x.clone(), x0, x0, Damage(noise=Noise(SIGMA, clipped=False)))
        return finished.image[0, :, 4:-4, 4:32].std().item()

    strengths = [left(strength) for strength in (0, 0.3, 0.6, 0.8, 0.9, 1)]
    assert strengths == sorted(strengths, reverse=True)
    assert strengths[0] < 1.02 * x0[0, :, 4:-4, 4:32].std()


def test_of_impulses_nothing_is_taken_out_for_the_boost():
    task, x = Enhance(boost=3, channel_axis=-1), torch.from_numpy(CLEAN).permute(2, 0, 1)[None]
    x, x0 = x.float(), x.float().clone()
    x0[..., ::7, ::5] = 1
    finished = task.finish(x.clone(), x0, x0, Damage(noise=Impulses(share=1 / 35)))
    expected = x0 + 3 * (finished.parts["detail"] - 0.5)
    torch.testing.assert_close(finished.image, expected.clamp(0, 1))


def test_detail_is_boosted_under_noise():
    result = dip.enhance(NOISY, boost=2, **QUICK)
    truth, before, after = (fine(each) for each in (CLEAN, NOISY, result.image))
    slope = (truth * (after - before)).sum() / (truth * truth).sum()
    assert slope > 0.2


@pytest.mark.parametrize("preset", ["fast", "best", "paper"])
def test_without_a_boost_it_is_the_image(preset):
    result = dip.enhance(NOISY, boost=0, preset=preset, channel_axis=-1, steps=2, runs=1)
    np.testing.assert_allclose(result.image, NOISY, atol=1e-6)


def test_the_parts_add_up_to_the_denoised_image_and_the_detail_is_what_is_added():
    result = dip.enhance(NOISY, boost=2, **QUICK)
    black, white = NOISY.min(), NOISY.max()
    detail = result.parts["detail"] - (black + white) / 2
    denoised = dip.denoise(NOISY, **QUICK).image
    coarse = result.parts["coarse"]
    inside = (coarse > black) & (coarse < white) & (denoised > black) & (denoised < white)
    np.testing.assert_allclose((coarse + detail)[inside], denoised[inside], atol=1e-5)
    more, less = (np.clip(base + 2 * detail, black, white) for base in (NOISY, denoised))
    between = (np.minimum(more, less) - 1e-5, np.maximum(more, less) + 1e-5)
    np.testing.assert_array_equal(result.image[inside], np.clip(result.image, *between)[inside])


def test_strength_is_that_of_denoise():
    whole, half = (dip.enhance(NOISY, boost=0, strength=s, **QUICK).image for s in (1, 0.5))
    np.testing.assert_allclose(whole, dip.denoise(NOISY, **QUICK).image, atol=1e-6)
    inside = (whole > NOISY.min()) & (whole < NOISY.max())
    np.testing.assert_allclose(half[inside], (whole + NOISY)[inside] / 2, atol=1e-6)


def test_the_detail_of_a_clean_picture_is_its_own():
    smooth = gaussian_filter(CLEAN, (1, 1, 0))
    x0 = torch.from_numpy(smooth).float().permute(2, 0, 1)[None]
    result = dip.enhance(smooth, sigma=0.2 / 255, noise="white", **QUICK)
    own = (x0 - coarse_image(x0))[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(result.image, (smooth + own).clip(0, 1), atol=0.03)
    assert np.abs(np.diff(result.image, axis=0)).mean() > np.abs(np.diff(smooth, axis=0)).mean()


def test_a_raw_photograph_is_boosted_in_its_own_colours():
    task = Enhance(boost=2, raw=True, channel_axis=-1)
    x0 = torch.from_numpy(CLEAN).float().permute(2, 0, 1)[None]
    root, _ = task.observe(CLEAN, lambda pixels, name="": (x0.clone(), None))
    finished = task.finish(root.clone(), root, root, Damage())
    gray = finished.parts["detail"] - 0.5
    torch.testing.assert_close(finished.parts["coarse"] + gray, x0, atol=1e-4, rtol=0)
    torch.testing.assert_close(finished.image, (x0 + 2 * gray).clamp(0, 1), atol=1e-4, rtol=0)


def test_the_paper_takes_a_raw_photograph_and_its_noise_as_they_are():
    task = Enhance(preset="paper", raw=True, channel_axis=-1)
    x0 = torch.from_numpy(CLEAN).float().permute(2, 0, 1)[None]
    seen, scale = task.observe(CLEAN, lambda pixels, name="": (x0, None))
    assert seen is x0
    assert task.measure(seen, scale, None) == (x0, Damage())
    assert task.compares
    assert not Enhance().compares


def test_what_denoise_says_of_the_image_is_said():
    result = dip.enhance(NOISY, sigma=1 / 255, noise="white", **QUICK)
    assert result.noise.sigma == pytest.approx(1 / 255)
    texture = np.random.default_rng(0).random((32, 32, 3))
    assert dip.enhance(texture, **QUICK).confidence == "low"
    assert result.uncertainty is None


def in_jpeg(image, quality):
    buffer = io.BytesIO()
    Image.fromarray((255 * image).round().astype(np.uint8)).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def test_blocks_that_are_boosted_are_said():
    blocky = dip.enhance(in_jpeg(photograph(128), 20), **QUICK)
    assert any("JPEG of quality 20" in each for each in blocky.cautions)
    assert blocky.confidence == "low"
    for image, boost in ((in_jpeg(photograph(128), 90), 1), (in_jpeg(photograph(128), 20), 0)):
        result = dip.enhance(image, boost=boost, **QUICK)
        assert not any("JPEG" in each for each in result.cautions)


def test_a_large_picture_is_enhanced_as_a_small_one(monkeypatch):
    how = {"noise": "white", "sigma": 25 / 255, "boost": 2, **QUICK}
    whole = dip.enhance(NOISY, **how).image
    monkeypatch.setattr("deep_image_prior.anywhere.LARGEST", 100)
    large = dip.enhance(NOISY, **how).image
    assert 0 < np.abs(large - whole).mean() < 0.01


def test_a_preset_of_ones_own_draws_the_denoised_image():
    preset = Enhance().presets(Damage(), (64, 64))["fast"]
    own = replace(preset, settings=replace(preset.settings, steps=4))
    result = dip.enhance(NOISY, channel_axis=-1, noise="white", preset=own)
    expected = dip.enhance(NOISY, noise="white", **QUICK).image
    np.testing.assert_allclose(result.image, expected, atol=1e-6)


def test_what_the_published_method_has_no_use_for_is_refused():
    for how in ({"strength": 1.0}, {"noise": "white"}):
        with pytest.raises(dip.BadInput, match="the preset paper knows nothing of noise"):
            dip.enhance(CLEAN, channel_axis=-1, preset="paper", steps=1, **how)


def test_a_boost_that_leaves_no_picture_is_refused():
    for boost in (-1.0, 1000.0):
        with pytest.raises(dip.BadInput, match=r"boost is .* from 0 to 10"):
            dip.enhance(CLEAN, channel_axis=-1, boost=boost)
