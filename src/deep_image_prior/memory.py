"""How much memory a fit needs, told before it starts."""

from collections.abc import Callable, Sequence
from math import prod

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from .available import available, in_words
from .descent import Problem, code_generator, untrained
from .errors import BadInput
from .parallel import scratch, threads
from .settings import Settings
from .storage import check_room

COPIES = 4  # of x beside the steps: the tiles of it, their sum, and two in the file's numbers
# measured: bytes that estimates and f take for every value of a tile, 159 to 321
APPLIED = 330
# measured: gradients in flight and the convolutions' scratch space, over what is saved for them
WORKING = 1.4
# pixels a side of a z that is tried: a multiple of what networks halve; and up to as many more
TRIED = 64


def needed(network: Callable[[], nn.Module], code: tuple[int, ...]) -> int:
    """Bytes that the steps take for a z of shape `code`, whatever precision f would choose; what
    backward needs is seen on a smaller z.
    """
    sides = [min(side, TRIED + side % TRIED) for side in code[-2:]]
    times = code[0] * prod(code[-2:]) / prod(sides)
    # double precision, in which f chooses nothing, and half of its bytes
    tried = untrained(network, 0).double()
    z = torch.zeros((1, code[1], *sides), dtype=torch.float64)
    saved: dict[int, torch.UntypedStorage] = {}

    def note(tensor: Tensor) -> None:  # the graph would keep a tensor of its own for ever
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage

    with torch.enable_grad(), saved_tensors_hooks(note, lambda nothing: nothing):
        x = tried(z)
    sizes = {place: storage.nbytes() // 2 for place, storage in saved.items()}
    parameters = list(tried.parameters())
    weights = sum(each.nbytes // 2 for each in parameters)
    of_weights = sum(sizes.pop(each.untyped_storage().data_ptr(), 0) for each in parameters)
    images = WORKING * sum(sizes.values()) + 4 * (z.nbytes + x.nbytes) // 2
    # weights, gradients and two moments, and a copy of all but the gradients to go back to
    return int(times * images + WORKING * of_weights) + 7 * weights


def free(device: torch.device) -> int:
    """Bytes that a fit on `device` may take now."""
    if device.type == "cuda":
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + cached
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    return available()


class Memory:
    """What a call may take: `limit` bytes, by default what is free on `device`. hint: another way
    out than a smaller picture.
    """

    def __init__(self, device: torch.device, limit: int | None = None, hint: str = "") -> None:
        self.device, self.hint = device, hint
        self.limit = free(device) if limit is None else limit

    def on_disk(self, shape: Sequence[int]) -> bool:
        """Whether an x of `shape` (1, C, H, W) is to be kept in a temporary file: it and its copies
        would take more than half of the limit.
        """
        return self.device.type == "cpu" and 2 * COPIES * 4 * prod(shape) > self.limit

    def check_pictures(self, shape: Sequence[int], in_tiles: bool = False) -> None:
        """Raises BadInput if there is no place for an x of `shape` (1, C, H, W) and its copies: in
        memory, or on a disk too if it is made `in_tiles`.
        """
        size = COPIES * 4 * prod(shape)
        if in_tiles and self.on_disk(shape):
            check_room(size)
        else:
            self._check(size, shape[-2:])

    def suffices(self, problem: Problem, settings: Settings) -> bool:
        """Whether the steps of a fit stay below it."""
        return _of(problem, settings) <= self.limit

    def tiling(self, sides: Sequence[int], margin: int, shape: Sequence[int]) -> tuple[int, int]:
        """The side of tiles of an x of `shape` (1, C, H, W), `margin` more around them, and how
        many to work on at a time: the largest of `sides`, which fall, with which one for each
        thread stays below the limit; of the last of them as many as do. Raises BadInput if not one
        does.
        """
        pictures = 0 if self.on_disk(shape) else COPIES * 4 * prod(shape)
        count, left = threads(self.device), self.limit - pictures

        def bytes_of(side: int) -> int:
            rows, columns = (min(side + 2 * margin, most) for most in shape[-2:])
            return APPLIED * shape[1] * rows * columns + scratch(self.device)

        self._check(pictures + bytes_of(sides[-1]), shape[-2:])
        side = next((each for each in sides if count * bytes_of(each) <= left), sides[-1])
        return side, min(count, left // bytes_of(side))

    def check(self, problem: Problem, settings: Settings) -> None:
        """Raises BadInput if they do not."""
        sides = _seen(problem, settings)[1]
        whole = tuple(sides) == tuple(_shape(problem, settings)[-2:])
        self._check(_of(problem, settings), sides, "" if whole else "steps that see ")

    def _check(self, size: int, sides: Sequence[int], of: str = "") -> None:
        if size > self.limit:
            height, width = sides
            raise BadInput(
                f"{of}{width} x {height} pixels need about {in_words(size)} on {self.device}, and "
                f"{in_words(self.limit)} may be used; use {self.hint}a smaller image or factor, or "
                "allow more memory (--memory)"
            )


def _of(problem: Problem, settings: Settings) -> int:
    count, sides = _seen(problem, settings)
    grown = [side + settings.shifts - 1 for side in sides]  # the code is shifted
    return count * needed(problem.network, (*_shape(problem, settings)[:2], *grown))


def _seen(problem: Problem, settings: Settings) -> tuple[int, tuple[int, int]]:
    """How many windows a step sees, and the rows and columns of one."""
    shape = _shape(problem, settings)
    if not problem.in_windows(shape, settings.window):
        return 1, (shape[-2], shape[-1])
    height, width = problem.panel(shape)
    if side := settings.window:
        height, width = min(side, height), min(side, width)
    return settings.windows, (height, width)


def _shape(problem: Problem, settings: Settings) -> Sequence[int]:
    """Of the code (1, C', H, W), which is made to be measured if nobody says it."""
    return problem.shape or problem.code(code_generator(settings)).shape
