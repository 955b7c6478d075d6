"""The process that restores, seen from the page."""

import asyncio

from deep_image_prior.app.page import jobs


def test_a_worker_that_dies_at_once_is_begun_again_only_when_there_is_work(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "serve", len)  # which fails, given two arguments
    heard = []

    async def page():
        worker = jobs.Worker(tmp_path, heard.append)
        first = worker.process
        await until(lambda: heard == [None])
        await asyncio.sleep(0.2)
        worker.say("forget")
        assert worker.process is first
        worker.say("work", {"job": "1"})
        assert worker.process is not first
        await until(lambda: heard == [None, None])
        worker.end()

    async def until(done):
        while not done():
            await asyncio.sleep(0.02)

    asyncio.run(asyncio.wait_for(page(), 60))
