import pytest
import torch

from deep_image_prior.padding import pad_reflect, reflect_indices


def test_images_go_on_by_reflection_as_often_as_needed():
    assert reflect_indices(3, 3, 3).tolist() == [1, 2, 1, 0, 1, 2, 1, 0, 1]
    grown = pad_reflect(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), (1, 1))
    assert grown[0, 0].tolist() == [[4, 3, 4, 3], [2, 1, 2, 1], [4, 3, 4, 3], [2, 1, 2, 1]]


@pytest.mark.parametrize(("rows", "columns"), [((1, 3), (0, 2)), ((9, 0), (4, 13))])
def test_far_and_near_reflections_are_the_same(rows, columns):
    image = torch.rand(2, 3, 4, 5)
    height, width = (reflect_indices(n, *more) for n, more in ((4, rows), (5, columns)))
    expected = image[..., height[:, None], width]
    assert pad_reflect(image, rows, columns).equal(expected)
