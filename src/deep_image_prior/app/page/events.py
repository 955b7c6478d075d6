"""What has changed, told to every open page."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

ALIVE = 15.0  # seconds between signs of life to an open page


class Events:
    """Server-sent events to every open page: to a slow one only the newest of each thing."""

    def __init__(self) -> None:
        self.pages: list[tuple[dict[tuple[str, str], Mapping[str, Any]], asyncio.Event]] = []
        self.ended = False

    def publish(self, kind: str, content: Mapping[str, Any]) -> None:
        """To all."""
        for pending, something in self.pages:
            pending.pop((kind, content["id"]), None)  # the newest goes to the end
            pending[kind, content["id"]] = content
            something.set()

    def end(self) -> None:
        """No more of them."""
        self.ended = True
        for _, something in self.pages:
            something.set()

    async def stream(self, state: Callable[[], Mapping[str, Any]]) -> AsyncIterator[str]:
        """Of one page: the state, and what changes after that."""
        pending: dict[tuple[str, str], Mapping[str, Any]] = {}
        something = asyncio.Event()
        self.pages.append((pending, something))
        try:
            yield event("state", state())
            while not self.ended:
                try:
                    async with asyncio.timeout(ALIVE):
                        await something.wait()
                except TimeoutError:
                    yield ": still here\n\n"
                something.clear()
                changes = list(pending.items())
                pending.clear()
                for (kind, _), content in changes:
                    yield event(kind, content)
        finally:
            self.pages.remove((pending, something))


def event(kind: str, content: Mapping[str, Any]) -> str:
    """One event."""
    return f"event: {kind}\ndata: {json.dumps(content)}\n\n"
