"""How much memory a fit needs, told before it starts."""

import psutil
import torch
from torch import Generator, Tensor
from torch.autograd.graph import saved_tensors_hooks

from .descent import Problem

WORKING = 1.5  # measured: gradients in flight and the convolutions' scratch space, over what is saved for them


def needed(problem: Problem) -> int:
    """Bytes that one step keeps: every tensor saved for the backward pass, found by a pass without arithmetic."""
    shape = problem.code(Generator()).shape
    with torch.device("meta"):
        network, code = problem.network(), torch.empty(shape)
    saved: dict[int, Tensor] = {}

    def note(tensor: Tensor) -> Tensor:
        saved[tensor.untyped_storage()._cdata] = tensor
        return tensor

    with saved_tensors_hooks(note, lambda tensor: tensor):
        network(code)
    activations = sum(tensor.untyped_storage().nbytes() for tensor in saved.values())
    weights = sum(parameter.numel() * parameter.element_size() for parameter in network.parameters())
    # weights, gradients, two moments, and the checkpoint of weights and moments
    return int(WORKING * activations) + 7 * weights


def free(device: torch.device) -> int:
    """Bytes that a fit on `device` may take now."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    return psutil.virtual_memory().available
