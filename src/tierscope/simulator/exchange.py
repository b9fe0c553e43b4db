"""One HTTP exchange from request to ledger row: the ASGI endpoints."""

import itertools
import json
from collections.abc import Iterable
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from tierscope.simulator import errors
from tierscope.simulator.ask import Ask, read_ask
from tierscope.simulator.errors import Problem
from tierscope.simulator.frames import Family, Frame, Job, dumps
from tierscope.simulator.plan import Cut, ordered_cut
from tierscope.simulator.responses import RESPONSES
from tierscope.simulator.service import Decision, Service
from tierscope.simulator.wire import Wire

_SSE = "text/event-stream; charset=utf-8"


class Endpoint:
    """An ASGI application for one kind of request; subclasses say what is answered."""

    def __init__(self, service: Service, name: str, family: Family = RESPONSES) -> None:
        self._service, self._name, self._family = service, name, family

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request and enters it into the ledger."""
        with self._service.ledger.exchange():
            await self._exchange(Request(scope, receive), Wire(scope, receive, send))

    async def _exchange(self, request: Request, wire: Wire) -> None:
        try:
            ask = await read_ask(request, self._service.profile, self._name, self._service.next_sequence())
        except ClientDisconnect:
            return  # no request arrived: there is nothing to note
        ask = self._service.numbered(ask)
        key = str(request.path_params.get("response_id", ""))
        wire.watch()
        try:
            decision = self._decide(ask, key)
            await self._answer(ask, decision, wire)
            self._service.enter(ask, decision, wire)
        finally:
            wire.release()

    def _decide(self, ask: Ask, _key: str) -> Decision:
        return self._service.decide(ask)

    async def _answer(self, ask: Ask, decision: Decision, wire: Wire) -> None:
        if not await wire.until(ask.received.at + (ask.script.header_delay or 0.0)):
            return
        if decision.drop:
            await wire.drop()
        elif decision.problem:
            await self._refuse(ask, decision.problem, wire)
        elif ask.script.raw is not None:
            await self._raw(ask, ask.script.raw, wire)
        elif decision.job:
            await self._serve(ask, decision.job, wire)

    async def _serve(self, ask: Ask, job: Job, wire: Wire) -> None:
        stores = self._name == "responses" and (ask.background or ask.body.get("store") is not False)
        stored = self._service.store.keep(job) if stores else None
        if ask.stream:
            await self._stream(ask, job, self._family.frames(job), job.plan.cut, wire)
        elif stored and ask.background:
            await self._whole(ask, stored.body(), job.plan.cut, wire)
        elif await wire.until(ask.received.at + job.plan.end()):
            await self._whole(ask, self._family.body(job), job.plan.cut, wire)

    def _headers(self, ask: Ask, kind: str, **more: str) -> dict[str, str]:
        ours = {"content-type": kind, **more, **self._service.headers(ask)}
        return ours | {name.lower(): value for name, value in ask.script.headers.items()}

    async def _whole(self, ask: Ask, body: dict[str, Any], cut: Cut | None, wire: Wire) -> None:
        """A JSON reply: indented where OpenAI's is, compact where Azure's is (recorded); or its first half."""
        sent = dumps(body) if ask.azure else json.dumps(body, indent=2).encode()
        headers = self._headers(ask, "application/json") | {"content-length": str(len(sent))}
        if not await wire.start(200, headers, events=False):
            return
        if cut is None or not cut.drop:
            await wire.write(sent, last=True)
        elif await wire.write(sent[: len(sent) // 2]):
            await wire.drop()

    async def _refuse(self, ask: Ask, problem: Problem, wire: Wire) -> None:
        sent = dumps(problem.body(azure=ask.azure))
        headers = self._headers(ask, "application/json", **problem.headers) | {"content-length": str(len(sent))}
        if await wire.start(problem.status, headers, events=False):
            await wire.write(sent, last=True)

    async def _raw(self, ask: Ask, body: bytes, wire: Wire) -> None:
        script = ask.script
        size = script.raw_piece or max(1, len(body))
        encoding = {"content-encoding": script.raw_encoding} if script.raw_encoding else {}
        events = script.raw_type.startswith("text/event-stream")
        if not await wire.start(script.status or 200, self._headers(ask, script.raw_type, **encoding), events=events):
            return
        for number, start in enumerate(range(0, len(body), size)):
            if number == script.drop_after:
                await wire.drop()
                return
            due = ask.received.at + (script.first_delay or 0.0) + number * (script.chunk_delay or 0.0)
            if not await wire.until(due) or not await wire.write(body[start : start + size]):
                return
        await wire.finish()

    async def _stream(self, ask: Ask, job: Job, frames: Iterable[Frame], cut: Cut | None, wire: Wire) -> None:
        origin = job.ask.received.at
        if not await wire.until(origin + job.plan.pace.opening):
            return
        if not await wire.start(200, self._headers(ask, _SSE), events=True):
            return
        events = await self._play(frames, wire, origin, cut.after if cut else None)
        if events is None:
            return
        if cut and cut.drop:
            await wire.drop()
            return
        if cut:
            await wire.write(self._family.failure(job, errors.in_stream(ask.script), events))
        await wire.finish()

    async def _play(self, frames: Iterable[Frame], wire: Wire, origin: float, limit: int | None) -> int | None:
        """Sends events when they are due, up to `limit` deltas; the events sent, or None when the client left."""
        deltas, events = 0, itertools.count()
        for frame in frames:
            if frame.delta and deltas == limit:
                break
            if not await wire.until(origin + frame.due) or not await wire.write(frame.data):
                return None
            next(events)
            deltas += frame.delta
            if frame.delta and deltas == limit:
                break
        return next(events)


class Retrieve(Endpoint):
    """`GET /responses/{id}`, also with `stream=true` and `starting_after`: the stored response as it stands now."""

    def _decide(self, ask: Ask, key: str) -> Decision:
        return self._service.fetch(ask, key)

    async def _serve(self, ask: Ask, job: Job, wire: Wire) -> None:
        stored, cut = self._service.store.find(job.id), ordered_cut(ask.script)
        if ask.stream:
            after = ask.query.get("starting_after", "")
            frames = itertools.islice(self._family.frames(job), int(after) + 1 if after.isdigit() else 0, None)
            await self._stream(ask, job, frames, cut, wire)
        elif stored:
            await self._whole(ask, stored.body(), cut, wire)


class Cancel(Retrieve):
    """`POST /responses/{id}/cancel`."""

    async def _serve(self, ask: Ask, job: Job, wire: Wire) -> None:
        self._service.store.cancel(job.id)
        await super()._serve(ask, job, wire)


class Delete(Retrieve):
    """`DELETE /responses/{id}`."""

    async def _serve(self, ask: Ask, job: Job, wire: Wire) -> None:
        self._service.store.forget(job.id)
        deleted = {"id": job.id, "object": "response.deleted", "deleted": True}
        await self._whole(ask, deleted, ordered_cut(ask.script), wire)
