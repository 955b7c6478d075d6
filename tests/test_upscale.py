"""Enlargements of what is noisy, was compressed, or was made small by another filter."""

import io
from dataclasses import replace

import numpy as np
import pytest
from helpers import noisy, photograph, tensor
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage import data

import deep_image_prior as dip
from deep_image_prior.degradations import Downsampling, Lossy
from deep_image_prior.degradations.prefilters import prefilter
from deep_image_prior.errors import BadInput
from deep_image_prior.files import read
from deep_image_prior.images import scale_of
from deep_image_prior.metrics import psnr
from deep_image_prior.summary import summary
from deep_image_prior.tasks import Damage, Upscale
from deep_image_prior.tasks.upscale import presets

CLEAN = photograph(64)
SMALL = np.asarray(
    Image.fromarray((255 * CLEAN).astype(np.uint8)).resize((32, 32), Image.Resampling.LANCZOS)
)
SCALE = scale_of(SMALL)
FEW = {"channel_axis": -1, "steps": 8}
AS_IT_IS = presets(2)["fast"]  # a preset of the caller's own: nothing is done first


def enlarged(x0, **how):
    return dip.upscale(x0, 2, **{**FEW, **how})


def test_noise_that_is_told_is_taken_out_first():
    sigma = 20 / 255
    x0 = noisy(SMALL / 255, sigma)
    result = enlarged(x0, sigma=sigma)
    assert result.noise.sigma == sigma
    as_it_is = enlarged(x0, preset=AS_IT_IS)
    assert psnr(CLEAN, result.image, 1) > psnr(CLEAN, as_it_is.image, 1) + 1.5
    error = np.sqrt(np.square(result.image - CLEAN).mean(axis=2))
    assert (error < 2 * result.uncertainty).mean() > 0.85, "what is left of the noise counts"


def test_compression_is_undone_first():
    buffer = io.BytesIO()
    Image.fromarray(SMALL).save(buffer, "JPEG", quality=20)
    x0 = np.asarray(Image.open(buffer))
    result = enlarged(x0)
    assert result.compression.quality == 20
    as_it_is = enlarged(x0, preset=AS_IT_IS).image / 255
    assert psnr(CLEAN, result.image / 255, 1) > psnr(CLEAN, as_it_is, 1) + 0.2


def test_compression_that_is_guessed_is_said_to_be():
    x0 = tensor(SMALL / 255)
    x = x0.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)

    def cautions(compression):
        damage = Damage(compression=compression)
        return list(Upscale(2, channel_axis=-1).finish(x, x0, x0, damage).cautions)

    [caution] = cautions(Lossy(85, smoothed=True, guessed=True))
    assert "tell dejpeg a quality" in caution
    assert cautions(Lossy(85, smoothed=True)) == []


def test_texture_is_not_taken_for_noise():
    result = enlarged(SMALL, steps=2)
    assert result.noise is None
    assert result.compression is None
    assert Upscale(2).cleaner(Damage()) is None


def test_the_published_method_takes_nothing_out():
    x0 = noisy(SMALL / 255, 0.1)
    result = enlarged(x0, preset="paper", sigma=0.1, steps=3)
    assert result.noise is None
    with pytest.raises(BadInput, match="sigma has no use here"):
        enlarged(x0, preset=AS_IT_IS, sigma=0.1)


def test_a_checkpoint_keeps_what_was_cleaned(tmp_path, monkeypatch):
    x0 = noisy(SMALL[:24, :24] / 255, 0.1)
    how = {"sigma": 0.1, "steps": 5, "checkpoint": tmp_path / "job"}

    def cut(step):
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        enlarged(x0, **how, watch=cut)
    assert list((tmp_path / "job").glob("cleaned-*"))
    again = enlarged(x0, **how).image
    assert not (tmp_path / "job").exists()
    assert np.array_equal(again, enlarged(x0, sigma=0.1, steps=5).image)


def test_a_known_filter_is_taken_into_account():
    shrinking = Downsampling(2, prefilter("gaussian:2", 2, CLEAN.shape[:2]))
    x0 = shrinking.shrink(tensor(CLEAN))[0].permute(1, 2, 0).numpy()
    told, untold = (enlarged(x0, psf=psf).image for psf in ("gaussian:2", "lanczos2"))
    assert psnr(CLEAN, told, 1) > psnr(CLEAN, untold, 1) + 0.5
    with pytest.raises(BadInput, match="no filter, kernel or file 'lanczos9'"):
        enlarged(x0, psf="lanczos9")


def test_the_largest_factor_begins_with_a_coarse_fit():
    def coarse(shape, factor=8, preset="fast", **how):
        made = Upscale(factor, preset=preset, **how).presets(Damage(), shape)[preset]
        return made.objective.coarse and made.objective.coarse.settings.steps

    assert coarse((68, 68)) == 1000
    assert coarse((69, 69)) is None, "it would take minutes"
    assert coarse((68, 68), preset="best") == 2000
    assert coarse((68, 68), steps=30) == 30, "a trial is quick"
    assert coarse((20, 20), factor=4) is None


def test_a_soft_picture_is_said_to_be_soft():
    scene = tensor(data.rocket()[:256, 100:356] / 255)

    def measured(blur, **how):
        x0 = Downsampling(2, prefilter(blur, 2, (256, 256))).shrink(scene)
        _, damage = Upscale(2, channel_axis=-1, **how).measure(x0, SCALE, None)
        return damage.softness

    soft = measured("gaussian:1.5")
    assert soft == pytest.approx(1.5, abs=0.25)
    assert measured("gaussian:1.5", psf="gaussian:1.5") is None
    assert measured("lanczos2") is None
    result = enlarged(SMALL, steps=1)
    assert not [line for line in summary(result, SCALE) if "softness" in line]
    result = replace(result, damage=Damage(softness=soft))
    [said] = [line for line in summary(result, SCALE) if "softness" in line]
    assert f"--psf gaussian:{soft:.2g}" in said


@pytest.mark.parametrize(("psf", "said"), [("gaussian:4", 1), ("lanczos3", 0)])
def test_a_kernel_that_is_too_wide_is_said(psf, said):
    x0 = photograph(64)[:48:2, :48:2]
    assert len(dip.upscale(x0, 2, psf=psf, channel_axis=-1, steps=2).cautions) == said


@pytest.mark.parametrize(("steps", "taken"), [(3, 3), (5000, 300)])
def test_what_is_cleaned_first_takes_no_more_steps_than_usual(monkeypatch, steps, taken):
    seen = []

    def fitted(plan, *how):
        seen.append(plan.settings.steps)
        raise KeyboardInterrupt

    monkeypatch.setattr("deep_image_prior.restoration.fit_anywhere", fitted)
    with pytest.raises(KeyboardInterrupt):
        dip.upscale(np.random.default_rng(0).random((40, 40)), 2, sigma=0.2, steps=steps)
    assert seen == [taken]


SMOOTH = gaussian_filter(photograph(48), (1, 1, 0))


@pytest.mark.parametrize(
    ("x0", "how", "doubtful", "left"),
    [
        (SMOOTH, {}, False, False),
        (photograph(32), {}, True, True),  # texture, which may be noise
        (SMOOTH, {"sigma": 0.1}, True, False),
    ],
)
def test_errors_of_the_picture_are_not_drawn_with_the_rest(monkeypatch, x0, how, doubtful, left):
    seen = set()
    project = Downsampling.project

    def watched(downsampling, x, x0):
        seen.add(downsampling.doubtful)
        return project(downsampling, x, x0)

    monkeypatch.setattr(Downsampling, "project", watched)
    result = enlarged(x0, steps=1, **how)
    assert seen == {doubtful}
    assert (result.damage.noise_left is not None) == left
    assert any("left in" in line for line in summary(result, SCALE)) == left


@pytest.mark.parametrize(("sigma", "quality", "said"), [(0.1, 95, True), (0, 20, False)])
def test_noise_beside_compression_is_left_and_said(tmp_path, sigma, quality, said):
    pixels = np.rint(255 * noisy(photograph(96), sigma)) if sigma else 255 * photograph(96)
    Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "p.jpg", quality=quality)
    kept = read(tmp_path / "p.jpg")
    x0, task = tensor(kept.pixels / 255), Upscale(2, channel_axis=-1, coding=kept.coding)
    _, damage = task.measure(x0, SCALE, None)
    assert damage.compression
    assert (damage.noise_left is not None) == said


def test_noise_that_is_left_is_told_in_the_units_of_the_image():
    left = enlarged(photograph(32), steps=1).damage.noise_left
    assert left > 1.5 / 255
    thousands = enlarged(1000 * photograph(32), steps=1)
    assert thousands.damage.noise_left == pytest.approx(1000 * left, rel=0.02)
    [said] = [line for line in summary(thousands, scale_of(thousands.image)) if "left in" in line]
    assert f"up to about {thousands.damage.noise_left:.2g} in the units of the image" in said
