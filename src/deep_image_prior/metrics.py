"""How near an image is to a clean one, as the paper measures it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity


def psnr(clean: NDArray[Any], image: NDArray[Any], peak: float) -> float:
    """10 log10(peak^2 / mean (clean - image)^2) in dB over all pixels and channels; inf if they are
    equal.
    """
    with np.errstate(divide="ignore"):
        return float(peak_signal_noise_ratio(clean, image, data_range=peak))


def luminance(image: NDArray[Any]) -> NDArray[Any]:
    """Y of ITU-R BT.601 of (H, W, 3) in [0, 1], scaled to [16, 235] / 255; (H, W, 1) is taken as
    Y's full range.
    """
    weights = np.array([65.481, 128.553, 24.966]) if image.shape[2] == 3 else np.array([219.0])
    return (image @ weights + 16) / 255


def luminance_psnr(clean: NDArray[Any], image: NDArray[Any], border: int = 4) -> float:
    """PSNR of the luminance of (H, W, C) in [0, 1], peak 1, without `border` pixels a side (tables
    1 and 2).

    The authors' script leaves out one more row and column at the far ends.
    """
    inside = slice(border, -border or None)
    return psnr(luminance(clean)[inside, inside], luminance(image)[inside, inside], peak=1)


def ssim(clean: NDArray[Any], image: NDArray[Any], peak: float) -> float | None:
    """Mean structural similarity over 7 x 7 windows of (H, W, C) (doi:10.1109/TIP.2003.819861);
    None below 7 pixels.
    """
    if min(clean.shape[:2]) < 7:
        return None
    return float(structural_similarity(clean, image, data_range=peak, channel_axis=-1))
