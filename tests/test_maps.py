import numpy as np
from skimage.color import rgb2lab

from deep_image_prior.app import maps
from deep_image_prior.images import EIGHT_BITS, Scale

RAMP = np.tile(np.linspace(0, 20, 240, dtype=np.float32), (30, 1))


def lightness(picture):
    return rgb2lab(picture / 255)[..., 0]


def test_lightness_grows_evenly_with_the_numbers():
    steps = np.diff(lightness(maps.colours(16)[None])[0])
    assert (steps > 0.6 * steps.mean()).all()
    assert (steps < 1.4 * steps.mean()).all()
    picture = maps.drawn(RAMP, EIGHT_BITS)
    row = lightness(picture[:1])[0]
    assert row[0] < 1
    assert row[-1] > 99
    assert abs(row[120] - 50) < 6


def test_a_few_great_numbers_do_not_darken_the_rest():
    spiked = RAMP.copy()
    spiked[0, 0] = 1e4
    assert np.array_equal(maps.drawn(spiked, EIGHT_BITS)[1:30], maps.drawn(RAMP, EIGHT_BITS)[1:30])


def test_what_was_known_before_does_not_change_the_scale():
    known = np.concatenate([np.zeros((300, 240), np.float32), RAMP])
    assert np.array_equal(maps.drawn(known, EIGHT_BITS)[300:330], maps.drawn(RAMP, EIGHT_BITS)[:30])


def test_nan_is_gray_and_a_map_of_nothing_is_black():
    unknown = RAMP.copy()
    unknown[3:5, 7:9] = np.nan
    assert (maps.drawn(unknown, EIGHT_BITS)[3:5, 7:9] == 128).all()
    assert (maps.drawn(np.zeros((8, 8), np.float32), EIGHT_BITS)[:8, :8] == 0).all()
    assert (maps.drawn(np.full((8, 8), np.nan, np.float32), EIGHT_BITS)[:8, :8] == 128).all()


def test_the_scale_is_in_the_units_of_the_summary():
    """The same numbers in 16 bits are drawn alike; those of a unit of its own are not of 255."""
    deep = Scale(0.0, 65535.0, np.dtype(np.uint16), clips=True, one=65535.0)
    own = Scale(0.0, 255.0, np.dtype(np.float32), clips=False, one=None)
    eight = maps.drawn(RAMP, EIGHT_BITS)
    assert np.array_equal(maps.drawn(257 * RAMP, deep), eight)
    assert np.array_equal(maps.drawn(RAMP, own)[:30], eight[:30])
    assert not np.array_equal(maps.drawn(RAMP, own), eight)


def test_a_small_map_has_room_for_its_scale_and_a_large_one_larger_letters():
    assert maps.drawn(RAMP[:, :20], EIGHT_BITS).shape == (*maps.drawn_size(30, 20), 3)
    assert maps.drawn_size(30, 20) == (75, 200)
    assert maps.drawn_size(3000, 4000) == (3240, 4000)
