"""Plug and play: rounds of a denoiser and of what was measured."""

import torch

from deep_image_prior.denoisers import in_turns


def test_half_of_the_last_change_is_added_to_the_next():
    seen = []

    def constrain(drawn, s):
        seen.append((drawn.item(), s))
        return drawn

    last = in_turns(torch.zeros(1), lambda x, s: x + s, constrain, (1, 2, 3))
    assert seen == [(1, 1), (3 + (3 - 1) / 2, 2), (7 + (7 - 3) / 2, 3)]
    assert last == 7
