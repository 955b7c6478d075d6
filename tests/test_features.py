import pytest
import torch
from torch import nn

from deep_image_prior import BadInput, Settings, fit
from deep_image_prior.classifiers import Classifier
from deep_image_prior.energies import activation, relative_error
from deep_image_prior.features import Features, shapes
from deep_image_prior.networks.hourglass import Scale
from deep_image_prior.tasks import Invert, Maximise, invert, maximise


class Pair(nn.Module):
    def forward(self, x):
        return x, x


class Rounded(nn.Module):
    def forward(self, x):
        return x.detach().round()


class Trap(nn.Module):
    def forward(self, x):
        raise AssertionError("what is behind the layer must not be run")


class Unused(nn.Sequential):
    def forward(self, x):
        return self[0](x)


def phi(*layers: nn.Module, kind=nn.Sequential) -> Classifier:
    torch.manual_seed(0)
    return Classifier("phi", kind(*layers), size=32, mean=(0, 0, 0), std=(1, 1, 1))


def test_only_the_network_up_to_the_layer_is_run():
    convolution = nn.Conv2d(3, 2, 3)
    operator = Features(phi(convolution, nn.ReLU(), Trap()), "0")
    x = torch.rand(2, 3, 8, 8, requires_grad=True)
    features = operator(x)
    torch.testing.assert_close(features, convolution(x), msg="before the activation behind it")
    features.sum().backward()
    assert x.grad is not None


def test_without_a_layer_it_is_the_outputs():
    x = torch.rand(1, 3, 4, 4)
    assert Features(phi(nn.Flatten()))(x).tolist() == x.flatten(1).tolist()


@pytest.mark.parametrize(
    ("classifier", "layer", "reason"),
    [
        (phi(Pair()), None, "a tuple, not a tensor"),
        (phi(Pair()), "0", "phi, 0: a tuple"),
        (phi(Rounded()), "0", "not differentiable"),
        (phi(nn.ReLU(), nn.ReLU(), kind=Unused), "1", "not used when the network is run"),
    ],
)
def test_layers_that_will_not_do_are_refused(classifier, layer, reason):
    with pytest.raises(BadInput, match=reason):
        Features(classifier, layer)(torch.rand(1, 3, 4, 4, requires_grad=True))


class Careless(nn.Sequential):
    def forward(self, x):
        try:
            return super().forward(x)
        except Exception:
            return x


def test_a_network_that_catches_errors_is_cut_too():
    assert Features(phi(nn.Flatten(), Trap(), kind=Careless), "0")(
        torch.rand(1, 3, 4, 4)
    ).shape == (1, 48)


def test_a_network_that_fails_has_no_shapes():
    with pytest.raises(
        BadInput, match=r"phi: fails on an image of 3 x 32 x 32, float32 \(AssertionError: what is"
    ):
        shapes(phi(nn.ReLU(), Trap()))


def test_the_network_is_frozen_and_in_eval_mode():
    network = phi(nn.Conv2d(3, 2, 3), nn.Dropout()).network
    assert not network[1].training
    assert not network[0].weight.requires_grad


def test_energies_by_hand():
    features = torch.tensor([3.0, 4.0])
    assert relative_error(features, lambda x: features + x)(torch.tensor([0.0, 5.0])) == 1
    assert relative_error(features, lambda x: x)(features) == 0
    assert activation(lambda x: x, 1)(torch.tensor([[1.0, 2.0, 3.0]])) == -2
    maps = torch.zeros(1, 2, 3, 4)
    maps[0, 1, 1, 2] = 7
    assert activation(lambda x: x, 1)(maps) == -7


def edges() -> Classifier:
    return phi(
        nn.Conv2d(3, 8, 5, stride=2),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


def test_features_are_inverted():
    operator = Features(edges(), "2")
    x = torch.rand(1, 3, 4, 4).repeat_interleave(8, 2).repeat_interleave(8, 3)
    preset = invert.presets()["fast"]
    result = fit(
        Invert(edges(), "2").build(x, operator, preset), Settings(steps=60, jitter=0, averaging=0.9)
    )
    assert result.history[-1] < 0.2 * result.history[0]
    assert relative_error(operator(x), operator)(result.image) < 0.2 * result.history[0]


def test_an_activation_is_raised():
    operator = Features(edges())
    like = torch.zeros(1, 3, 32, 32)
    result = fit(
        Maximise(edges(), 3).build(like, operator, 3, maximise.presets()["fast"]),
        Settings(steps=40, jitter=0.03),
    )
    assert operator(result.image)[0, 3] > operator(torch.rand(1, 3, 32, 32))[0, 3] + 0.1


@pytest.mark.parametrize(
    ("task", "kernels"), [(invert, [7, 7, 5, 5, 3, 3]), (maximise, [5, 3, 5, 5, 3, 5])]
)
def test_the_papers_networks_have_its_kernels(task, kernels):
    preset = task.presets()["paper"]
    network = preset.network(32, 3)
    scales = [module for module in network.modules() if isinstance(module, Scale)]  # finest first
    assert [scale.deep[0].kernel_size[0] for scale in scales] == kernels
    assert [scale.merge[1].kernel_size[0] for scale in scales] == kernels
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert all(each.padding == (each.kernel_size[0] // 2,) * 2 for each in convolutions), (
        "zeros, no reflection"
    )
    assert (preset.settings.steps, preset.settings.learning_rate) == (3100, 0.001)
