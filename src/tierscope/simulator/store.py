"""Stored responses: what retrieve, background and cancel work on. A background response's status follows the clock."""

import time
from dataclasses import dataclass, replace
from typing import Any

from tierscope.simulator.frames import Job
from tierscope.simulator.responses import body, final_status, response


@dataclass(frozen=True, slots=True)
class Stored:
    """A response that can be fetched again."""

    job: Job
    cancelled: bool = False

    def status(self) -> str:
        """Queued until its wait is over, in_progress until its last token is due, then as it ends; or cancelled."""
        if self.cancelled:
            return "cancelled"
        age, pace = time.monotonic() - self.job.ask.received.at, self.job.plan.pace
        if self.job.ask.background and age < pace.queue:
            return "queued"
        return "in_progress" if self.job.ask.background and age < self.job.plan.end() else final_status(self.job)

    def body(self) -> dict[str, Any]:
        """The Response object as it stands now: the true tier and the usage only at the end."""
        status = self.status()
        return body(self.job) if status == final_status(self.job) else response(self.job, status)


class Store:
    """Responses by id. Used from one event loop only."""

    def __init__(self) -> None:
        self._kept: dict[str, Stored] = {}

    def keep(self, job: Job) -> Stored:
        """Stores a response."""
        stored = self._kept[job.id] = Stored(job)
        return stored

    def find(self, response_id: str) -> Stored | None:
        """The response of this id."""
        return self._kept.get(response_id)

    def cancel(self, response_id: str) -> None:
        """Cancels a response that has not ended; an ended one stays as it is."""
        stored = self.find(response_id)
        if stored and stored.status() in {"queued", "in_progress"}:
            self._kept[response_id] = replace(stored, cancelled=True)

    def forget(self, response_id: str) -> None:
        """Deletes a response."""
        self._kept.pop(response_id, None)
