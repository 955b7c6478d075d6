"""The process that restores, seen from the page."""

import asyncio
import multiprocessing
import queue
from types import SimpleNamespace

import pytest

from deep_image_prior.app.page import work
from deep_image_prior.app.page import worker as worker_of_page


def test_a_worker_that_dies_at_once_is_begun_again_only_when_there_is_work(tmp_path, monkeypatch):
    monkeypatch.setattr(worker_of_page, "serve", len)  # which fails, given two arguments
    heard = []

    async def page():
        worker = worker_of_page.Worker(tmp_path, heard.append)
        first = worker.process
        await until(lambda: heard == [None])
        await asyncio.sleep(0.2)
        worker.say("forget", {"job": "0"})
        assert worker.process is first
        worker.say("work", {"job": "1"})
        assert worker.process is not first
        await until(lambda: heard == [None, None])
        worker.end()

    asyncio.run(asyncio.wait_for(page(), 60))


def test_a_worker_that_cannot_be_begun_is_heard_to_be_gone(tmp_path, monkeypatch):
    def refuse(self):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(worker_of_page, "serve", len)  # which fails, given two arguments
    heard = []

    async def page():
        worker = worker_of_page.Worker(tmp_path, heard.append)
        await until(lambda: heard == [None])
        monkeypatch.setattr(multiprocessing.get_context("spawn").Process, "start", refuse)
        worker.say("work", {"job": "1"})
        await until(lambda: heard == [None, None])
        worker.restart()
        await until(lambda: heard == [None, None, None])
        worker.end()

    asyncio.run(asyncio.wait_for(page(), 60))


async def until(done):
    while not done():
        await asyncio.sleep(0.02)


class Coming(queue.Queue):
    """What is said; it ends when there is nothing left."""

    def get(self):
        if self.empty():
            raise EOFError
        return super().get()


@pytest.mark.parametrize(("forgotten", "drawn"), [("a", []), ("b", [1, 2])])
def test_pictures_on_the_way_are_left_out_of_the_job_that_is_forgotten(
    monkeypatch, forgotten, drawn
):
    link = SimpleNamespace(coming=Coming())
    link.coming.put({"say": "work", "what": {"job": "a"}})
    seen = []

    def done(link, job):
        link.coming.put({"say": "forget", "what": {"job": forgotten}})  # meanwhile
        return (seen.append(k) for k in (1, 2))

    monkeypatch.setattr(work, "work", done)
    with pytest.raises(EOFError):
        work.attend(link)
    assert seen == drawn
