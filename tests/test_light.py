import numpy as np
import torch

from deep_image_prior.light import from_root, to_root


def test_the_root_of_light_and_back():
    x = torch.linspace(0, 1, 1001, dtype=torch.float64)
    root = to_root(x)
    assert (root[0], root[-1]) == (0, 1)
    assert (root.diff() > 0).all()
    torch.testing.assert_close(from_root(root), x, atol=1e-7, rtol=0)
    assert from_root(torch.tensor([-0.01])) == 0


def test_noise_of_photons_is_the_same_in_dark_and_bright():
    light = np.array([[0.05], [0.2], [0.9]])
    counted = np.random.default_rng(0).poisson(400 * light, (3, 20000)) / 400
    srgb = 1.055 * counted.clip(0.0031308) ** (1 / 2.4) - 0.055
    spread = to_root(torch.from_numpy(srgb)).std(dim=1)
    assert spread.max() < 1.15 * spread.min()
