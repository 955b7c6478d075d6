import pytest
import torch

from deep_image_prior import BadInput
from deep_image_prior.degradations import Compression
from deep_image_prior.energies import squared_error
from deep_image_prior.networks import Refiner
from deep_image_prior.objectives import Observed, Recorruption
from deep_image_prior.objectives.recorruption import RecorruptedPair
from deep_image_prior.operators import identity
from deep_image_prior.windows import Window, Windows

IMAGE = torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(0))


def test_the_energy_is_the_error_to_the_estimate_that_was_compressed_again():
    pair = RecorruptedPair(IMAGE, Compression(20))
    assert pair.energy(pair.estimate) == 0
    assert pair.energy(pair.estimate + 0.5).item() == pytest.approx(0.25)
    z, again = pair.code(torch.Generator()), Compression(20).compress(pair.estimate)
    assert torch.equal(z[:, -3:], again)
    shown = pair.part(IMAGE).code
    assert torch.equal(shown[:, :3], pair.estimate)
    assert torch.equal(shown[:, -3:], IMAGE)
    assert torch.equal(pair.part(IMAGE.clone()).code, shown)
    assert torch.equal(pair.part(again, (0, 0)).code, z), (
        "x0 and what is fitted have the same images"
    )


def test_the_distance_from_the_estimate_that_the_code_begins_with():
    pair = RecorruptedPair(IMAGE, Compression(20))
    window = Windows((Window(slice(4, 20), slice(8, 24)),))
    first = window(pair.code(torch.Generator())[:, :3])
    assert pair.distance_from_mix(window, first) == 0
    assert pair.distance_from_mix(window, first + 0.1).item() == pytest.approx(0.01)


def test_without_a_trace_it_wants_to_be_told():
    observed = Observed(IMAGE, squared_error(IMAGE, identity), damage=None)
    with pytest.raises(BadInput, match="no trace of JPEG blocks"):
        Recorruption().problem(Refiner, observed)
