"""f: untrained networks from a code (1, C', H, W) to an image (1, C, H, W), in (0, 1) but for the
refiner's.
"""

from .hourglass import Hourglass, average, bilinear, lanczos2, maximum, nearest, strided
from .refiner import Refiner
from .resnet import ResNet
from .unet import UNet

__all__ = [
    "Hourglass",
    "Refiner",
    "ResNet",
    "UNet",
    "average",
    "bilinear",
    "lanczos2",
    "maximum",
    "nearest",
    "strided",
]
