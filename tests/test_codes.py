import torch

from deep_image_prior import codes


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_noise_is_uniform_between_0_and_a_tenth():
    z = codes.noise(torch.zeros(1, 3, 64, 48), draw(), channels=32)
    assert z.shape == (1, 32, 64, 48)
    assert z.min() >= 0
    assert 0.0999 < z.max() <= 0.1
    assert abs(z.mean() - 0.05) < 1e-3


def test_noise_follows_its_generator_only():
    like = torch.zeros(1, 1, 8, 8)
    torch.manual_seed(1)
    first = codes.noise(like, draw())
    torch.manual_seed(2)
    assert torch.equal(first, codes.noise(like, draw()))
    assert not torch.equal(first, codes.noise(like, draw(1)))


def test_meshgrid_holds_column_and_row():
    z = codes.meshgrid(torch.zeros(1, 3, 2, 3), draw())
    assert z.tolist() == [[[[0, 0.5, 1], [0, 0.5, 1]], [[0, 0, 0], [1, 1, 1]]]]


def test_image_is_its_own_code():
    image = torch.rand(1, 3, 4, 4)
    assert torch.equal(codes.image(image, draw()), image)


def test_blurs_keep_constants_and_lose_grain():
    assert torch.allclose(codes.blurs(torch.full((1, 2, 9, 9), 0.3), draw()), torch.tensor(0.3))
    z = codes.blurs(torch.rand(1, 1, 64, 64, generator=draw()), draw(), sigmas=(1, 4))
    assert z.shape == (1, 2, 64, 64)
    assert z[0, 1].std() < z[0, 0].std() / 3
