"""bfloat16 where the processor multiplies in it: half the seconds of a step."""

from collections.abc import Callable

import torch
from torch import Tensor


def lowered(body: Callable[[Tensor], Tensor], code: Tensor, precise: bool = False) -> Tensor:
    """body(code), its convolutions in bfloat16 if `code` is float32 and its device fast at them, unless `precise`.

    Layers that make an image of the result belong after it: eight bits are enough for features, not for pixels.
    """
    if precise or code.dtype != torch.float32 or not multiplies(code.device):
        return body(code)
    with torch.autocast(code.device.type, torch.bfloat16):
        return body(code).float()


def multiplies(device: torch.device) -> bool:
    """Whether `device` has instructions for products of bfloat16."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # older versions of torch cannot say what the processor can
    able: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)() if device.type == "cpu" else {}
    return any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
