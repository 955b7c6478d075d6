import pytest
import torch
from helpers import photograph, tiny

from deep_image_prior.degradations import Holes, marked
from deep_image_prior.denoisers import consensus_fill, halve_known
from deep_image_prior.energies import squared_error
from deep_image_prior.fitting import fit
from deep_image_prior.networks import Refiner
from deep_image_prior.objectives import Exemplars, ExemplarsAndPrior, Observed
from deep_image_prior.operators import identity
from deep_image_prior.settings import Settings
from deep_image_prior.tasks.preset import once

IMAGE = torch.from_numpy(photograph(47)).float().permute(2, 0, 1)[None]
KNOWN = torch.ones(1, 1, 47, 47)
KNOWN[..., 14:26, 20:34] = 0
OBSERVED = Observed(marked(IMAGE, KNOWN), squared_error(IMAGE, identity), Holes())


@pytest.fixture(scope="module")
def fills():
    return consensus_fill(IMAGE * KNOWN, KNOWN, (5, 7))


def test_the_best_fill_is_the_result_whatever_the_steps(fills):
    problem = Exemplars(sizes=(5, 7)).problem(Refiner, OBSERVED)
    assert problem.shape == (1, 9, 47, 47)
    assert torch.equal(problem.code(torch.Generator()), fills.flatten(0, 1)[None])
    assert problem.energy(fills[:1]) == 0
    for steps in (1, 3):
        done = fit(problem, Settings(**{**vars(once), "steps": steps}))
        torch.testing.assert_close(done.image, fills[:1], atol=1e-5, rtol=0)


def test_what_f_draws_is_one_more_fill():
    problem = ExemplarsAndPrior(sizes=(5,)).problem(tiny, OBSERVED)
    small, known = halve_known(IMAGE * KNOWN, KNOWN)
    assert problem.code(torch.Generator()).shape == problem.shape == (1, 2, 24, 24)
    assert problem.energy(small) == 0, "the mean of known pixels"
    hidden = small + (known == 0)
    assert problem.energy(hidden) == 0
    assert problem.energy(small + 0.1).item() == pytest.approx(0.01)
    for gray in (0.0, 1.0):
        drawn = problem.finish(torch.full_like(small, gray))
        assert torch.equal(drawn, torch.where(KNOWN > 0, IMAGE, gray))
        expected = consensus_fill(IMAGE * KNOWN, KNOWN, (5,), beside=[drawn])[:1]
        assert torch.equal(problem.complete(drawn), expected)


def test_steps_are_watched_without_patches():
    problem, seen = ExemplarsAndPrior(sizes=(5,)).problem(tiny, OBSERVED), []
    done = fit(problem, Settings(steps=2, jitter=0), watch=seen.append)
    assert torch.equal(seen[-1].average, seen[-1].average.where(KNOWN == 0, IMAGE))
    assert torch.equal(done.image, problem.complete(seen[-1].average))
    assert torch.equal(done.image, seen[-1].restored())
