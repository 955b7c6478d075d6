import pytest
import torch

from deep_image_prior import BadInput
from deep_image_prior.degradations import Compression
from deep_image_prior.energies import squared_error
from deep_image_prior.networks import Refiner
from deep_image_prior.objectives import Observed, Recorruption
from deep_image_prior.objectives.recorruption import RecorruptedPair
from deep_image_prior.operators import identity

IMAGE = torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(0))


def test_the_energy_is_the_error_to_the_estimate_that_was_compressed_again():
    pair = RecorruptedPair(IMAGE, Compression(20))
    assert pair.energy(pair.estimate.expand(2, -1, -1, -1)) == 0
    assert pair.energy((pair.estimate + 0.5).expand(2, -1, -1, -1)).item() == pytest.approx(0.25)
    z = pair.code(torch.Generator())
    assert torch.equal(z[0, :3], pair.estimate[0])
    assert torch.equal(z[0, -3:], IMAGE[0])
    assert torch.equal(z[1, -3:], Compression(20).compress(pair.estimate)[0])


def test_without_a_trace_it_wants_to_be_told():
    observed = Observed(IMAGE, squared_error(IMAGE, identity), damage=None)
    with pytest.raises(BadInput, match="no trace of JPEG blocks"):
        Recorruption().problem(Refiner, observed)
