"""Batches (`/batches`): made, listed, retrieved, cancelled; their state follows the scaled clock.

Field names and states are OpenAI's (openai-python 3.57, `types/batch.py`). Modelled: how long a batch takes, how many
requests its file held and how many failed, which model served it, and when counts and usage move. Files are not
simulated: any `input_file_id` stands for a file of its own.

A script with the creation decides instead of the seed: `terminal` (`failed`; `incomplete`: expired), `first_delay`
(real seconds until it ends), `usage`, `input_tokens`, `cached_tokens`, `output_tokens`, `reasoning_tokens`.

None of these requests is inference: they are in no row of the ledger.
"""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route

from tierscope.simulator import errors
from tierscope.simulator.ask import Ask, read_ask
from tierscope.simulator.errors import Problem
from tierscope.simulator.exchange import Endpoint
from tierscope.simulator.frames import new_id
from tierscope.simulator.meters import Clock
from tierscope.simulator.profile import Profile
from tierscope.simulator.script import Script
from tierscope.simulator.service import INVALID_KEY, Service
from tierscope.simulator.wire import Wire

WINDOW = 86_400.0
"""Simulated seconds after which a batch expires: the one completion window, `24h`."""
_VALIDATING, _FINALIZING = 0.05, 0.95
"""Shares of its time after which a batch is validated, and after which it only collects its results."""
_CANCELLING = 60.0
_LATE = 0.8
"""Share of its requests that an expired batch has done."""
_REQUIRED = ("input_file_id", "endpoint", "completion_window")
_PAGE = 20
_ENDS = {"failed": "failed", "incomplete": "expired"}


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch and its whole fate, decided when it is made.

    `made` and `ends` are simulated seconds, `created` the creation in seconds since 1970; in the object, times run on
    from there by the scaled clock. `cancelled` is when it was asked to stop.
    """

    id: str
    asked: Mapping[str, Any]
    made: float
    ends: float
    created: int
    terminal: str
    model: str | None
    total: int
    failed: int
    usage: Mapping[str, Any] | None
    cancelled: float | None = None

    def status(self, now: float) -> str:
        """The state at a simulated moment."""
        if self.cancelled is not None:
            return "cancelling" if now < self.cancelled + _CANCELLING else "cancelled"
        if now >= self.ends:
            return self.terminal
        share = (now - self.made) / (self.ends - self.made)
        if share < _VALIDATING or self.terminal == "failed":
            return "validating"
        return "in_progress" if share < _FINALIZING or self.terminal == "expired" else "finalizing"

    def body(self, now: float) -> dict[str, Any]:
        """The Batch object at a simulated moment."""
        status = self.status(now)
        is_final = status in {"completed", "failed", "expired", "cancelled"}
        asked = {name: self.asked.get(name) for name in (*_REQUIRED, "metadata")}
        return {
            "id": self.id,
            "object": "batch",
            **asked,
            "errors": _ERRORS if status == "failed" else None,
            "status": status,
            "output_file_id": f"file-{self.id}" if status == "completed" else None,
            "error_file_id": None,
            "created_at": self.created,
            "expires_at": self.created + round(WINDOW),
            **self._times(now),
            "request_counts": self._counts(status, now),
            "model": None if status == "validating" else self.model,
            "usage": self.usage if is_final and status != "failed" else None,
        }

    def _times(self, now: float) -> dict[str, int | None]:
        span = self.ends - self.made
        due = {"in_progress_at": self.made + _VALIDATING * span, "finalizing_at": self.made + _FINALIZING * span}
        if self.terminal != "completed" or self.cancelled is not None:
            due.pop("finalizing_at")
        if self.terminal == "failed":
            due.clear()
        if self.cancelled is not None:
            due |= {"cancelling_at": self.cancelled, "cancelled_at": self.cancelled + _CANCELLING}
        else:
            due[f"{self.terminal}_at"] = self.ends
        names = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
        return {
            f"{name}_at": self.created + round(due[f"{name}_at"] - self.made)
            if due.get(f"{name}_at", now + 1) <= now
            else None
            for name in names
        }

    def _counts(self, status: str, now: float) -> dict[str, int]:
        if status in {"validating", "failed"}:
            return {"total": 0, "completed": 0, "failed": 0}
        until = now if self.cancelled is None else min(now, self.cancelled)
        share = min(1.0, (until - self.made) / (self.ends - self.made))
        share *= _LATE if self.terminal == "expired" else 1.0
        failed = int(self.failed * share)
        return {"total": self.total, "completed": int(self.total * share) - failed, "failed": failed}


_ERRORS = {
    "object": "list",
    "data": [{"code": "invalid_json_line", "message": "This line is not valid JSON.", "param": None, "line": 1}],
}


class Shelf:
    """All batches of one service. Used from one event loop only."""

    def __init__(self, profile: Profile, clock: Clock) -> None:
        self._profile, self._clock = profile, clock
        self._kept: dict[str, Batch] = {}

    def make(self, ask: Ask) -> dict[str, Any]:
        """A new batch, as it is when it has just been made."""
        rng = random.Random(f"{self._profile.seed}/batch/{len(self._kept)}")  # noqa: S311  # repeatable draws
        script, now = ask.script, self._clock.now()
        terminal = _ENDS.get(script.terminal or "", "completed")
        wait = WINDOW if terminal == "expired" else self._profile.batch_wait * rng.uniform(0.5, 1.5)
        if script.first_delay is not None:
            wait = script.first_delay * self._clock.scale
        total = rng.randint(50, 500)
        models = sorted(model.snapshot for model in self._profile.models.values())
        batch = Batch(
            id=new_id("batch_"),
            asked=ask.body,
            made=now,
            ends=now + max(wait, 0.001),
            created=int(time.time()),
            terminal=terminal,
            model=rng.choice(models) if models else None,
            total=total,
            failed=rng.randint(0, total // 20),
            usage=_usage(script, total, rng) if script.usage else None,
        )
        self._kept[batch.id] = batch
        return batch.body(now)

    def find(self, batch_id: str) -> dict[str, Any] | None:
        """The batch of this id as it stands now."""
        found = self._kept.get(batch_id)
        return found.body(self._clock.now()) if found else None

    def cancel(self, batch_id: str) -> dict[str, Any] | None:
        """Asks a batch to stop; one that has ended stays as it is."""
        found, now = self._kept.get(batch_id), self._clock.now()
        if found and found.status(now) in {"validating", "in_progress", "finalizing"}:
            self._kept[batch_id] = replace(found, cancelled=now)
        return self.find(batch_id)

    def ended(self) -> list[dict[str, Any]]:
        """The batches that have come to their end and used tokens."""
        now = self._clock.now()
        return [body for body in (batch.body(now) for batch in self._kept.values()) if body["usage"]]

    def page(self, after: str | None, limit: int) -> dict[str, Any]:
        """A page of batches, the newest first, from the one after `after` on."""
        ids = list(reversed(self._kept))
        ids = ids[ids.index(after) + 1 :] if after in ids else ids
        told = [self._kept[ident].body(self._clock.now()) for ident in ids[:limit]]
        ends = {"first_id": told[0]["id"], "last_id": told[-1]["id"]} if told else {"first_id": None, "last_id": None}
        return {"object": "list", "data": told, **ends, "has_more": len(ids) > limit}


def _usage(script: Script, total: int, rng: random.Random) -> dict[str, Any]:
    taken = script.input_tokens or total * rng.randint(100, 400)
    given = total * rng.randint(20, 60) if script.output_tokens is None else script.output_tokens
    return {
        "input_tokens": taken,
        "input_tokens_details": {"cached_tokens": script.cached_tokens},
        "output_tokens": given,
        "output_tokens_details": {"reasoning_tokens": script.reasoning_tokens or 0},
        "total_tokens": taken + given,
    }


class _Batches(Endpoint):
    """What all requests about batches share; subclasses say what is answered."""

    def __init__(self, service: Service, shelf: Shelf, name: str) -> None:
        super().__init__(service, name)
        self._shelf = shelf

    async def _exchange(self, request: Request, wire: Wire) -> None:
        try:
            ask = await read_ask(request, self._service.profile, self._name, 0)
        except ClientDisconnect:
            return
        key = str(request.path_params.get("batch_id", ""))
        wire.watch()
        try:
            told = self._unwelcome(ask) or self._told(ask, key) or errors.unknown_batch(key)
            if isinstance(told, Problem):
                await self._refuse(ask, told, wire)
            else:
                await self._whole(ask, told, None, wire)
        finally:
            wire.release()

    def _unwelcome(self, ask: Ask) -> Problem | None:
        if ask.key == INVALID_KEY:
            return errors.azure_invalid_key() if ask.azure else errors.invalid_key(ask.key)
        if ask.unreadable:
            return errors.unreadable(ask.unreadable)
        return errors.scripted(ask.script) if ask.script.fails(ask.attempt) else None

    def _told(self, ask: Ask, key: str) -> dict[str, Any] | Problem | None:
        raise NotImplementedError


class _Create(_Batches):
    def _told(self, ask: Ask, _key: str) -> dict[str, Any] | Problem:
        absent = next((name for name in _REQUIRED if not isinstance(ask.body.get(name), str)), None)
        return errors.missing(absent) if absent else self._shelf.make(ask)


class _List(_Batches):
    def _told(self, ask: Ask, _key: str) -> dict[str, Any]:
        limit = ask.query.get("limit", "")
        return self._shelf.page(ask.query.get("after"), int(limit) if limit.isdigit() else _PAGE)


class _Retrieve(_Batches):
    def _told(self, _ask: Ask, key: str) -> dict[str, Any] | None:
        return self._shelf.find(key)


class _Cancel(_Batches):
    def _told(self, _ask: Ask, key: str) -> dict[str, Any] | None:
        return self._shelf.cancel(key)


def batch_routes(service: Service, shelf: Shelf, root: str) -> list[Route]:
    """The four routes under one root."""
    one = f"{root}/batches/{{batch_id}}"
    return [
        Route(f"{root}/batches", endpoint=_Create(service, shelf, "batches.create"), methods=["POST"]),
        Route(f"{root}/batches", endpoint=_List(service, shelf, "batches.list"), methods=["GET"]),
        Route(one, endpoint=_Retrieve(service, shelf, "batches.retrieve"), methods=["GET"]),
        Route(f"{one}/cancel", endpoint=_Cancel(service, shelf, "batches.cancel"), methods=["POST"]),
    ]
