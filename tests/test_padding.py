import torch

from deep_image_prior.padding import pad_reflect, reflect_indices


def test_images_go_on_by_reflection_as_often_as_needed():
    assert reflect_indices(3, 3, 3).tolist() == [1, 2, 1, 0, 1, 2, 1, 0, 1]
    grown = pad_reflect(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), (1, 1))
    assert grown[0, 0].tolist() == [[4, 3, 4, 3], [2, 1, 2, 1], [4, 3, 4, 3], [2, 1, 2, 1]]
