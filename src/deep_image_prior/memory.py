"""How much memory a fit needs, told before it starts."""

from collections.abc import Callable

import psutil
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

# measured: gradients in flight and the convolutions' scratch space, over what is saved for them
WORKING = 1.4


def needed(network: Callable[[], nn.Module], code: tuple[int, ...]) -> int:
    """Bytes that the steps take for a z of shape `code`; what backward needs is found by a pass
    without arithmetic.
    """
    with torch.device("meta"):
        untrained, z = network(), torch.empty(code)
    saved: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        saved[storage._cdata] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(note, lambda tensor: tensor):
        x = untrained(z)
    weights = sum(parameter.nbytes for parameter in untrained.parameters())
    # weights, gradients and two moments, and a copy of all but the gradients to go back to
    return int(WORKING * sum(saved.values())) + 4 * z.nbytes + 4 * x.nbytes + 7 * weights


def free(device: torch.device) -> int:
    """Bytes that a fit on `device` may take now."""
    if device.type == "cuda":
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + cached
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    return int(psutil.virtual_memory().available)
