import pytest
import torch
from helpers import photograph
from skimage import data

from deep_image_prior.degradations import Impulses, Noise, recognise
from deep_image_prior.degradations.impulses import (
    detect,
    has_impulses,
    has_specks,
    impulse_mask,
    measure,
)

CLEAN = torch.from_numpy(photograph(128)).float().permute(2, 0, 1)[None]


def grainy(sigma: float) -> torch.Tensor:
    n = torch.randn(CLEAN.shape, generator=torch.Generator().manual_seed(0))
    return (CLEAN + sigma / 255 * n).clamp(0, 1)


def salted(share: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The photograph with that share of its values black or white, and which."""
    drawn = torch.rand(CLEAN.shape, generator=torch.Generator().manual_seed(2))
    hit = drawn < share
    return torch.where(hit, (drawn < share / 2).float(), CLEAN), hit


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_impulses_are_told_from_other_noise_and_found(share):
    observation, hit = salted(share)
    assert has_impulses(observation)
    found = impulse_mask(observation) > 0
    unlike = hit & ((observation - CLEAN).abs() > 0.2)
    assert (found & unlike).sum() > 0.95 * unlike.sum()
    assert (found & ~hit).sum() < 0.01 * hit.sum()


@pytest.mark.parametrize("sigma", [0, 25, 50, 100])
def test_other_noise_and_none_are_no_impulses(sigma):
    assert not has_impulses(grainy(sigma))


@pytest.mark.parametrize("sigma", [0, 8, 15])
def test_a_few_among_other_noise_are_specks(sigma):
    grain = grainy(sigma)
    assert not has_specks(grain)
    chance = torch.rand(grain.shape, generator=torch.Generator().manual_seed(1))
    salted = grain.where(chance > 0.004, 0.0).where(chance < 0.996, 1.0)
    assert has_specks(salted)
    assert not has_specks(salted[..., :8, :8])


def test_a_picture_of_a_few_pixels_has_none():
    observation, _ = salted(0.5)
    assert detect(observation[..., :9, :]) is None
    assert detect(observation[..., :10, :])


def test_impulses_on_a_page_of_text_are_found():
    page = torch.from_numpy(data.page()).float()[None, None] / 255
    assert not has_impulses(page)
    n = torch.randn(page.shape, generator=torch.Generator().manual_seed(0))
    for sigma in (10, 25, 100):
        assert not has_impulses((page + sigma / 255 * n).clamp(0, 1))
    drawn = torch.rand(page.shape, generator=torch.Generator().manual_seed(2))
    salted = torch.where(drawn < 0.04, (drawn < 0.02).float(), page)
    assert has_impulses(salted)
    few = torch.where(drawn < 0.004, (drawn < 0.002).float(), page.clamp(0.05, 0.95))
    assert not has_impulses(few), "a few may be of the picture"
    nearly = torch.where(drawn > 0.999, 252 / 255, 3 / 255)
    assert not has_impulses(torch.where(drawn > 0.998, nearly, salted)), "values go on to white"
    photons = torch.poisson(5 * page, torch.Generator().manual_seed(0)) / 5
    assert not has_impulses(photons.clamp(0, 1)), "no photon where it is bright is no impulse"
    dark = torch.where(drawn < 0.04, 0.0, page)
    assert not has_impulses(dark), "strokes of a pen may be black"


def test_a_drawing_of_black_and_white_areas_has_no_impulses():
    drawing = torch.zeros(1, 1, 60, 60)
    drawing[..., 20:40, 10:50] = 1
    assert not has_impulses(drawing)
    assert impulse_mask(drawing).sum() <= 12, "three pixels a corner at most"


def test_the_share_is_that_of_the_mask_whether_it_is_detected_or_told():
    observation, hit = salted(0.2)
    assert detect(observation) == measure(observation) == recognise(observation)
    assert detect(observation).share == impulse_mask(observation).mean().item()
    assert detect(observation).share == pytest.approx(hit.float().mean().item(), abs=0.02)
    assert measure(torch.full((1, 1, 9, 9), 0.5)) == Impulses(0.0)


def test_what_is_no_impulse_noise_is_recognised_as_white():
    assert detect(grainy(25)) is None
    found = recognise(grainy(25), clipped=False)
    assert isinstance(found, Noise)
    assert 255 * found.sigma == pytest.approx(25, rel=0.1)
    assert not found.clipped
