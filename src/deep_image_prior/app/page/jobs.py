"""The queue: one job at a time is with the process that restores (worker.py), the others wait."""

import asyncio
import contextlib
import errno
import json
import os
import shlex
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...errors import BadInput
from . import views
from .forms import arguments
from .opening import Reader
from .shelf import ENDED, Job, Shelf
from .worker import Message, Worker

GONE = "the process that restores is gone, perhaps for want of memory; try a smaller picture"
STOPPING = "stopping"  # the phase until the best so far is saved
PATIENCE = 30.0  # seconds that the end of the page waits for the best so far to be saved

Publish = Callable[[str, Message], None]  # the kind of an event, and its content


class Jobs:
    """All jobs of the page. publish: tells every open page what has changed."""

    def __init__(self, shelf: Shelf, reader: Reader, publish: Publish) -> None:
        self.shelf, self.reader, self.publish = shelf, reader, publish
        self.queue: list[Job] = []
        self.current: Job | None = None
        self.finishing: set[asyncio.Task[None]] = set()
        self.worker = Worker(shelf.temporary, self._heard)

    def add(
        self, task: str, file: str, options: Mapping[str, Any], checkpoint: Path | None = None
    ) -> Job:
        """Another one, at the end of the queue, which goes on from the checkpoint of an earlier
        one. Raises BadInput, or OSError if the disk is full.
        """
        held = self.shelf.files.get(file)
        if held is None:
            raise BadInput("the picture is not here any more; open it again")
        job = Job(id=self.shelf.new_id(), file=file, task=task, options=dict(options))
        given = self._arguments(job)
        shown = [each for each in given if each != "--" or held.name.startswith("-")]
        job.command = self.shelf.plain(shlex.join(["dip", task, *shown]))
        job.black, job.white = held.black, held.white
        self.shelf.check_room(8 * held.pages * held.height * held.width * held.channels)
        self.shelf.keep_job(job)
        if checkpoint:
            with contextlib.suppress(OSError):  # it begins anew then
                checkpoint.rename(self.shelf.place_of_job(job.id) / checkpoint.name)
        self.queue.append(job)
        self._go_on()
        return job

    def _arguments(self, job: Job) -> list[str]:
        held = self.shelf.files.get(job.file)
        if held is None:
            raise BadInput("the picture is not here any more; open it again")

        def path_of(id: str) -> Path | None:
            guide = self.shelf.files.get(id)
            return self.shelf.path(guide) if guide else None

        given = arguments(job.task, self.shelf.path(held), job.options, path_of)
        page = int(job.options.get("page", 1))
        if page > held.pages:
            raise BadInput(f"{held.name} has no page {page}; it has {held.pages}")
        return given

    def _go_on(self) -> None:
        while self.queue and not self.current:
            self._start(self.queue.pop(0))
        for place, job in enumerate(self.queue, 1):
            job.place = place
            self._changed(job)

    def _start(self, job: Job) -> None:
        job.place = None
        folder = self.shelf.place_of_job(job.id)
        try:
            given = self._arguments(job)
        except BadInput as error:
            self._end(job, "failed", str(error))
            return
        if self.shelf.files[job.file].pages == 1 or "page" in job.options:
            given = [f"--checkpoint={folder / 'checkpoint'}", *given]
        self.current = job
        job.state, job.phase = "running", "starting, some seconds the first time"
        self.shelf.keep_job(job)
        self._changed(job)
        what = {"job": job.id, "task": job.task, "arguments": given, "folder": folder}
        self.worker.say("work", what)

    def pause(self, job: Job) -> None:
        """Until `resume`."""
        if job is self.current and job.state == "running" and job.phase != STOPPING:
            self.worker.say("pause")
            job.state = "paused"
            self._changed(job)

    def resume(self, job: Job) -> None:
        """Go on."""
        if job is self.current and job.state == "paused":
            self.worker.say("resume")
            job.state = "running"
            self._changed(job)

    def stop(self, job: Job) -> None:
        """End it with the best so far, which is saved."""
        if job is self.current:
            self.worker.say("stop")
            job.state, job.phase = "running", STOPPING
            self._changed(job)
        elif job in self.queue:
            self.cancel(job)

    def cancel(self, job: Job) -> None:
        """End it; nothing is saved."""
        if job is self.current:
            self.worker.restart()
            self.current = None
        elif job in self.queue:
            self.queue.remove(job)
        else:
            return
        shutil.rmtree(self.shelf.place_of_job(job.id) / "moments", ignore_errors=True)
        job.moments = []
        self._end(job, "cancelled", None)
        self._go_on()

    def again(self, job: Job) -> Job:
        """The same once more, as a new job, which goes on from what was kept of this one."""
        if job.state not in ENDED:
            raise BadInput("this is not done yet; stop it first")
        kept = self.shelf.place_of_job(job.id) / "checkpoint" if job.resumable else None
        new = self.add(job.task, job.file, job.options, kept)
        if kept:
            job.resumable = False
            self._ended(job)
        return new

    def remove(self, job: Job) -> None:
        """For good, with what it made."""
        self.cancel(job)
        self.worker.say("forget", {"job": job.id})
        self.shelf.remove_job(job.id)
        self.publish("removed", {"id": job.id})

    def uses(self, file: str) -> bool:
        """Whether a job that is not done needs the file."""
        return any(
            file in (job.file, *map(str, job.options.values()))
            for job in self.shelf.jobs.values()
            if job.state not in ENDED
        )

    def _heard(self, message: Message | None) -> None:
        if message is None:
            if self.current:
                lost, self.current = self.current, None
                self._end(lost, "interrupted", GONE)
            self._go_on()
            return
        job = self.shelf.jobs.get(message["job"])
        if job is None:
            return
        if "moment" in message:
            job.moments = sorted({*job.moments, message["moment"]})
            job.height, job.width = message["shape"][:2]
            job.pages = 1
            self._ended(job) if job.state in ENDED else self._changed(job)
        elif job is self.current and "ended" in message:
            self.current = None
            task = asyncio.create_task(self._finish(job, message))
            self.finishing.add(task)
            task.add_done_callback(self.finishing.discard)
            self._go_on()
        elif job is self.current:
            how_far = dict(message["how_far"])
            if job.phase == STOPPING:
                del how_far["phase"]
            for name, value in how_far.items():
                setattr(job, name, value)
            job.energy += message["energy"]
            self._changed(job)

    async def _finish(self, job: Job, message: Message) -> None:
        """The command has ended: what it wrote and said."""
        job.phase, job.left = "", None
        said = [self.shelf.plain(line) for line in message["said"]]
        notes = [line.removeprefix("note: ") for line in said if line.startswith("note: ")]
        errors = [line for line in said if not line.startswith("note: ")]
        if any(os.strerror(errno.ENOSPC) in line for line in errors):
            errors.insert(0, f"the disk of {self.shelf.folder} is full; make room and run it again")
        job.notes = notes
        job.lines = [line for line in message["lines"] if not line.startswith("wrote ")]
        record = self._record(job)
        if message["ended"] and not record:
            self._end(job, "failed", errors[0] if errors else "it failed, and said nothing of why")
            return
        self._read_record(job, record)
        job.error = errors[0] if errors else None
        try:
            facts = await self.opened(job, "image")
            job.width, job.height, job.pages = (facts[n] for n in ("width", "height", "pages"))
        except (BadInput, OSError, LookupError) as error:
            job.error = job.error or str(error)
        if job.id in self.shelf.jobs:
            state = {0: "done", 130: "stopped"}.get(message["ended"], "stopped")
            self._end(job, state, job.error)

    def _record(self, job: Job) -> dict[str, Any]:
        """What the command wrote beside the result; nothing if it wrote none."""
        try:
            path = self.shelf.place_of_job(job.id) / "record.json"
            return dict(json.loads(path.read_text()))
        except (OSError, ValueError):
            return {}

    def _read_record(self, job: Job, record: Mapping[str, Any]) -> None:
        job.confidence = record.get("confidence")
        job.chosen = next(iter(record.get("chosen", [])), None) or None
        folder = self.shelf.place_of_job(job.id)
        job.outputs = [
            {"name": name, "file": made["name"], "bytes": (folder / made["name"]).stat().st_size}
            for name, made in record.get("outputs", {}).items()
            if (folder / made["name"]).is_file()
        ]

    async def opened(self, job: Job, output: str) -> dict[str, Any]:
        """Make the array of an output of the job, and say what it is. Raises LookupError if there
        is none.
        """
        path, array = self.path(job, output), self.array(job, output)
        if not path.exists():
            raise LookupError
        return await self.reader(views.opened, path, array)

    def path(self, job: Job, output: str) -> Path:
        """The file of an output. Raises LookupError if there is none."""
        made = {each["name"]: each["file"] for each in job.outputs}
        return self.shelf.place_of_job(job.id) / made[output]

    def array(self, job: Job, output: str) -> Path:
        """Where its pixels are for views, once it was opened."""
        return self.shelf.place_of_job(job.id) / f"view-{output}.npy"

    def moment(self, job: Job, step: int) -> Path:
        """The pixels after a step. Raises LookupError if they were not kept."""
        if step not in job.moments:
            raise LookupError
        return self.shelf.place_of_job(job.id) / "moments" / f"{step}.npy"

    def _end(self, job: Job, state: str, error: str | None) -> None:
        job.state, job.phase, job.place, job.left, job.error = state, "", None, None, error
        kept = self.shelf.place_of_job(job.id) / "checkpoint"
        job.resumable = any(kept.glob("*.pt"))
        if not job.resumable:
            shutil.rmtree(kept, ignore_errors=True)
        self._ended(job)

    def _ended(self, job: Job) -> None:
        with contextlib.suppress(OSError):  # a full disk: it is known until the page ends
            self.shelf.keep_job(job)
        self._changed(job)

    def _changed(self, job: Job) -> None:
        self.publish("job", asdict(job))

    async def close(self) -> None:
        """The page ends: the best so far is saved, if that is soon done."""
        self.queue.clear()
        if self.current:
            self.worker.say("stop")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while self.current or self.finishing:
                    await asyncio.sleep(0.05)
        self.worker.end()
