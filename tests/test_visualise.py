import numpy as np
import pytest
import torch
from helpers import At, photograph
from torch import nn

from deep_image_prior import BadInput, invert, maximise
from deep_image_prior.classifiers import Classifier

SIZE = 16


class Pair(nn.Module):
    def forward(self, x):
        return x, x


class Broken(nn.Module):
    def forward(self, x):
        return {}["k"]


def nowhere() -> Classifier:
    with torch.device("meta"):
        return phi()


def phi(*layers: nn.Module) -> Classifier:
    torch.manual_seed(0)
    own = layers or (
        nn.Conv2d(3, 4, 3),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16, 2),
    )
    network = nn.Sequential(*own)
    return Classifier("phi", network, SIZE, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), ("cat, tabby", "dog"))


def error(classifier: Classifier, layer: int, one, other) -> float:
    """|Phi(x) - Phi(x0)|^2 / |Phi(x0)|^2 of colour images (S, S, 3) in [0, 1], without the code
    under test.
    """
    features, wanted = (
        classifier.network[: layer + 1](torch.from_numpy(2 * x - 1).float().permute(2, 0, 1)[None])
        for x in (one, other)
    )
    return float((features - wanted).square().sum() / wanted.square().sum())


def test_best_keeps_the_run_of_the_least_energy():
    image = (255 * photograph(SIZE)).astype(np.uint8)
    told = []
    how = {"channel_axis": -1, "steps": 10}
    best = invert(image, phi(), "0", preset="best", tell=told.append, **how)
    assert [(phase.name, phase.total) for phase in told] == [("learning", 3)]
    runs = [invert(image, phi(), "0", seed=seed, **how) for seed in range(3)]
    energies = [run.history[-1] for run in runs]
    assert (best.image == runs[energies.index(min(energies))].image).all()


def test_the_measures_are_of_the_image_returned():
    image = (255 * photograph(SIZE)).astype(np.uint8)
    result = invert(image, phi(), "0", channel_axis=-1, steps=40)
    assert result.image.shape == (SIZE, SIZE, 3)
    assert result.image.dtype == np.uint8
    assert (result.parts["shown"] == image).all(), "it has the size already"
    expected = error(phi(), 0, result.image / 255, image / 255)
    assert result.measures["feature_error"] == pytest.approx(expected, rel=1e-4)
    assert result.measures["feature_error"] < 0.5 * result.history[0]
    gap = np.square(result.image / 255 - image / 255).mean()
    assert result.measures["psnr"] == pytest.approx(-10 * np.log10(gap), abs=0.01)


def test_the_centre_square_is_shown_at_the_size_of_the_classifier():
    image = np.zeros((2 * SIZE, 5 * SIZE))
    image[:, 2 * SIZE : 3 * SIZE] = 1
    shown = invert(image, phi(), "0", steps=1).parts["shown"]
    assert shown.shape == (SIZE, SIZE)
    assert (shown[:, 6:10] == 1).all()
    assert (shown[:, [0, 1, -2, -1]] == 0).all()


def test_gray_stays_gray_and_16_bits_stay_so():
    gray = np.rint(4000 * photograph(SIZE)[..., 0]).astype(np.uint16)
    result = invert(gray, phi(), "2", steps=2)
    assert (result.image.shape, result.image.dtype) == ((SIZE, SIZE), np.uint16)


def test_an_output_is_chosen_by_label_or_number():
    by_label, by_number = (maximise(phi(), unit, steps=15) for unit in ("tabby", 0))
    assert (by_label.image == by_number.image).all()
    x = torch.from_numpy(by_label.image / 127.5 - 1).float().permute(2, 0, 1)[None]
    outputs = phi().network(x)
    assert by_label.measures["activation"] == pytest.approx(outputs[0, 0].item(), abs=1e-5)
    assert by_label.measures["probability"] == pytest.approx(
        outputs.softmax(1)[0, 0].item(), abs=1e-5
    )
    assert by_label.measures["activation"] > -by_label.history[0]


def test_the_middle_of_a_map_is_excited():
    result = maximise(phi(), 3, "0", steps=20, channel_axis=0)
    assert result.image.shape == (3, SIZE, SIZE)
    maps = phi().network[0](torch.from_numpy(result.image / 127.5 - 1).float()[None])
    assert result.measures == {"activation": pytest.approx(maps[0, 3, 7, 7].item(), abs=1e-5)}


def test_equal_seeds_give_equal_images():
    one, again, other = (maximise(phi(), 1, steps=3, seed=seed).image for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()


def test_vgg_takes_the_steps_of_the_paper():
    named = Classifier("vgg19", phi().network, SIZE)
    photo = photograph(SIZE)
    budgets = []

    def watch(step):
        budgets.append(step.budget)
        raise KeyboardInterrupt

    for classifier in (named, phi()):
        invert(photo, classifier, "0", channel_axis=-1, preset="paper", watch=watch)
    assert budgets == [10000, 3100]


PHOTO = photograph(SIZE)
WRONG = {
    "small": (
        lambda: invert(photograph(SIZE - 1), phi(), "0", channel_axis=-1),
        "15 x 15 pixels, less than the 16",
    ),
    "layer": (lambda: invert(PHOTO, phi(), "9", channel_axis=-1), "no layer '9'"),
    "five channels": (
        lambda: invert(np.dstack([PHOTO, PHOTO[..., :2]]), phi(), "0", channel_axis=-1),
        "5 channels",
    ),
    "tuple": (
        lambda: invert(PHOTO, phi(Pair()), "0", channel_axis=-1),
        "^phi, 0: a tuple, not a tensor",
    ),
    "shape": (
        lambda: invert(PHOTO, phi(nn.Flatten(), nn.Linear(5, 2)), "1", channel_axis=-1),
        r"fails on an image of 3 x 16 x 16, float32 \(RuntimeError: .*mat1",
    ),
    "broken": (lambda: maximise(phi(Broken()), 0), r"fails on .* \(KeyError: 'k'\)"),
    "probabilities": (
        lambda: maximise(phi(nn.Flatten(), nn.Linear(768, 2), nn.Softmax(1)), 0),
        "without its softmax",
    ),
    "a network": (
        lambda: maximise(phi().network, 0),
        "classifier is a Sequential; give a classifiers.Classifier",
    ),
    "a name": (lambda: invert(PHOTO, "alexnet", "conv1", channel_axis=-1), "classifier is a str"),
    "nowhere": (lambda: maximise(nowhere(), 0), "phi cannot be moved to"),
    "zero": (
        lambda: invert(PHOTO, phi(nn.Threshold(9, 0)), "0", channel_axis=-1),
        "0 everywhere for this image",
    ),
    "not finite": (
        lambda: maximise(phi(nn.Flatten(), nn.Threshold(9, float("nan"))), 0),
        "not finite",
    ),
    "label": (lambda: maximise(phi(), "dgo"), "no class 'dgo'; nearest are dog"),
    "label of a layer": (lambda: maximise(phi(), "dog", "0"), "4 units, but 2 names of classes"),
    "unit": (lambda: maximise(phi(), 2), "no unit 2; they are 0 to 1"),
    "axis": (lambda: maximise(phi(), 1, channel_axis=None), "channel_axis"),
    "preset": (lambda: maximise(phi(), 1, preset="best"), "choose one of fast, paper"),
}


@pytest.mark.parametrize("case", WRONG)
def test_bad_input_is_refused_in_one_line(case):
    call, reason = WRONG[case]
    with pytest.raises(BadInput, match=reason) as refusal:
        call()
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("option", ["sigma", "checkpoint", "speed"])
def test_options_without_sense_are_refused(option):
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{option}'"):
        maximise(phi(), 1, **{option: 1})


def test_a_rule_by_its_name_or_value_stops_a_drawing():
    assert maximise(phi(), 1, steps=9, stop=At(3)).steps == [3]
    assert maximise(phi(), 1, steps=9, stop="variance").steps == [9]
    with pytest.raises(BadInput, match="needs the noise"):
        maximise(phi(), 1, stop="discrepancy")
