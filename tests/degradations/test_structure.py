from math import inf

import pytest
import torch

from deep_image_prior.degradations.structure import (
    CLOSE,
    LONG,
    SHORT,
    Evidence,
    bound_by_colour,
    part_of_noise,
)

LEVEL = (10 / 255) ** 2


def seen(power=(1.0, 1.0, 1.0), moments=(1.0, 1.0, 1.0), quiet=(1.0, 1.0, 1.0), **others):
    """Noise of 10 gray levels in all channels, Gaussian, and in every patch."""
    evidence = {
        "power": LEVEL * torch.tensor(power),
        "moments": torch.tensor(moments),
        "quiet": torch.tensor(quiet),
        "quietest": torch.full((len(power),), 0.5),
        "flattest": torch.tensor(1.0),
        "flatter": torch.tensor(1.0),
        "contrast": torch.full((len(power),), 1000 * LEVEL),
    }
    return Evidence(**{name: torch.as_tensor(value) for name, value in (evidence | others).items()})


def shares(evidence, compressed=False):
    found = part_of_noise(evidence, compressed)
    return [round(value, 3) for value in (found.power / evidence.power).tolist()], found.doubtful


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_gaussian_noise_in_every_patch_is_noise(compressed, channels):
    ones = (1.0,) * channels
    evidence = seen(power=ones, moments=ones, quiet=ones)
    assert shares(evidence, compressed) == (list(ones), False)


def test_luminance_that_is_not_gaussian_is_about_as_strong_as_colour():
    # 25 times the power of colour
    strong = {"power": (25.0, 1.0, 1.0)}
    equal = seen(**strong, moments=(1.6, 1.0, 1.0), quiet=(0.5, 1.0, 1.0))
    assert shares(equal) == ([0.04, 1.0, 1.0], True), "colour is Gaussian"
    colourful = {"moments": (1.6, 1.6, 1.0)}
    close = seen(**strong, **colourful, quiet=(0.5, 1.0, 1.0))
    assert shares(close) == ([0.16, 1.0, 1.0], True), "twice colour, which is not"
    quiet = seen(**strong, **colourful, quiet=(0.1, 1.0, 1.0))
    assert shares(quiet)[0][0] == 0.1, "what quiet patches have"
    empty = seen(**strong, **colourful, quiet=(0.0, 1.0, 1.0))
    assert shares(empty)[0][0] == 0.04, "no less than colour"
    most = seen(**strong, moments=(1.2, 1.0, 1.0), quiet=(0.5, 1.0, 1.0))
    assert shares(most) == ([1.0, 1.0, 1.0], False), "moments of most photographs with noise"
    few = seen(**strong, moments=(1.4, 1.0, 1.0), quiet=(0.5, 1.0, 1.0))
    assert shares(few) == ([0.04, 1.0, 1.0], True), "moments of few"
    loose = seen(power=(2.0, 1.0, 1.0), moments=(1.6, 1.6, 1.0), quiet=(2.0, 1.0, 1.0))
    assert shares(loose) == ([1.0, 1.0, 1.0], False), "no more than there is"


def test_noise_in_luminance_alone_is_film_grain_or_a_fabric():
    evidence = seen(power=(1.0, 0.01, 0.01), quiet=(0.6, 1.0, 1.0))
    assert shares(evidence) == ([0.6, 1.0, 1.0], True)
    evidence = seen(power=(1.0, 0.02, 0.02), quiet=(0.6, 1.0, 1.0))
    assert shares(evidence) == ([1.0, 1.0, 1.0], False), "less than 8 times colour"
    strange = {"power": (1.0, 0.01, 0.01), "moments": (4.0, 4.0, 4.0)}
    everywhere = seen(**strange, quietest=torch.full((3,), 0.8))
    assert shares(everywhere) == ([1.0, 1.0, 1.0], True), "clipped grain is not Gaussian"
    here = seen(**strange, quietest=torch.full((3,), 0.7))
    assert shares(here) == ([0.04, 1.0, 1.0], True), "twice colour"


def test_a_gray_image_without_gaussian_patches_has_what_the_quiet_ones_have():
    evidence = seen(power=(1.0,), moments=(2.0,), quiet=(0.2,))
    assert shares(evidence) == ([0.2], True)


@pytest.mark.parametrize(("quiet", "doubtful"), [(0.7, True), (0.8, False)])
def test_in_a_gray_image_quiet_patches_have_the_noise_too(quiet, doubtful):
    assert shares(seen(power=(1.0,), moments=(1.0,), quiet=(quiet,)))[1] == doubtful


@pytest.mark.parametrize(("quiet", "doubtful"), [(0.55, True), (0.65, False)])
def test_in_a_file_quiet_patches_have_some_of_the_noise(quiet, doubtful):
    evidence = seen(quiet=(quiet, 0.0, 0.0))
    assert shares(evidence, compressed=True)[1] == doubtful


@pytest.mark.parametrize("compressed", [False, True])
def test_an_image_that_is_all_noise_in_luminance_is_doubted(compressed):
    few, low, high = (1.0, 0.4, 0.4), torch.tensor([8 * LEVEL]), torch.tensor([10 * LEVEL])
    assert shares(seen(power=few, contrast=low), compressed)[1]
    assert not shares(seen(power=few, contrast=high), compressed)[1]
    assert not shares(seen(power=(1.0, 0.5, 0.5), contrast=low), compressed)[1]
    ones = {"power": (1.0,), "moments": (1.0,), "quiet": (1.0,)}
    assert shares(seen(**ones, contrast=low), compressed)[1], "gray"
    assert not shares(seen(**ones, contrast=high), compressed)[1]


def test_no_less_than_rounding_is_left():
    evidence = seen(power=(1.0,), moments=(2.0,), quiet=(0.0,))
    assert shares(evidence)[0] == [round(0.025**2, 3)]


def test_the_flattest_hundredth_tells_structure_in_the_flattest_tenth():
    assert shares(seen(flattest=0.4))[1]
    assert not shares(seen(flattest=0.5))[1]


def test_jpeg_leaves_noise_in_some_patches_where_it_is_stronger():
    evidence = seen(moments=(1.5, 3.0, 2.0))
    # in luminance by the least of all, and no more than twice
    assert shares(evidence, compressed=True) == ([1.5, 3.0, 2.0], False)
    extreme = seen(moments=(90.0, 90.0, 90.0))
    assert shares(extreme, compressed=True)[0] == [2, 25, 25]
    gray = seen(power=(1.0,), moments=(3.0,), quiet=(1.0,))
    assert shares(gray, compressed=True) == ([1.0], False), "structure has such moments too"


def test_in_a_file_the_flattest_patches_and_colour_limit_luminance():
    evidence = seen(flattest=0.2, flatter=0.2)
    assert shares(evidence, compressed=True) == ([0.34, 1.0, 1.0], True), "1.7 times the flattest"
    strong = {"power": (36.0, 1.0, 1.0), "moments": (2.0, 1.0, 1.0)}
    left = seen(**strong, quietest=torch.tensor([0.0, 0.1, 0.1]))
    assert shares(left, compressed=True)[0][0] == 0.144, "2.25 times colour, and what JPEG took"
    assert shares(seen(**strong), compressed=True)[0][0] == 0.111, "twice"
    some = seen(**strong, quietest=torch.tensor([0.0, 0.3, 0.3]))
    assert shares(some, compressed=True)[0][0] == 0.111
    little = seen(**strong, quietest=torch.tensor([0.0, 0.15, 0.15]))
    assert shares(little, compressed=True)[0][0] == 0.144
    none = {"moments": (2.0, 1.0, 1.0), "quiet": (0.7, 0.0, 0.0), "quietest": torch.zeros(3)}
    weak = seen(power=(0.288, 0.008, 0.008), **none)  # 0.9 gray levels in colour
    assert shares(weak, compressed=True)[0][0] == 0.536
    # of an image with colours, and no noise in them
    rounded = seen(power=(36.0, 0.002, 0.002), **none)
    assert shares(rounded, compressed=True)[0][0] == 0.003


def test_in_a_file_gaussian_luminance_beyond_its_colours_may_be_grain():
    assert shares(seen(power=(36.0, 1.0, 1.0)), compressed=True) == ([1.0, 1.0, 1.0], True)
    assert shares(seen(power=(5.0, 1.0, 1.0)), compressed=True) == ([1.0, 1.0, 1.0], False)


def test_in_a_file_luminance_alone_and_in_every_patch_may_be_grain():
    def found(power=(1.0, 0.01, 0.01), quiet=0.8):
        return seen(power=power, moments=(5.0, 1.0, 1.0), quiet=(quiet, 0.0, 0.0))

    assert shares(found(), compressed=True) == ([1.0, 1.0, 1.0], True)
    assert part_of_noise(found(), compressed=True).longest == inf
    assert shares(found(quiet=0.7), compressed=True)[0][0] < 0.2
    assert shares(found(power=(1.0, 0.02, 0.02)), compressed=True)[0][0] < 0.25
    assert part_of_noise(found(power=(1.0, 0.02, 0.02)), compressed=True).longest == LONG
    gray = seen(power=(1.0,), moments=(5.0,), quiet=(0.8,))
    assert part_of_noise(gray, compressed=True).longest == inf


def test_the_colours_of_a_gray_file_say_nothing_of_its_noise():
    power = (36.0, 0.0, 0.0)
    some = {"moments": (1.6, 1.0, 1.0), "quiet": (0.7, 0.0, 0.0)}
    levels = torch.tensor([100 * LEVEL, 0.0, 0.0])
    assert shares(seen(power=power, **some, contrast=levels), compressed=True)[0][0] == 1
    levels[2] = (0.6 / 255) ** 2
    assert shares(seen(power=power, **some, contrast=levels), compressed=True)[0][0] == 0.003


def test_moments_tell_that_luminance_shows_structure():
    for moments, structured in (((1.3, 1.0, 1.0), True), ((1.2, 1.0, 1.0), False)):
        pixels = part_of_noise(seen(moments=moments), compressed=False)
        assert (pixels.bounded, pixels.longest) == (structured, inf), "colour says how far"
        file = part_of_noise(seen(moments=moments), compressed=True)
        assert (file.bounded, file.longest) == (False, LONG if structured else inf)
        empty = seen(moments=moments, quietest=torch.zeros(3))
        file = part_of_noise(empty, compressed=True)
        assert (file.bounded, file.longest) == (False, SHORT if structured else inf)


def test_grain_has_the_spectrum_that_is_seen():
    grain = seen(power=(1.0, 0.01, 0.01), moments=(2.0, 1.0, 1.0), quietest=torch.ones(3))
    assert not part_of_noise(grain, compressed=False).bounded


def test_luminance_is_bounded_at_every_frequency():
    luminance, colour = torch.full((8, 8), 2.0), torch.zeros(8, 8)
    colour[:2] = 4.0  # long waves
    colour[2:4] = 0.25
    spectrum = bound_by_colour(torch.stack([luminance, colour, colour]))
    assert (spectrum[0, :2] == 4).all(), "as strong as colour on the whole: not below it"
    assert (spectrum[0, 2:4] == CLOSE**2 * 0.25).all()
    assert (spectrum[0, 4:] == 0).all()
    assert torch.equal(spectrum[1:], torch.stack([colour, colour]))
    weak = bound_by_colour(torch.stack([luminance / 4, colour, colour]))
    own = 0.5 / colour.mean()
    torch.testing.assert_close(weak[0, :2], own * colour[:2])
