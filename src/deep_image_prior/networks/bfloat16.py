"""bfloat16 where the processor multiplies in it: half the seconds of a step."""

from collections.abc import Callable
from contextlib import nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def in_bfloat16(body: Callable[[Tensor], Tensor], code: Tensor, precise: bool = False) -> Tensor:
    """body(code), its convolutions in bfloat16 if `code` is float32 and its device fast at them,
    unless `precise`.

    Layers that make an image of the result belong after it: eight bits are enough for features, not
    for pixels.
    """
    if precise or code.dtype != torch.float32 or not multiplies_bfloat16(code.device):
        return body(code)
    with torch.autocast(code.device.type, torch.bfloat16):
        return body(code).float()


class ReflectConv2d(nn.Conv2d):
    """A convolution padded by reflection, in the precision that the features come in: autocast
    would pad in float32.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride)
        self.margin = kernel // 2

    def forward(self, features: Tensor) -> Tensor:
        lower = features.dtype == torch.bfloat16
        with torch.autocast(features.device.type, enabled=False) if lower else nullcontext():
            grown = F.pad(features, (self.margin,) * 4, mode="reflect")
        return super().forward(grown)


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether `device` has instructions for products of bfloat16."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # older versions of torch cannot say what the processor can
    able: dict[str, bool] = (
        getattr(torch.cpu, "get_capabilities", dict)() if device.type == "cpu" else {}
    )
    return any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
