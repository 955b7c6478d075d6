"""A core each for work whose products are too small to be shared among cores; and how much of it
at a time.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

NAME = "dip-core"  # of the threads
# bytes: what stays in the cache of a processor; and what keeps a graphics card busy, which takes as
# long to begin a product as to make a small one
CACHE, FILLING = 5 * 2**19, 2**29

Item = TypeVar("Item")
Made = TypeVar("Made")


def threads(device: torch.device) -> int:
    """How many items `each` works on at a time."""
    return torch.get_num_threads() if device.type == "cpu" else 1


def scratch(device: torch.device) -> int:
    """Bytes for work on small parts of a picture, as many at a time as that is enough for."""
    return CACHE if device.type == "cpu" else FILLING


def each(
    function: Callable[[Item], Made],
    items: Iterable[Item],
    device: torch.device,
    most: int | None = None,
) -> list[Made]:
    """[function(item) for every item], without gradients, as many at a time as torch has threads
    on a CPU, `most` at the most; one after the other elsewhere. An exception, Ctrl-C too, drops
    what has not begun, and waits for what has.
    """
    count = threads(device)

    @torch.no_grad()
    def made(item: Item) -> Made:
        return function(item)

    if count == 1:
        return [made(item) for item in items]
    workers = min(count, most or count)
    pool = ThreadPoolExecutor(workers, NAME, initializer=torch.set_num_threads, initargs=(1,))
    try:
        return list(pool.map(made, items))
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(count)  # new threads would get one of their own
