"""Where to compute, and with what numbers."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from .errors import BadInput
from .options import unknown
from .tasks.task import DEVICES


@contextmanager
def in_single_precision() -> Iterator[None]:
    """Whatever the caller has set: float32, gradients where they are asked for, and new tensors on
    the CPU.
    """
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with ExitStack() as undone:
            undone.enter_context(torch.inference_mode(False))
            for kind in filter(torch.is_autocast_enabled, ("cpu", "cuda", "mps")):
                undone.enter_context(torch.autocast(kind, enabled=False))
            if torch.get_default_device().type != "cpu":  # it makes every call slower
                undone.enter_context(torch.device("cpu"))
            yield
    finally:
        torch.set_default_dtype(dtype)


def find_device(name: str) -> torch.device:
    """The device called `name`, "auto" being the fastest there is. Raises BadInput."""
    kind = str(name).partition(":")[0]
    if kind not in DEVICES:
        raise BadInput(unknown("device", name, DEVICES))
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    there = [each for each in present if present[each]]
    if kind != "auto" and kind not in there:
        raise BadInput(f"device {name} is not there; choose one of {', '.join(there)}")
    try:
        device = torch.device(there[0] if kind == "auto" else name)
    except RuntimeError:
        raise BadInput(f"unknown device {name!r}; a number after the colon, as in cuda:1") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise BadInput(f"device {name} is not there; the last is {torch.cuda.device_count() - 1}")
    return device
