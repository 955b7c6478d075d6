import pytest
import torch

from deep_image_prior import neighbourhoods as module
from deep_image_prior.around import fit_around, in_stages
from deep_image_prior.fitting import Fit
from deep_image_prior.neighbourhoods import neighbourhoods
from deep_image_prior.runs import Run
from deep_image_prior.step import Stop


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 60 * 60)
    monkeypatch.setattr(module, "NEAR", 10)
    monkeypatch.setattr(module, "FAR", 20)


def holed(*corners, side=20, shape=(200, 300)):
    x0 = torch.rand(1, 3, *shape, generator=torch.Generator().manual_seed(0))
    for top, left in corners:
        x0[..., top : top + side, left : left + side] = torch.nan
    return x0


def test_a_small_picture_is_one():
    assert neighbourhoods(holed((10, 10), shape=(60, 60))) == []


def test_every_hole_is_in_one_neighbourhood_with_what_is_around_it():
    x0 = holed((50, 50), (50, 80), (150, 250))
    parts = neighbourhoods(x0)
    assert len(parts) == 2, "near ones are put together"
    own = torch.zeros(1, 1, 200, 300)
    for part in parts:
        part.window(own).add_(part.own)
        seen = part.window(x0)
        assert (seen.isnan().any(dim=1, keepdim=True) == part.own).all()
        assert not seen[..., :10, :].isnan().any()
    assert torch.equal(own, x0[:, :1].isnan().float())


def test_large_holes_see_farther_and_what_is_cut_off_is_not_theirs():
    x0 = holed((20, 20), side=60)
    x0[..., 90:110, 30:40] = torch.nan
    parts = neighbourhoods(x0)
    assert [part.own.shape[-2:] for part in parts] == [(100, 100), (40, 30)]
    assert parts[0].window(x0).isnan().sum() > 3 * parts[0].own.sum()
    assert sum(part.own.sum() for part in parts) == x0[:, :1].isnan().sum()


def drawn(x0, value, stop="budget"):
    run = Run([1.0], Stop(stop, 1, stop), chosen=1, seconds=1.0)
    variance = torch.full_like(x0[:, :1], 0.5)
    return Fit(image=torch.full_like(x0, value), variance=variance, runs=(run,), seconds=2.0)


def test_the_picture_changes_in_its_holes_alone():
    x0, seen = holed((50, 50), (150, 250)), []

    def fit_part(part, put, checkpoint):
        seen.append(part)
        assert put(torch.zeros_like(part)).shape == x0.shape
        return drawn(part, 0.25 * len(seen))

    done = fit_around(neighbourhoods(x0), x0, fit_part, None)
    missing = x0.isnan()
    assert torch.equal(done.image[~missing], x0[~missing])
    assert set(done.image[missing].tolist()) == {0.25, 0.5}
    assert torch.equal(done.variance > 0, missing[:, :1])
    assert done.steps == [1, 1]
    assert done.seconds == 4


def test_an_interrupt_between_holes_is_no_result():
    x0 = holed((50, 50), (150, 250))
    with pytest.raises(KeyboardInterrupt):
        fit_around(neighbourhoods(x0), x0, lambda x, put, at: drawn(x, 0.5, "interrupted"), None)


def test_stages_end_with_the_last_image_and_add_up():
    first, second = drawn(torch.zeros(1, 3, 4, 4), 0.2), drawn(torch.zeros(1, 3, 4, 4), 0.7)
    done = in_stages([first, second])
    assert torch.equal(done.image, second.image)
    assert (done.variance == 1).all()
    assert done.steps == [1, 1]
