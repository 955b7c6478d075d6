"""A real classifier, through the door for one's own: it is understood, and its pictures are of
something.
"""

import numpy as np
import pytest
from skimage import data

from benchmarks import judges
from deep_image_prior import invert, maximise
from deep_image_prior.features import Features, shapes
from deep_image_prior.images import EIGHT_BITS, to_tensor


@pytest.fixture(scope="module")
def phi():
    return judges.own()


CAT = data.chelsea()[:, 75:375]  # 300 x 300


def test_it_knows_a_photograph_of_a_cat(phi):
    shown = invert(CAT, phi, "_conv_stem", channel_axis=-1, steps=1).parts["shown"]
    outputs = Features(phi)(to_tensor(shown, -1, EIGHT_BITS, phi.black().device))
    best = [phi.classes[k] for k in outputs[0].topk(3).indices]
    assert {"tabby", "tiger cat", "Egyptian cat"} & set(best)


@pytest.mark.parametrize(
    ("layer", "shape", "steps", "error", "psnr"),
    [("_conv_stem", (32, 112, 112), 20, 0.33, 20), ("_blocks.6", (80, 14, 14), 20, 0.72, 16)],
)
def test_layers_are_inverted(phi, layer, shape, steps, error, psnr):
    assert shapes(phi)[layer] == shape
    result = invert(CAT, phi, layer, channel_axis=-1, steps=steps)
    assert result.measures["feature_error"] < error
    assert result.measures["psnr"] > psnr
    flat = np.full_like(result.image, CAT.mean()) / 255 - result.parts["shown"] / 255
    assert result.measures["psnr"] > 0.5 - 10 * np.log10(np.square(flat).mean()), (
        "better than a gray card"
    )


def test_a_class_is_drawn_until_it_is_sure(phi):
    result = maximise(phi, "goldfish", steps=16)
    assert result.measures["probability"] > 0.9
    repeated = maximise(phi, "goldfish", steps=3)
    assert repeated.history == result.history[:3]
