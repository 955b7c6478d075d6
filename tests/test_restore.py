import contextlib
import io
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from helpers import noisy, photograph, tensor
from PIL import Image
from skimage import data
from skimage.filters import gaussian
from skimage.transform import rescale

import deep_image_prior as dip
from deep_image_prior import neighbourhoods
from deep_image_prior.alignment import Alignment
from deep_image_prior.cautions import is_clean, lost, mistold, narrow, noise_around
from deep_image_prior.degradations import (
    Blurring,
    Compression,
    Downsampling,
    Impulses,
    Lossy,
    Noise,
    Stripes,
)
from deep_image_prior.degradations.jpeg_traces import detect
from deep_image_prior.images import scale_of
from deep_image_prior.masks import blanked, known_pixels
from deep_image_prior.metrics import psnr
from deep_image_prior.networks import Hourglass
from deep_image_prior.summary import summary
from deep_image_prior.tasks import Damage, Dejpeg, enhance
from deep_image_prior.tasks.denoise import white
from deep_image_prior.tasks.preset import small

pytestmark = pytest.mark.usefixtures("quick_noise", "quick_fills")

CLEAN = photograph(64)
NOISY = noisy(CLEAN)
FEW = {"channel_axis": -1, "steps": 3}
HOLED = np.ones((64, 64), bool)
HOLED[20:30, 25:40] = False


def test_denoise_beats_its_input():
    result = dip.denoise(NOISY, channel_axis=-1, steps=40, stop="never")
    assert psnr(CLEAN, result.image, 1) > psnr(CLEAN, NOISY, 1) + 6
    assert result.stopped == "budget: 40 steps"
    assert len(result.history) == 40
    assert result.history[-1] < result.history[0]


@pytest.fixture
def small_paper(monkeypatch):
    """The preset paper of enhance, whose sigma is when to stop, with a small network."""
    preset = replace(enhance.paper(), network=small)
    monkeypatch.setattr(enhance, "paper", lambda: preset)


def test_sigma_stops_before_the_budget(small_paper):
    sigma = 50 / 255
    given = {"channel_axis": -1, "sigma": sigma, "preset": "paper"}
    observation = noisy(CLEAN, sigma)
    result = dip.enhance(observation, steps=300, **given)
    assert result.stopped.startswith("discrepancy")
    assert sum(result.steps) < 300
    assert psnr(CLEAN, result.parts["coarse"], 1) > psnr(CLEAN, observation, 1) + 6
    never = dip.enhance(observation, steps=50, stop="never", **given)
    assert never.steps == [50]


def test_the_paper_stops_by_itself_where_it_is_best(monkeypatch):
    narrow = partial(Hourglass, down=(32,) * 4, up=(32,) * 4, skip=(4,) * 4)
    monkeypatch.setitem(white(), "paper", replace(white()["paper"], network=narrow))
    clean = photograph(48)
    observation = noisy(clean, 50 / 255)
    scores = []

    def watch(step):
        scores.append(psnr(clean, step.average[0].permute(1, 2, 0).numpy().clip(0, 1), 1))

    result = dip.denoise(observation, channel_axis=-1, preset="paper", steps=400, watch=watch)
    assert result.stopped.startswith("nearest")
    assert len(scores) == result.steps[0] < 400
    assert psnr(clean, result.image, 1) == pytest.approx(scores[result.chosen[0] - 1], abs=1e-3)
    assert psnr(clean, result.image, 1) > max(scores) - 0.3
    assert psnr(clean, result.image, 1) > scores[-1] + 0.3
    assert result.confidence in ("high", "medium", "low")
    assert replace(result, damage=Damage(noise=Noise(0.1, textured=True))).confidence == "low"


def test_dejpeg_finds_the_quality_and_beats_its_input():
    clean = photograph(96)
    buffer = io.BytesIO()
    Image.fromarray((255 * clean).astype(np.uint8)).save(buffer, "JPEG", quality=15)
    observation = np.asarray(Image.open(buffer)) / 255
    result = dip.dejpeg(observation, channel_axis=-1, steps=20)
    assert result.compression.quality == 15
    assert psnr(clean, result.image, 1) > psnr(clean, observation, 1) + 0.5


def test_dejpeg_restores_what_was_resized_since_and_is_not_certain_of_it():
    clean = photograph(192)
    buffer = io.BytesIO()
    Image.fromarray((255 * clean).astype(np.uint8)).save(buffer, "JPEG", quality=12)
    observation, truth = (
        np.asarray(Image.fromarray(each).resize((144, 144), Image.Resampling.BICUBIC)) / 255
        for each in (np.asarray(Image.open(buffer)), (255 * clean).astype(np.uint8))
    )
    result = dip.dejpeg(observation, channel_axis=-1, steps=12)
    assert result.compression.scale == pytest.approx(0.75, rel=0.01)
    assert psnr(truth, result.image, 1) > psnr(truth, observation, 1) + 0.5
    assert result.confidence in ("low", "medium")


def test_dejpeg_of_what_was_not_compressed_wants_to_be_told():
    with pytest.raises(dip.BadInput, match="no trace of compression"):
        dip.dejpeg(CLEAN, **FEW)
    assert dip.dejpeg(CLEAN, quality=30, **FEW).compression.quality == 30
    for quality in (0, 101, 2.5, "10"):
        with pytest.raises(dip.BadInput, match="quality"):
            dip.dejpeg(CLEAN, quality=quality, **FEW)
    with pytest.raises(dip.BadInput, match="unknown stop"):
        dip.denoise(CLEAN, stop="soon", **FEW)


def test_dejpeg_says_what_may_not_have_been_compressed():
    drawing = np.zeros((64, 64, 3), np.uint8)
    drawing[8:40, 8:50], drawing[30:60, 20:30] = (200, 40, 40), (30, 60, 180)
    result = dip.dejpeg(drawing, **FEW)
    assert any("drawing" in each for each in result.cautions)
    assert result.confidence == "low"
    told = dip.dejpeg(CLEAN, quality=95, **FEW).cautions
    assert any("no trace" in each for each in told)
    assert not any("hardly anything" in each for each in told)
    guessed = Damage(compression=Lossy(85, smoothed=True, guessed=True))
    assert any("could not be told" in each for each in cautions_of_dejpeg(guessed))
    known = Damage(compression=Lossy(85, smoothed=True))
    assert not any("could not be told" in each for each in cautions_of_dejpeg(known))


def cautions_of_dejpeg(damage):
    noisy, clean = (tensor(each) for each in (NOISY, CLEAN))
    return Dejpeg().finish(clean, noisy, noisy, damage).cautions


@pytest.mark.parametrize("preset", ["fast", "paper"])
def test_compression_is_looked_for_once(monkeypatch, preset):
    decoded, count = Compression.decoded, 0

    def counted(compression, pixels):
        nonlocal count
        count += 1
        return decoded(compression, pixels)

    monkeypatch.setattr(Compression, "decoded", counted)
    observation = torch.from_numpy(CLEAN).permute(2, 0, 1)[None].float()
    assert detect(observation) is None
    once, count = count, 0
    with contextlib.suppress(dip.BadInput):
        dip.dejpeg(CLEAN, preset=preset, **FEW)
    assert count == once > 0


def test_values_that_are_no_impulses_are_kept():
    drawn = np.random.default_rng(0).random(CLEAN.shape)
    salted = np.where(drawn < 0.1, np.round(drawn * 10), 0.1 + 0.8 * CLEAN)
    result = dip.denoise(salted, noise="impulses", channel_axis=-1, steps=3)
    np.testing.assert_allclose(result.image[drawn >= 0.1], salted[drawn >= 0.1], atol=1e-6)


def test_deblur_beats_its_input_and_tells_its_noise():
    kernel = dip.degradations.kernels.named("motion:7@30")
    sharp = torch.from_numpy(photograph(80)).float().permute(2, 0, 1)[None]
    blur = dip.operators.Blur(kernel)
    blurred = blur(sharp)[0].permute(1, 2, 0).numpy()
    clean = blur.inside(sharp)[0].permute(1, 2, 0).numpy()
    x0 = noisy(blurred, 2 / 255)
    result = dip.deblur(x0, kernel.numpy(), channel_axis=-1, steps=20)
    assert result.image.shape == x0.shape
    assert psnr(clean, result.image, 1) > psnr(clean, x0, 1) + 2
    assert result.noise.sigma == pytest.approx(2 / 255, rel=0.5)
    assert not result.cautions
    for kernel in ("gaussian:4", "disk:6"):
        wrong = dip.deblur(x0, kernel, channel_axis=-1, steps=2)
        assert wrong.confidence == "low"
        assert any("the kernel may be another" in each for each in wrong.cautions)


def test_upscale_beats_nearest():
    gray = (255 * CLEAN[..., 0]).astype(np.uint8)
    small = np.asarray(Image.fromarray(gray).resize((16, 16), Image.Resampling.LANCZOS))
    result = dip.upscale(small, 4, steps=30)
    assert result.image.shape == (64, 64)
    assert psnr(gray, result.image, 255) > psnr(gray, small.repeat(4, 0).repeat(4, 1), 255) + 1


def test_an_enlargement_is_held_against_its_input(monkeypatch):
    assert dip.upscale(CLEAN[:16, :16], 2, **FEW).cautions == ()
    monkeypatch.setattr(Downsampling, "shrink", lambda damage, x: 1 - x[..., ::2, ::2])
    result = dip.upscale(CLEAN[:16, :16], 2, **FEW)
    assert "hardly looks like the image" in result.cautions[0]
    assert result.confidence == "low"


def test_small_pictures_are_enlarged_as_well():
    for factor, height, width in ((2, 8, 8), (3, 8, 30), (4, 9, 11), (8, 8, 9)):
        image = CLEAN[:height, :width]
        result = dip.upscale(image, factor, **FEW).image
        smooth = rescale(image, factor, order=3, channel_axis=-1)
        assert np.sqrt(np.square(result - smooth).mean()) < 0.08


def test_the_kind_of_holes_is_told_by_the_mask():
    single = np.random.default_rng(0).random(CLEAN.shape[:2]) > 0.3
    line = np.ones_like(single)
    line[10:14] = False
    for known, kind in ((single, "random"), (line, "text")):
        result = dip.inpaint(CLEAN, known, **FEW)
        assert result.damage.holes == (kind,)
        told = dip.inpaint(CLEAN, known, holes=kind, **FEW)
        assert np.array_equal(result.image, told.image)
        other = dip.inpaint(CLEAN, known, holes={"text": "random", "random": "text"}[kind], **FEW)
        assert not np.array_equal(result.image, other.image)


def wide(side=64):
    known = np.ones((side, side), bool)
    known[20:48, 24:50] = False
    return known


def test_a_wide_hole_is_filled_from_what_is_around_it_and_doubted():
    result = dip.inpaint(CLEAN, wide(), channel_axis=-1)
    assert result.damage.holes == ("large",)
    assert result.confidence == "low"
    assert "was there is not known" in result.cautions[0]
    assert "holes: large" in summary(result, scale_of(CLEAN))
    assert np.array_equal(result.image[wide()], CLEAN[wide()])
    told = dip.inpaint(CLEAN, wide(), holes="large", channel_axis=-1)
    assert np.array_equal(result.image, told.image)
    text = dip.inpaint(CLEAN, wide(), holes="text", **FEW)
    assert text.damage.holes == ("text",)
    assert text.confidence == "low", "whatever it is taken for"
    assert not np.array_equal(result.image, text.image)


@pytest.mark.parametrize("kind", ["text", "random"])
def test_in_a_mixed_mask_each_hole_is_of_its_kind(kind):
    photo, region = photograph(96), wide(96)
    narrow = np.ones((96, 96), bool)
    if kind == "text":
        narrow[5:8] = False
    else:
        narrow = np.random.default_rng(0).random((96, 96)) > 0.3
    result = dip.inpaint(photo, region & narrow, **FEW)
    assert result.damage.holes == (kind, "large")
    assert len(result.steps) == 2
    beside = ~narrow & region
    assert psnr(photo[beside], result.image[beside], 1) > 18, "not what was put there meanwhile"
    changed = np.where((region & narrow)[..., None], photo, 0.9)
    again = dip.inpaint(changed, region & narrow, **FEW)
    assert np.array_equal(result.image, again.image), "what is missing is not looked at"


@pytest.mark.parametrize("sigma", [0, 10, 20, 40])
def test_noise_around_holes_is_said(sigma):
    photo = photograph(96)
    grainy = photo + np.random.default_rng(0).normal(0, sigma / 255, photo.shape)
    x0 = torch.from_numpy(grainy.clip(0, 1)).float().permute(2, 0, 1)[None]
    x0[..., 30:38, :] = x0[..., 60:90, 20:50] = torch.nan
    found = noise_around(x0)
    assert len(found) == (sigma > 12)
    if found:
        told = int(found[0].partition("sigma ")[2].split()[0])
        assert told == pytest.approx(sigma, rel=0.25)
    x0[torch.rand(x0.shape, generator=torch.Generator().manual_seed(0)) < 0.5] = torch.nan
    assert noise_around(x0) == [], "too little to tell"


def test_a_hole_too_narrow_for_its_own_kind_is_doubted():
    known = np.ones((48, 40), bool)
    known[10:26, 8:24] = False
    result = dip.inpaint(photograph(48)[:, :40], known, channel_axis=-1, steps=2)
    assert result.damage.holes == ("text",)
    assert result.confidence == "low"
    assert any("16 pixels wide or more" in each for each in result.cautions)
    known[10:12] = True
    narrow = dip.inpaint(photograph(48)[:, :40], known, channel_axis=-1, steps=2)
    assert narrow.cautions == ()


def test_single_pixels_of_few_are_no_wide_hole():
    few = np.random.default_rng(0).random((64, 64)) < 0.02
    with pytest.warns(UserWarning, match="mask says"):
        assert dip.inpaint(CLEAN, few, **FEW).damage.holes == ("random",)


def test_the_paper_takes_a_wide_hole_for_text_unless_told():
    with pytest.warns(UserWarning, match="--holes large"):
        result = dip.inpaint(CLEAN, wide(), preset="paper", **FEW)
    assert result.damage.holes == ("text",)


def test_a_large_picture_is_filled_around_its_holes(monkeypatch):
    monkeypatch.setattr(neighbourhoods, "LARGEST", 64 * 64)
    monkeypatch.setattr(neighbourhoods, "NEAR", 20)
    photo = np.tile(CLEAN, (4, 4, 1))
    known = np.ones(photo.shape[:2], bool)
    known[80:110, 70:100] = known[190:230, 150:180] = False
    steps = []
    result = dip.inpaint(photo, known, channel_axis=-1, watch=steps.append)
    assert len(result.steps) == 2, "two neighbourhoods"
    assert np.array_equal(result.image[known], photo[known])
    part = (slice(60, 130), slice(50, 120))
    alone = dip.inpaint(photo[part], known[part], channel_axis=-1)
    np.testing.assert_allclose(result.image[part], alone.image, atol=1e-6)
    drawn = steps[0].restored()
    assert drawn.shape == photo.shape
    assert np.array_equal(drawn[known], photo[known])


def test_where_next_to_nothing_is_known_a_hole_is_smooth():
    known = np.zeros((64, 64), bool)
    known[:3] = True
    with pytest.warns(UserWarning, match="mask says"):
        result = dip.inpaint(CLEAN, known, channel_axis=-1)
    assert result.damage.holes == ("large",)
    assert any("only 4.69%" in caution for caution in result.cautions)
    assert np.isfinite(result.image).all()


def test_inpaint_beats_the_mean_and_keeps_what_is_known():
    known = np.random.default_rng(0).random((64, 64)) < 0.5
    observed = np.where(known[..., None], CLEAN, 0)
    result = dip.inpaint(observed, known, holes="random", channel_axis=-1, steps=30)
    mean = np.where(known[..., None], CLEAN, CLEAN[known].mean(axis=0))
    assert psnr(CLEAN, result.image, 1) > psnr(CLEAN, mean, 1) + 6
    np.testing.assert_allclose(result.image[known], CLEAN[known], atol=1e-6)


def test_redrawn_pixels_differ_from_the_observation():
    result = dip.inpaint(CLEAN, HOLED, keep_known=False, **FEW)
    assert not np.allclose(result.image[HOLED], CLEAN[HOLED], atol=1e-3)


def test_mask_marks_may_mean_missing():
    first = dip.inpaint(CLEAN, HOLED, **FEW)
    second = dip.inpaint(CLEAN, ~HOLED, mask_marks="missing", **FEW)
    np.testing.assert_array_equal(first.image, second.image)


DARK = CLEAN * [0.5, 0.4, 0.3]


def test_flash_is_better_than_denoising_and_copies_no_shadow():
    flash = CLEAN.copy()
    flash[20:44, 20:44] *= 0.3
    given = {"channel_axis": -1, "steps": 5}
    alone = dip.denoise(noisy(DARK), **given)
    result = dip.flash(noisy(DARK), flash, **given)
    assert psnr(DARK, result.image, 1) > psnr(DARK, alone.image, 1) + 2
    inside = (slice(16, 48), slice(16, 48))
    assert psnr(DARK[inside], result.image[inside], 1) > psnr(DARK[inside], alone.image[inside], 1)
    assert result.damage.alignment == Alignment()
    assert not result.cautions


def test_a_flash_photo_that_lies_elsewhere_is_moved():
    flash = np.roll(CLEAN, (3, -2), axis=(0, 1))
    result = dip.flash(noisy(DARK), flash, **FEW)
    alignment = result.damage.alignment
    assert (alignment.down, alignment.right) == pytest.approx((-3, 2), abs=0.2)
    assert "flash photo: moved by 3" in "\n".join(summary(result, scale_of(DARK)))
    paper = dip.flash(noisy(DARK), flash, channel_axis=-1, preset="paper", steps=1)
    assert paper.damage.alignment == Alignment()


@pytest.mark.parametrize("of", ["another scene", "impulses"])
def test_where_the_flash_photo_is_of_no_use_it_is_denoised_alone_and_said(of):
    image = noisy(CLEAN)
    if of == "impulses":
        image = np.where(np.random.default_rng(0).random(CLEAN.shape) < 0.3, 0.0, CLEAN)
    other = CLEAN if of == "impulses" else np.random.default_rng(1).random(CLEAN.shape)
    alone = dip.denoise(image, **FEW)
    result = dip.flash(image, other, **FEW)
    np.testing.assert_array_equal(result.image, alone.image)
    assert result.damage.alignment is None
    assert any("the flash photo was not used" in caution for caution in result.cautions)
    assert result.confidence == "low"


@pytest.mark.parametrize("of", ["itself", "a mix", "gray"])
def test_a_flash_photo_that_has_the_noise_of_the_image_is_not_used(of):
    image = noisy(DARK)
    copies = {
        "itself": image,
        "a mix": 0.4 * image + 0.6 * CLEAN,
        "gray": np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2),
    }
    result = dip.flash(image, copies[of], **FEW)
    np.testing.assert_array_equal(result.image, dip.denoise(image, **FEW).image)
    assert any("has the noise of the image" in caution for caution in result.cautions)
    assert result.confidence == "low"
    its_own = dip.flash(
        image, CLEAN + 0.03 * np.random.default_rng(1).normal(size=CLEAN.shape), **FEW
    )
    assert not its_own.cautions


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_dtype_and_axes_come_back(dtype, axis):
    values = NOISY * (1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max)
    image = (
        values.astype(dtype)[..., 0]
        if axis is None
        else np.moveaxis(values.astype(dtype), -1, axis)
    )
    result = dip.denoise(image, channel_axis=axis, steps=2)
    assert result.image.dtype == dtype
    assert result.image.shape == image.shape


def test_floats_beyond_one_keep_their_range():
    counts = NOISY[..., 0] * 5000 - 100
    result = dip.denoise(counts, steps=20)
    assert abs(np.median(result.image) - np.median(counts)) < 300
    assert result.image.max() <= counts.max()


@pytest.mark.parametrize("unit", [1e-6, 1e-4, 0.3, 1e6])
def test_a_picture_in_any_unit_is_the_same_picture(unit):
    image = NOISY[..., 0]
    expected, result = (dip.denoise(k * image, steps=5) for k in (1, unit))
    np.testing.assert_allclose(result.image, unit * expected.image, rtol=0, atol=1e-9 * unit)
    assert result.noise.sigma == pytest.approx(unit * expected.noise.sigma)
    told = dip.denoise(unit * image, steps=5, sigma=unit * 25 / 255)
    assert told.noise.sigma == pytest.approx(unit * 25 / 255)
    assert psnr(CLEAN[..., 0], told.image / unit, 1) > psnr(CLEAN[..., 0], image, 1) + 6


def test_photons_are_told_in_the_units_of_the_image():
    clean = photograph(128)[..., 0]
    counts = np.random.default_rng(0).poisson(200 * clean).astype(float)
    for unit, pedestal in ((1, 0), (1e-3, 0), (1, 500)):
        noise = dip.denoise(unit * counts + pedestal, steps=2).noise
        assert noise.gain == pytest.approx(unit, rel=0.3)
        assert noise.sigma < 4 * unit


def test_a_result_that_lost_the_picture_is_never_sure():
    x0 = torch.from_numpy(NOISY).float().permute(2, 0, 1)[None]
    noise = Noise(25 / 255)
    assert lost(torch.from_numpy(CLEAN).float().permute(2, 0, 1)[None], x0, noise) == []
    assert lost(x0, x0, noise) == []
    for image in (torch.zeros_like(x0), x0.mean().expand_as(x0), x0.roll(9, dims=-1)):
        assert "more than the noise" in lost(image, x0, noise)[0]
    assert "brightness" in lost(x0 * 0.85, x0, noise)[0]
    # even where the noise explains it
    assert "hardly looks like" in lost(x0.mean().expand_as(x0), x0, Noise(0.5))[-1]
    assert "hardly looks like" in lost(torch.rand_like(x0), x0)[0]
    result = dip.denoise(NOISY, channel_axis=-1, steps=20)
    assert result.cautions == ()
    assert result.confidence != "low"
    assert replace(result, cautions=("",)).confidence == "low"


@pytest.mark.parametrize("clipped", [True, False])
@pytest.mark.parametrize("sigma", [10, 25, 50])
def test_noise_that_is_told_is_held_against_what_is_there(sigma, clipped):
    drawn = CLEAN + np.random.default_rng(0).normal(0, sigma / 255, CLEAN.shape)
    x0 = tensor(drawn.clip(0, 1) if clipped else drawn)

    def told(times):
        return mistold(x0, Noise(times * sigma / 255, clipped=clipped))

    assert told(1) == told(0.8) == told(2) == []
    assert "times the noise that is told: much of it stays" in told(0.3)[0]
    assert "times the noise that is told: detail is lost with it" in told(5)[0]


def test_where_noise_cannot_be_measured_nothing_is_held_against_what_is_told():
    assert mistold((tensor(CLEAN) > 0.5).float(), Noise(0.1)) == []
    assert mistold(tensor(CLEAN), None) == []
    x0 = tensor(noisy(CLEAN))
    assert mistold(x0, Noise(1.0, clipped=False))
    assert mistold(x0[..., :15], Noise(1.0, clipped=False)) == []
    masked = x0 * (torch.arange(64) < 20)
    assert mistold(masked, Noise(25 / 255)) == mistold(masked, Noise(1.0, clipped=False)) == []


def test_correlated_noise_is_told_from_too_much_white():
    grain = gaussian(np.random.default_rng(0).normal(size=(128, 128, 3)), 1.2, channel_axis=-1)
    x0 = tensor(data.chelsea()[:128, 100:228] / 255 + 0.06 * grain / grain.std())
    assert "a sigma is of white noise" in mistold(x0, Noise(0.06, clipped=False))[0]
    assert "detail is lost" in mistold(x0, Noise(0.5, clipped=False))[0]


@pytest.mark.parametrize(
    "task",
    [
        partial(dip.denoise, NOISY),
        partial(dip.flash, NOISY, CLEAN),
        partial(dip.deblur, NOISY, "disk:1"),
        partial(dip.upscale, NOISY, 2),
    ],
)
def test_noise_that_is_told_wrongly_is_a_caution(task, quick_noise):
    wrong = task(channel_axis=-1, steps=2, sigma=1 / 255)
    assert "times the noise that is told: much of it stays" in wrong.cautions[-1]
    assert wrong.confidence == "low"
    assert not task(channel_axis=-1, steps=2, sigma=25 / 255).cautions


def test_what_the_noise_explains_or_nobody_misses_is_no_loss():
    clean = torch.from_numpy(CLEAN).float().permute(2, 0, 1)[None]
    taken = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    taken = taken - taken.mean()
    noise = Noise(25 / 255, clipped=False)
    for share, dark, safe in (
        (1.0, 0.0, True),
        (1.1, 0.0, True),
        (1.5, 0.0, False),
        (1.0, 5.5, True),
        (0.5, 10, False),
    ):
        x0 = clean + (25 * share * taken + dark) / 255
        assert (lost(clean, x0, noise) == []) is safe, (share, dark)
    faint = Noise(0.2 / 255, clipped=False)
    assert lost(clean, clean + 1.5 / 255 * taken, faint) == []
    assert lost(clean, clean + 1.5 / 255, faint) == []
    assert lost(clean, clean + 3 / 255 * taken, faint) != []
    assert lost(clean, clean + 3 / 255, faint) != []


def test_a_photograph_may_look_little_like_very_strong_noise():
    clean = torch.from_numpy(CLEAN).float().permute(2, 0, 1)[None]
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    noise = clean.std() * noise
    assert lost(clean, clean + 3 * noise) == []
    assert "hardly looks like" in lost(clean, clean + 7 * noise)[0]


def test_a_change_of_a_gray_level_is_not_seen_and_of_two_it_is():
    clean = torch.from_numpy(CLEAN).float().permute(2, 0, 1)[None]
    assert is_clean(clean, clean + 1 / 255)
    assert not is_clean(clean, clean + 2 / 255)


def test_confidence_falls_with_the_decibels_that_the_choice_may_cost():
    result = replace(dip.denoise(NOISY[:16, :16], **FEW), cautions=())

    def doubted(db, **changes):
        return replace(result, runs=(replace(result.runs[0], uncertainty_db=db),), **changes)

    named = [doubted(db).confidence for db in (0.1, 0.4, 0.8, 1.2, 2, 9)]
    assert named == ["high", "high", "medium", "medium", "low", "low"]
    striped = doubted(0.1, damage=Damage(stripes=Stripes(0.1, 0.0)))
    assert striped.confidence == "medium"
    blur = Blurring(torch.ones(1, 1), Noise(0.1))
    assert doubted(0.1, damage=Damage(blur=blur)).confidence == "medium", "nothing bears it out"


def test_a_picture_that_comes_back_as_it_was_is_said_to_be_clean():
    # of four pixels each, so that no noise is left
    clean = data.coffee()[:192, :192].reshape(96, 2, 96, 2, 3).mean(axis=(1, 3)) / 255
    result = dip.denoise(clean, **FEW)
    assert result.clean
    assert psnr(clean, result.image, 1) > 45
    noisy = dip.denoise(NOISY, **FEW)
    assert not noisy.clean
    shrunk = dip.denoise(1e-3 * clean, **FEW)  # in any unit
    assert shrunk.clean
    counts = dip.denoise(6e4 * clean, **FEW)
    assert not counts.clean, "nobody knows what of them can be seen"
    told = dip.denoise(NOISY, channel_axis=-1, sigma=1e-9, steps=3)
    assert not told.clean, "nobody has looked"


def correlated(clean, sigma=10 / 255):
    """The picture, in 8 bits, under Gaussian noise blurred by a pixel."""
    noise = np.random.default_rng(0).normal(size=clean.shape)
    noise = gaussian(noise, 1, channel_axis=-1)
    return np.rint(255 * np.clip(clean + sigma * noise / noise.std(), 0, 1)).astype(np.uint8)


def test_correlated_noise_is_found_and_taken_out():
    clean = photograph(96)
    observation = correlated(clean)
    result = dip.denoise(observation, channel_axis=-1, steps=20)
    assert isinstance(result.noise, dip.CorrelatedNoise)
    assert result.settings.jitter == 0.05, "its own preset"
    gained = psnr(clean, result.image / 255, 1) - psnr(clean, observation / 255, 1)
    assert gained > 2
    white = dip.denoise(observation, channel_axis=-1, noise="white", steps=10)
    assert isinstance(white.noise, Noise)
    assert psnr(clean, white.image / 255, 1) < psnr(clean, result.image / 255, 1) - 1


def test_every_preset_knows_correlated_noise():
    observation = correlated(photograph(64))
    for preset in ("fast", "best"):
        result = dip.denoise(
            observation, channel_axis=-1, noise="correlated", preset=preset, steps=2, runs=1
        )
        assert result.image.shape == observation.shape
        assert result.uncertainty_db > 0


def test_a_model_of_the_noise_may_be_given_in_the_units_of_the_image():
    clean = photograph(64)
    observation = correlated(clean) / 255
    model = dip.CorrelatedNoise(
        torch.full((3, 64, 64), 100 * 0.01), torch.tensor([0.0, 100]), torch.ones(2)
    )
    result = dip.denoise(100 * observation, channel_axis=-1, noise=model, steps=3)
    assert result.noise.deviations[0] == pytest.approx(1)
    assert result.noise.brightness.tolist() == pytest.approx([0, 100], abs=1e-3)
    with pytest.raises(dip.BadInput, match="3 channels, the image 1"):
        dip.denoise(observation[..., 0], noise=model)
    with pytest.raises(dip.BadInput, match="both given"):
        dip.denoise(observation, channel_axis=-1, noise=model, sigma=0.1)


def test_strength_blends_between_the_picture_and_the_result():
    whole = dip.denoise(NOISY, **FEW)
    half = dip.denoise(NOISY, strength=0.5, **FEW)
    inside = (whole.image > 0) & (whole.image < 1)  # where it was not clipped
    assert inside.mean() > 0.9
    np.testing.assert_allclose(half.image[inside], ((NOISY + whole.image) / 2)[inside], atol=1e-6)
    np.testing.assert_allclose(dip.denoise(NOISY, strength=0, **FEW).image, NOISY, atol=1e-6)


def test_stripes_are_taken_off_or_doubted():
    clean = data.coffee()[100:228, 200:328] / 255
    rows = np.random.default_rng(0).normal(0, 10 / 255, (128, 1, 1))
    observation = np.clip(clean + rows, 0, 1)
    result = dip.denoise(observation, channel_axis=-1, steps=20)
    assert psnr(clean, result.image, 1) > psnr(clean, observation, 1) + 5
    assert 255 * result.stripes.rows == pytest.approx(10, rel=0.3)
    assert result.stripes.columns == 0
    assert result.confidence != "high"
    kept = dip.denoise(observation, channel_axis=-1, noise="white", steps=5)
    assert kept.stripes is None
    assert "rows or columns of noise" in kept.cautions[-1]
    assert kept.confidence == "low"


@pytest.mark.parametrize("colour", [(1.0, 1.0, 1.0), (1.0, 0.0, 0.0)])
def test_a_mask_that_leaves_a_rim_of_what_it_is_to_hide_is_said(colour):
    scratched, middle, whole = CLEAN.copy(), np.ones((64, 64), bool), np.ones((64, 64), bool)
    for first in range(5, 64, 16):
        scratched[first : first + 3], whole[first : first + 3] = colour, False
        middle[first + 1] = False
    doubted = dip.inpaint(scratched, middle, **FEW)
    assert [each for each in doubted.cautions if "mask may be too narrow" in each]
    assert doubted.confidence == "low"
    assert not dip.inpaint(scratched, whole, **FEW).cautions
    beyond = torch.from_numpy(CLEAN.copy()).permute(2, 0, 1)[None]
    beyond[..., 63:] = torch.nan
    beyond[..., 55:63] = 1.0
    assert not narrow(beyond), "a hole at the border may go on"


def test_masks_that_leave_little_are_doubted():
    known = np.random.default_rng(0).random((64, 64)) < 0.3
    with pytest.warns(UserWarning, match="mask says that 70.14% .* --mask-marks missing"):
        text = dip.inpaint(CLEAN, known, holes="text", **FEW)
    assert text.confidence == "low"
    assert "only 29.86%" in text.cautions[0]
    with pytest.warns(UserWarning, match="mask says"):
        assert dip.inpaint(CLEAN, known, holes="random", **FEW).cautions == ()
    one = np.zeros((64, 64), bool)
    one[5, 7] = True
    with pytest.warns(UserWarning, match="mask says that 99.98%"):
        assert dip.inpaint(CLEAN, one, holes="random", **FEW).confidence == "low"
    with pytest.raises(dip.BadInput, match="the mask leaves 1 of 4096 pixels known, all of them"):
        dip.inpaint(CLEAN[..., 0], one)


def test_pictures_too_small_to_tell_their_noise_are_doubted():
    image = 0.5 + np.random.default_rng(0).normal(0, 0.08, (2, 2, 3))
    assert dip.denoise(image, **FEW).confidence == "low"
    assert dip.denoise(NOISY, **FEW).noise.textured is False


def test_odd_sizes_and_tiny_images():
    for height, width in ((2, 2), (3, 50), (65, 33)):
        image = np.random.default_rng(0).random((height, width))
        assert dip.denoise(image, steps=2).image.shape == (height, width)


def test_reruns_are_bit_identical():
    first, second = (dip.denoise(NOISY, **FEW, seed=4) for _ in range(2))
    np.testing.assert_array_equal(first.image, second.image)


def test_threads_do_not_disturb_each_other():
    images = [noisy(photograph(32)) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda image: dip.denoise(image, **FEW).image, images))
    alone = dip.denoise(images[0], **FEW).image
    assert max(np.abs(image - alone).max() for image in together) < 1e-3


def test_works_inside_no_grad():
    with torch.no_grad():
        assert dip.denoise(NOISY, **FEW).steps == [3]


def test_specks_that_stay_are_said():
    grain = CLEAN + np.random.default_rng(0).normal(scale=8 / 255, size=CLEAN.shape)
    salted = np.clip(grain, 0, 1)
    salted[::19, ::17], salted[9::19, 8::17] = 0, 1
    assert any("specks stay" in each for each in dip.denoise(salted, noise="white", **FEW).cautions)
    plain = dip.denoise(np.clip(grain, 0, 1), noise="white", **FEW)
    assert not any("specks" in each for each in plain.cautions)


def test_other_noise_that_stays_beside_impulses_is_said():
    ramp = np.linspace(0.2, 0.8, 64) + np.zeros((64, 1))
    salted = np.random.default_rng(0).random((64, 64)) < 0.05
    said = [
        any(
            "other noise stays" in each
            for each in dip.denoise(x0, noise="impulses", steps=3).cautions
        )
        for x0 in (
            np.where(
                salted, 1.0, ramp + np.random.default_rng(1).normal(scale=sigma, size=(64, 64))
            )
            for sigma in (0, 8 / 255)
        )
    ]
    assert said == [False, True]


def test_whatever_torch_is_set_to_the_result_is_the_same():
    plain = dip.enhance(NOISY, **FEW).image
    torch.set_default_dtype(torch.float64)
    try:
        double = dip.enhance(NOISY, **FEW).image
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert np.array_equal(plain, double)
    for how in (
        torch.inference_mode(),
        torch.autocast("cpu", torch.bfloat16),
        torch.device("meta"),
    ):
        with how:
            assert np.array_equal(plain, dip.enhance(NOISY, **FEW).image)


def test_sixteen_bits_in_the_other_order_are_the_same_picture():
    native = np.rint(65535 * NOISY).astype(np.uint16)
    swapped = dip.enhance(native.astype(">u2"), **FEW).image
    assert swapped.dtype == np.dtype(">u2")
    assert np.array_equal(swapped, dip.enhance(native, **FEW).image)


def test_averaged_runs_beat_one():
    one, two = (dip.denoise(NOISY, channel_axis=-1, steps=20, runs=runs) for runs in (1, 2))
    assert two.steps == [20, 20]
    assert psnr(CLEAN, two.image, 1) > psnr(CLEAN, one.image, 1)


def test_settings_change_the_preset():
    result = dip.denoise(NOISY[:16, :16], **FEW, preset="paper", learning_rate=0.02)
    assert (result.settings.learning_rate, result.settings.jitter, result.settings.steps) == (
        0.02,
        1 / 30,
        3,
    )


class Yes(dip.Rule):
    def update(self, step):
        return True


WRONG = {
    **{
        f"strength {strength}": (
            lambda strength=strength: dip.denoise(NOISY, strength=strength, **FEW),
            "from 0 to 1",
        )
        for strength in (-0.1, 1.1, True, "half", np.nan)
    },
    "too small": (
        lambda: dip.denoise(CLEAN[:63], noise="correlated", **FEW),
        "too small to tell correlated noise in",
    ),
    "correlated sigma": (
        lambda: dip.denoise(NOISY, noise="correlated", sigma=0.1, **FEW),
        "sigma is of white noise",
    ),
    "only NaN": (
        lambda: dip.denoise(np.full((4, 4), np.nan)),
        "every pixel of the image has a NaN",
    ),
    "masked": (
        lambda: dip.denoise(np.ma.masked_less(NOISY, 0.5), **FEW),
        "a masked array, whose mask would be lost",
    ),
    "text mask": (lambda: dip.inpaint(NOISY, np.full((64, 64), "x"), **FEW), "mask has dtype"),
    "no rule": (lambda: dip.denoise(NOISY, stop=3, **FEW), "stop is 3; give a name, a"),
    "a rule that says yes": (
        lambda: dip.denoise(NOISY, stop=Yes(), **FEW),
        "Yes.update returned True; return a Stop",
    ),
    "a rule that is not one": (lambda: dip.denoise(NOISY, stop=dip.Rule, **FEW), "makes no rule"),
    "nothing to stop by": (lambda: dip.denoise(NOISY, stop=None, **FEW), "stop is None; give"),
    "masked mask": (
        lambda: dip.inpaint(NOISY, np.ma.masked_equal(HOLED, False), **FEW),
        "the mask is a masked array",
    ),
    "no rule made": (lambda: dip.denoise(NOISY, stop=dict, **FEW), "stop made a dict"),
    "infinite": (lambda: dip.denoise(np.array([[0, np.inf], [1, 2]])), "1 NaN or infinite"),
    "constant": (lambda: dip.denoise(np.full((8, 8), 3)), "constant, 3 everywhere"),
    "one pixel": (lambda: dip.denoise(np.ones((1, 8))), "8 x 1 pixels"),
    "colours unsaid": (lambda: dip.denoise(NOISY), "give channel_axis"),
    "no colours": (lambda: dip.denoise(NOISY[..., 0], channel_axis=-1), "no channel_axis"),
    "text": (lambda: dip.denoise(np.array([["a", "b"]])), "dtype <U1"),
    "a huge range": (lambda: dip.denoise(1e200 * NOISY, **FEW), "more than its numbers can hold"),
    "booleans": (lambda: dip.denoise(HOLED), "dtype bool; give integers or real numbers"),
    "list without colours": (
        lambda: dip.inpaint(NOISY.tolist(), HOLED),
        "give channel_axis",
    ),
    "few to enlarge": (
        lambda: dip.upscale(np.random.default_rng(0).random((2, 9)), 8),
        "9 x 2 pixels are too few to learn from",
    ),
    "preset": (
        lambda: dip.denoise(NOISY, channel_axis=-1, preset="nice"),
        "unknown preset 'nice'; choose one of fast, best, paper",
    ),
    "holes": (
        lambda: dip.inpaint(NOISY, HOLED, holes="tiny", **FEW),
        "choose one of auto, text, random, large",
    ),
    "factor": (lambda: dip.upscale(NOISY, 5, **FEW), "choose one of 2, 3, 4, 8"),
    "too few to enlarge": (
        lambda: dip.upscale(NOISY[:7], 2, **FEW),
        "64 x 7 pixels are too few to learn from .* 8 a side",
    ),
    "sigma where E is no residual": (
        lambda: dip.inpaint(CLEAN, HOLED, sigma=0.1, **FEW),
        "sigma has no use here",
    ),
    "sigma": (
        lambda: dip.denoise(NOISY, sigma=0.0, **FEW),
        "sigma is 0.0, but must be a number above 0",
    ),
    "whole steps": (
        lambda: dip.denoise(NOISY, channel_axis=-1, steps=3.5),
        "steps is 3.5, but must be a whole number",
    ),
    "text steps": (lambda: dip.denoise(NOISY, channel_axis=-1, steps="3"), "steps is '3'"),
    "infinite rate": (
        lambda: dip.denoise(NOISY, learning_rate=np.inf, **FEW),
        "learning_rate is inf, but must be a number above 0",
    ),
    "axis": (lambda: dip.denoise(NOISY, channel_axis=5), "no channel_axis 5"),
    "axis that is none": (lambda: dip.denoise(NOISY, channel_axis=1.0), "no channel_axis 1.0"),
    "axis of the mask unsaid": (lambda: dip.inpaint(NOISY, HOLED), "give channel_axis"),
    "no mask": (lambda: dip.inpaint(NOISY, None, **FEW), "the mask has shape"),
    "text boost": (lambda: dip.enhance(NOISY, boost="x", **FEW), "boost is 'x'"),
    "no device": (lambda: dip.denoise(NOISY, device=None, **FEW), "unknown device None"),
    "nan sigma": (lambda: dip.denoise(NOISY, sigma=np.nan, **FEW), "sigma is nan"),
    "sigma of impulses": (
        lambda: dip.denoise(NOISY, noise="impulses", sigma=0.1, **FEW),
        "sigma is of white noise, not of impulses",
    ),
    "noise in a list": (lambda: dip.denoise(NOISY, noise=["white"], **FEW), "unknown noise"),
    "noise in other units": (
        lambda: dip.denoise(
            NOISY,
            noise=dip.CorrelatedNoise(
                torch.full((3, 64, 64), 25.0**2), torch.tensor([0.0, 255.0]), torch.ones(2)
            ),
            **FEW,
        ),
        "a deviation of 25, more than all",
    ),
    "true sigma": (lambda: dip.denoise(NOISY, sigma=True, **FEW), "sigma is True"),
    "shifts": (
        lambda: dip.denoise(NOISY, channel_axis=-1, shifts=10**9),
        "shifts is 1000000000, but",
    ),
    "no channels": (lambda: dip.denoise(NOISY[..., :0], channel_axis=-1), "it is empty"),
    "range": (lambda: dip.denoise(np.array([[1.7e308, -1.7e308], [0, 1]])), "spans more"),
    "NaN mask": (lambda: dip.inpaint(NOISY, np.full((64, 64), np.nan), **FEW), "mask has NaN"),
    "boost": (lambda: dip.enhance(NOISY, boost=np.nan, **FEW), "boost is nan"),
    "device name": (
        lambda: dip.denoise(NOISY, device="tpu", **FEW),
        "choose one of auto, cpu, cuda, mps",
    ),
    "device there": (
        lambda: dip.denoise(NOISY, device="mps", **FEW),
        "mps is not there; choose one of cpu",
    ),
    "steps": (lambda: dip.denoise(NOISY, channel_axis=-1, steps=0), "steps is 0"),
    "mask size": (
        lambda: dip.inpaint(NOISY, HOLED[1:], **FEW),
        r"the mask has shape \(63, 64\), the image 64 rows of 64",
    ),
    "all known": (
        lambda: dip.inpaint(NOISY, np.full((64, 64), 255), **FEW),
        "every pixel is known",
    ),
    "all missing": (
        lambda: dip.inpaint(NOISY, np.zeros((64, 64)), **FEW),
        "every pixel is missing",
    ),
    "flash size": (lambda: dip.flash(NOISY, NOISY[:60], **FEW), "flash photo is 64 x 60"),
}


@pytest.mark.parametrize("case", WRONG)
def test_bad_input_is_refused_in_one_line(case):
    call, reason = WRONG[case]
    with pytest.raises(dip.BadInput, match=reason) as refusal:
        call()
    assert "\n" not in str(refusal.value)


def test_tensors_and_numbers_of_numpy_are_taken():
    plain = dip.denoise(NOISY, **FEW)
    found = dip.denoise(torch.from_numpy(NOISY), **{**FEW, "steps": np.int64(FEW["steps"])})
    assert np.array_equal(found.image, plain.image)
    assert found.stopped == plain.stopped


def test_unknown_options_are_refused():
    with pytest.raises(TypeError, match=r"^denoise\(\) got an unexpected keyword argument 'stepz'"):
        dip.denoise(NOISY, stepz=3)


def test_masks_with_other_values_are_thresholded_aloud():
    gray = np.where(HOLED, 200, 10).astype(np.uint8)
    with pytest.warns(
        UserWarning, match="the mask is not only 0 and 255; values above 127.5 count as white"
    ):
        first = dip.inpaint(CLEAN, gray, **FEW)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second = dip.inpaint(CLEAN, HOLED, **FEW)
        dip.inpaint(CLEAN, HOLED.astype(np.uint8), **FEW)
    np.testing.assert_array_equal(first.image, second.image)


@pytest.mark.parametrize("dtype", [bool, np.uint8, float])
def test_a_pixel_of_a_mask_is_known_if_most_of_its_channels_are(dtype):
    one, two = np.stack([HOLED] * 3, axis=-1), np.stack([HOLED] * 3, axis=-1)
    one[~HOLED, 0], two[~HOLED, :2] = True, True
    two[0, 0] = False
    known = partial(known_pixels, image=CLEAN, channel_axis=-1)
    assert np.array_equal(known(one.astype(dtype)), HOLED)
    assert np.count_nonzero(~known(two.astype(dtype))) == 1
    if dtype is np.uint8:
        assert np.array_equal(known(255 * one.astype(dtype)), HOLED)


def test_holes_do_not_make_a_picture_a_clipped_one():
    image = np.random.default_rng(0).normal(size=(40, 40)).astype(np.float32)
    known = np.ones((40, 40), bool)
    known[10:30, 10:30] = False
    assert scale_of(blanked(image, known, None)) == scale_of(image[known][None])
    counts = np.rint(9 * image).astype(np.int32)
    assert blanked(counts, known, None).dtype == np.int32


def test_almost_white_masks_know_everything():
    nearly = np.where(HOLED, 255, 254).astype(np.uint8)
    with (
        pytest.warns(UserWarning, match="not only"),
        pytest.raises(dip.BadInput, match="every pixel is known"),
    ):
        dip.inpaint(CLEAN, nearly, **FEW)


@pytest.mark.parametrize("missing", [np.nan, -9999.0, 0.0])
def test_missing_pixels_may_hold_anything(missing):
    counts = np.where(HOLED, 100 * CLEAN[..., 0], missing)
    result = dip.inpaint(counts, HOLED, steps=60)
    assert np.array_equal(result.image[HOLED], counts[HOLED])
    assert np.abs(result.image - 100 * CLEAN[..., 0]).max() < 90
    other = dip.inpaint(np.where(HOLED, counts, 50.0), HOLED, steps=60)
    np.testing.assert_array_equal(result.image, other.image)


def test_values_that_are_nan_are_drawn_whatever_the_mask_says():
    counts = np.where(HOLED, CLEAN[..., 0], np.nan)
    known = HOLED.copy()
    known[:, 20:] = True
    result = dip.inpaint(counts, known, steps=60)
    assert np.isfinite(result.image).all()
    np.testing.assert_array_equal(result.image, dip.inpaint(counts, HOLED, steps=60).image)


@pytest.mark.parametrize("channel_axis", [None, 0])
def test_nan_stays_and_is_not_looked_at(channel_axis):
    x = 500 * photograph(64)[..., 1]
    x0 = x + np.random.default_rng(0).normal(0, 40, x.shape)
    x0[:, :20], x0[30, 40] = np.nan, np.nan
    missing = np.isnan(x0)
    given = x0 if channel_axis is None else x0[None]
    result = dip.denoise(given, noise="white", steps=20, channel_axis=channel_axis)
    restored = result.image.squeeze()
    np.testing.assert_array_equal(np.isnan(restored), missing)
    error, before = (np.nanstd(each - x) for each in (restored, x0))
    assert error < 0.6 * before
    assert result.noise.sigma == pytest.approx(40, rel=0.15)


def test_nan_of_one_channel_stays_in_an_enlargement():
    x0 = NOISY[:16, :24].copy()
    x0[3, 5, 1] = np.nan
    missing = np.isnan(dip.upscale(x0, 2, channel_axis=-1, steps=1).image)
    expected = np.isnan(x0).repeat(2, 0).repeat(2, 1)
    np.testing.assert_array_equal(missing, expected)


@pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.float64])
def test_known_pixels_are_kept_to_the_last_bit(dtype):
    image = np.random.default_rng(0).integers(0, 2**31 - 1, (64, 64)).astype(dtype) / (
        3 if dtype == np.float64 else 1
    )
    result = dip.inpaint(image.astype(dtype), HOLED, steps=2)
    np.testing.assert_array_equal(result.image[HOLED], image.astype(dtype)[HOLED])


def test_sigma_is_in_the_units_of_images_without_white(small_paper):
    sigma = 50 / 255
    observation = CLEAN + np.random.default_rng(0).normal(0, sigma, CLEAN.shape)
    ends = []
    for gain in (1, 255):
        result = dip.enhance(
            gain * observation,
            channel_axis=-1,
            sigma=gain * 1.1 * sigma,
            preset="paper",
            steps=300,
        )
        assert result.stopped.startswith("discrepancy")
        ends.append(sum(result.steps))
    assert ends[0] == ends[1]
    assert 1 < ends[0] < 300


@pytest.mark.parametrize("factor", [1, 8])
def test_where_not_even_a_tile_fits_into_memory_it_is_said(factor):
    image = np.random.default_rng(0).integers(0, 9, 2 * (2000 // factor,), np.uint8)
    task = dip.enhance if factor == 1 else partial(dip.upscale, factor=factor)
    message = r"256 x 256 pixels need about \d+\.\d [GM]iB on cpu, and 128\.0 MiB may be"
    with pytest.raises(dip.BadInput, match=message):
        task(image, preset="paper", memory=2**27)


def test_a_picture_larger_than_memory_is_enhanced_in_tiles(monkeypatch, small_paper):
    monkeypatch.setattr("deep_image_prior.anywhere.FITTED", (40,))
    monkeypatch.setattr("deep_image_prior.anywhere.SHARED", 16)
    needed = []
    monkeypatch.setattr(
        "deep_image_prior.memory.needed", lambda network, code: needed.append(code) or code[-1]
    )
    monkeypatch.setattr("deep_image_prior.memory.COPIES", 0)
    result = dip.enhance(CLEAN, channel_axis=-1, preset="paper", steps=2, memory=40)
    assert result.image.shape == CLEAN.shape
    assert len(result.steps) == 3 * 3
    assert needed[0][-2:] == (64, 64)


@pytest.mark.parametrize("limit", [0, -1, 1.5, "4GiB"])
def test_memory_is_a_number_of_bytes(limit):
    with pytest.raises(dip.BadInput, match=r"memory is .*, but must be a whole number at least 1"):
        dip.denoise(NOISY, channel_axis=-1, memory=limit)


def test_a_drawing_without_noise_is_left_as_it_is():
    ramp = np.tile(np.arange(64, dtype=np.uint8) * 3, (64, 1))
    result = dip.denoise(ramp, steps=20)
    assert np.abs(result.image.astype(int) - ramp).max() <= 1


def test_watch_sees_every_step_and_interrupts():
    seen = []

    def watch(step):
        seen.append(step.index)
        if step.index == 4:
            raise KeyboardInterrupt

    result = dip.denoise(NOISY, channel_axis=-1, watch=watch)
    assert seen == [1, 2, 3, 4]
    assert result.interrupted
    assert not result.complete
    assert result.image.shape == NOISY.shape


def test_the_noise_is_measured_and_told():
    found = dip.denoise(noisy(CLEAN), channel_axis=-1, steps=2).noise
    assert found.gain == 0
    assert 255 * found.sigma == pytest.approx(25, rel=0.15)
    assert dip.denoise(NOISY, channel_axis=-1, steps=2, sigma=0.1).noise.sigma == 0.1


@pytest.mark.parametrize("preset", ["fast", "paper"])
def test_impulses_are_removed(preset):
    drawn = np.random.default_rng(0).random(CLEAN.shape)
    observation = np.where(drawn < 0.2, np.round(drawn * 5), CLEAN)
    result = dip.denoise(
        observation, channel_axis=-1, preset=preset, steps=20 if preset == "fast" else 2
    )
    assert isinstance(result.noise, Impulses)
    assert result.noise.share == pytest.approx(0.2, abs=0.03)
    if preset == "fast":
        assert psnr(CLEAN, result.image, 1) > psnr(CLEAN, observation, 1) + 12


def test_impulses_that_are_not_there_are_a_bad_choice():
    with pytest.raises(dip.BadInput, match="there are no impulses"):
        dip.denoise(0.25 + CLEAN / 2, channel_axis=-1, noise="impulses")
    with pytest.raises(
        dip.BadInput, match="unknown noise 'pink'; choose one of auto, white, correlated, impulses"
    ):
        dip.denoise(NOISY, channel_axis=-1, noise="pink")


@pytest.mark.parametrize("preset", ["fast", "paper"])
def test_a_step_tells_what_would_be_restored_after_it(preset):
    shown = []
    options = {"channel_axis": -1, "preset": preset, "stop": "never", "steps": 3}
    result = dip.denoise(NOISY, watch=lambda step: shown.append(step.restored()), **options)
    assert shown[-1].dtype == NOISY.dtype
    assert np.array_equal(shown[-1], result.image)
    assert not np.array_equal(shown[0], result.image)


def damaged(kind):
    """A picture, and what restores it."""
    random = np.random.default_rng(0)
    if kind == "white":
        return NOISY, dip.denoise
    if kind == "correlated":
        noise = gaussian(random.normal(0, 1, CLEAN.shape), 1, channel_axis=-1)
        x0 = (CLEAN + 15 / 255 * noise / noise.std()).clip(0, 1)
        return x0, partial(dip.denoise, noise="correlated")
    if kind == "impulses":
        drawn = random.random(CLEAN.shape)
        return np.where(drawn < 0.2, drawn < 0.1, CLEAN), partial(dip.denoise, noise="impulses")
    if kind == "holes":
        known = random.random((64, 64)) > 0.4
        return CLEAN * known[..., None], lambda x0, **how: dip.inpaint(x0, known, **how)
    if kind == "small":
        small = rescale(CLEAN, 0.5, channel_axis=-1, anti_aliasing=True)
        return small, lambda x0, **how: dip.upscale(x0, 2, **how)
    if kind == "jpeg":
        file = io.BytesIO()
        Image.fromarray(np.rint(255 * CLEAN).astype(np.uint8)).save(file, "JPEG", quality=20)
        return np.asarray(Image.open(file)) / 255, partial(dip.dejpeg, quality=20)
    blurred = gaussian(CLEAN, 1, channel_axis=-1, mode="reflect")
    return blurred, lambda x0, **how: dip.deblur(x0, "gaussian:1", **how)


KINDS = ("white", "correlated", "impulses", "holes", "small", "jpeg", "blur")


@pytest.mark.parametrize("kind", KINDS)
def test_the_uncertainty_fits_the_errors(kind):
    x0, restore = damaged(kind)
    result = restore(x0, channel_axis=-1, steps=30)
    u = result.uncertainty
    assert u.shape == (64, 64)
    assert u.dtype == np.float32
    known = u == 0
    assert known.any() == (kind in ("impulses", "holes"))
    if known.any():  # some impulses are taken for values
        assert np.isclose(result.image, CLEAN, atol=1e-6)[known].mean() > 0.98
    error = np.abs(result.image - CLEAN)[~known]
    assert 0.8 < (error <= 2 * u[~known][:, None]).mean() < 0.995
    assert u[~known].std() > 0.05 * u[~known].mean(), "it says where"
    worst = u[~known] > np.quantile(u[~known], 0.8)
    assert np.square(error)[worst].mean() > np.square(error).mean()


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 65535), (float, 70)])
def test_the_uncertainty_is_in_the_units_of_the_image(dtype, white):
    unit = dip.denoise(np.rint(255 * NOISY) / 255, **FEW).uncertainty
    x0 = np.rint(255 * NOISY) * white / 255
    found = dip.denoise((x0 if dtype is float else np.rint(x0)).astype(dtype), **FEW).uncertainty
    assert found.dtype == np.float32
    assert np.median(found) == pytest.approx(white * np.median(unit), rel=0.1)


def test_what_is_kept_of_the_noise_is_uncertain():
    whole, half = (
        dip.denoise(NOISY, strength=strength, **FEW).uncertainty for strength in (1, 0.5)
    )
    noise = dip.denoise(NOISY, **FEW).noise.sigma
    expected = np.sqrt(0.25 * np.square(whole) + 0.25 * noise**2)
    assert half.mean() == pytest.approx(expected.mean(), rel=0.05)
    raw = dip.denoise(NOISY, raw=True, **FEW)
    error = np.abs(raw.image - CLEAN)
    assert 0.8 < (error <= 2 * raw.uncertainty[..., None]).mean() < 0.995


def test_nothing_is_said_where_nothing_is_known_and_an_unknown_pixel_has_none():
    x0 = NOISY.copy()
    x0[3, 4, 1] = np.nan
    unknown = np.isnan(dip.denoise(x0, **FEW).uncertainty)
    assert unknown.sum() == 1
    assert unknown[3, 4]
    assert dip.denoise(NOISY[:16, :16], preset="paper", **FEW).uncertainty is None
    assert dip.enhance(NOISY[:16, :16], **FEW).uncertainty is None


def test_known_pixels_that_are_drawn_anew_are_as_far_off_as_they_are():
    result = dip.inpaint(CLEAN * HOLED[..., None], HOLED, keep_known=False, **FEW)
    apart = np.square(result.image - CLEAN).mean(axis=-1) ** 0.5
    inside = (result.image > result.image.min()) & (result.image < result.image.max())
    seen = HOLED & inside.all(axis=-1)  # of what is not clipped
    np.testing.assert_allclose(result.uncertainty[seen], apart[seen], atol=1e-4)
    assert (result.uncertainty[~HOLED] > 0).all()


def test_an_interrupted_fit_has_an_uncertainty():
    def interrupt(step):
        if step.index == 2:
            raise KeyboardInterrupt

    result = dip.denoise(NOISY, watch=interrupt, **FEW)
    assert result.interrupted
    assert result.uncertainty.shape == (64, 64)


def test_the_uncertainty_of_a_large_picture_is_that_of_a_small_one(monkeypatch):
    x0 = NOISY.repeat(2, 0).repeat(2, 1)
    whole = dip.denoise(x0, noise="white", sigma=25 / 255, **FEW).uncertainty
    monkeypatch.setattr("deep_image_prior.anywhere.LARGEST", 100)
    tiled = dip.denoise(x0, noise="white", sigma=25 / 255, **FEW).uncertainty
    assert tiled.shape == whole.shape
    assert np.median(tiled) == pytest.approx(np.median(whole), rel=0.3)
    assert np.corrcoef(tiled.ravel(), whole.ravel())[0, 1] > 0.9


def test_a_flash_photo_is_no_copy_because_too_much_noise_is_told(quick_noise):
    told = dip.flash(NOISY, CLEAN, channel_axis=-1, steps=2, sigma=100 / 255)
    assert [line for line in told.cautions if "flash" in line] == []
    assert "detail is lost" in told.cautions[-1]
