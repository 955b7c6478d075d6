"""Why a result may be wrong whatever the rules say."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .degradations import (
    AnyNoise,
    CorrelatedNoise,
    Impulses,
    Noise,
    estimate_noise,
    measure_noise,
)
from .errors import BadInput
from .images import thinned
from .storage import strips
from .windows import Window

# measured: up to 0.99, up to 0.02, and from 0.3 on photographs with noise up to sigma 100
EXPLAINED = 1.5  # times the variance of the noise
SHIFTED = 0.2  # deviations of the noise
ALIKE = 0.2  # correlation
SEEN = 2 / 255  # less than this nobody misses
# of the deviation that is told, what is measured at the most and at the least, beside what fine
# texture is taken for: 28 crops of photographs with sigma 1 to 150 have 0.8 to 1.3 and up to 7.3
MOST, LEAST, TEXTURE = 1.6, 1 / 3, 8 / 255
SMALLEST = 16  # pixels a side, in which noise can be measured
SQUARE, RARE = 8, 0.02  # pixels a side of squares, and a share of them, that may be of one value
# times the contrast of x0, and share of all values that become black or white, where too much of a
# blur is taken back: measured up to 1.15 and up to 0.023 by right kernels, never both beyond
CONTRAST, CLIPPED = 1.12, 0.03
# times the step from known pixels beside a hole to those 3 and 4 pixels from it, to what it is
# elsewhere: none of 336 right masks has it, and 166 of 168 that leave a white pixel on every side
STEP, AROUND, FEW = 2.2, 512, 16  # the most; pixels around holes that are looked at, and that tell
BORDER = 8  # pixels
# deviation, of which no more than 11.5 of 255 is found in 39 clean pictures, and 20 to 26 in them
# under sigma 25; squares that are known, of those that are needed to tell
NOISY, TELLING = 12.5 / 255, 400
SHIFTS = ((7, 11), (-11, 7), (13, -5), (-6, -14))  # rows and columns, to elsewhere
UNSEEN = 10 ** (-45 / 20)  # root mean square of a change, 45 dB, that nobody sees


def is_clean(image: Tensor, observation: Tensor) -> bool:
    """Whether `image` (1, C, H, W), the restored one, is `observation` for the eye, both in [0,
    1].
    """
    apart = thinned(image) - thinned(observation)
    return apart.square().mean().sqrt().item() < UNSEEN


def lost(image: Tensor, observation: Tensor, noise: AnyNoise | None = None) -> list[str]:
    """Why `image` (1, C, H, W) is no restoration of `observation`, both in [0, 1]; nothing if it
    may be one.

    What was taken out must be explained by the noise, in its mean and in its mean square, and what
    is left must look like the observation.
    """
    cautions = []
    image, observation = thinned(image), thinned(observation)
    if noise and not isinstance(noise, Impulses):
        rest = observation - noise.mean(image)
        expected = noise.variance(image).mean().item()
        if rest.square().mean().item() > EXPLAINED * expected + SEEN**2:
            cautions.append("more than the noise was taken out: the picture may be lost")
        if abs(rest.mean().item()) > SHIFTED * expected**0.5 + SEEN:
            cautions.append("the brightness has changed: the picture may be lost")
    pair = torch.stack([image.flatten(), observation.flatten()]).double()
    if not torch.corrcoef(pair)[0, 1].item() > ALIKE:
        cautions.append("the result hardly looks like the image: the picture may be lost")
    return cautions


def mistold(observation: Tensor, told: AnyNoise | None) -> list[str]:
    """What is wrong with white noise that is `told` of x0 (1, C, H, W) in [0, 1]; nothing if it may
    be right.
    """
    if not isinstance(told, Noise) or min(observation.shape[-2:]) < SMALLEST:
        return []
    try:
        white = measure_noise(observation, "white", clipped=told.clipped)
    except BadInput:  # there is no gray to measure it in
        return []
    assert isinstance(white, Noise)
    some = thinned(observation)
    seen, expected = (each.deviation(some).square().mean().item() for each in (white, told))
    times = (seen / max(expected, 1e-12)) ** 0.5
    if white.certain and seen > MOST**2 * expected + TEXTURE**2:
        return [f"it has about {times:.2g} times the noise that is told: much of it stays"]
    if times > LEAST or _has_flat_parts(observation):
        return []
    found = measure_noise(observation, clipped=told.clipped)
    if isinstance(found, CorrelatedNoise) and found.variance(some).mean() > LEAST**2 * expected:
        return ["its noise spreads over pixels, and a sigma is of white noise: leave it out"]
    return [f"it has about {times:.2g} times the noise that is told: detail is lost with it"]


def narrow(observation: Tensor) -> list[str]:
    """That the mask of x0 (1, C, H, W), NaN where it is missing, leaves a rim of what it was to
    hide: pixels beside holes are unlike those near them; nothing if it may be right.
    """
    missing = observation.isnan().any(dim=1, keepdim=True)
    if min(observation.shape[-2:]) <= 2 * BORDER:
        return []
    middle = (int(each.median()) for each in missing[0, 0].nonzero(as_tuple=True))
    part = Window(*(slice(max(0, each - AROUND), each + AROUND) for each in middle))
    x, holes = part(observation).nan_to_num(), part(missing).to(observation)
    here, count = _step(x, holes, holes)
    there = [_step(x, holes.roll(shift, (-2, -1)), holes) for shift in SHIFTS]
    usual = [step for step, found in there if found > FEW]
    if count < FEW or not usual or here < STEP * (sorted(usual)[len(usual) // 2] + SEEN):
        return []
    return ["what is beside the holes is unlike what is around: the mask may be too narrow"]


def noise_around(observation: Tensor) -> list[str]:
    """That x0 (1, C, H, W), NaN where it is missing, has noise, without which holes are filled;
    nothing if it has next to none, or too little is known to tell.
    """
    missing = observation.isnan().any(dim=1, keepdim=True).to(observation)
    if min(missing.shape[-2:]) < SQUARE:
        return []
    if int((F.max_pool2d(missing, SQUARE, 1) == 0).sum()) < TELLING:
        return []
    noise = estimate_noise(observation)
    sigma = noise.variance(observation).nanmean().sqrt().item()
    if sigma < NOISY or noise.textured:
        return []
    return [
        f"it has noise of sigma {255 * sigma:.0f} of 255, and holes are filled without: take the "
        "noise out first (denoise)"
    ]


def _step(x: Tensor, shown: Tensor, missing: Tensor) -> tuple[float, int]:
    """The mean difference of the pixels beside `shown`, where they are known and beside no other
    hole, from the mean of those 3 and 4 pixels away; and their number.
    """

    def grown(mask: Tensor, by: int) -> Tensor:
        return F.max_pool2d(mask, 2 * by + 1, 1, by)

    known = 1 - missing if shown is missing else 1 - grown(missing, 2)
    # not at the border, beyond which a hole may go on
    inside = F.pad(torch.ones_like(shown)[..., BORDER:-BORDER, BORDER:-BORDER], (BORDER,) * 4)
    beside = (grown(shown, 1) - shown) * known * inside
    away = (grown(shown, 4) - grown(shown, 2)) * (1 - missing)
    share = F.avg_pool2d(away, 9, 1, 4)
    mean = F.avg_pool2d(x * away, 9, 1, 4) / share.clamp_min(1e-6)
    beside = beside * (share > 0.05)
    apart = ((x - mean).abs().mean(dim=1, keepdim=True) * beside).sum() / beside.sum().clamp_min(1)
    return apart.item(), int(beside.sum())


def overdrawn(image: Tensor, observation: Tensor) -> list[str]:
    """That more blur was taken back than `observation` had, of which `image` was made, both (B, C,
    H, W) in [0, 1]; nothing if it may be right.
    """
    some, seen = thinned(image), thinned(observation)
    more = _clipped(some) - _clipped(seen)
    if some.std() < CONTRAST * seen.std() or more < CLIPPED:
        return []
    return ["it has become black and white in many places: the kernel may be another, or too wide"]


def _clipped(image: Tensor) -> float:
    """Share of the values that are 0 or 1."""
    return ((image <= 0) | (image >= 1)).float().mean().item()


def _has_flat_parts(image: Tensor) -> bool:
    """Whether parts of `image` (1, C, H, W) are of one value, which tell nothing of noise."""
    flat = squares = 0
    for rows in strips(*image.shape[-2:]):  # memory may not hold it twice
        part = image[..., rows, :]
        if part.shape[-2] >= SQUARE:
            most, least = (F.max_pool2d(sign * part, SQUARE) * sign for sign in (1, -1))
            same = (most == least).all(dim=1)
            flat, squares = flat + int(same.sum()), squares + same.numel()
    return flat > RARE * squares
