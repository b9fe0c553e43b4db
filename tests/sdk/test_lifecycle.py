"""Instrumenting and taking it off: no trace is left, open streams finish, other layers stay."""

from __future__ import annotations

import copy
import gc
import inspect
import logging
import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio
import openai
import pytest
import wrapt
from openai import _base_client, _streaming
from tests.sdk import replies
from tests.sdk.capabilities import KEY_PROVIDER
from tests.sdk.conftest import CHAT, TRUSTED, http_client
from tests.sdk.telemetry import Telemetry

import tierscope
from tierscope import testing
from tierscope.config import Settings
from tierscope.seam import patches

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sdk.conftest import Service


def methods() -> dict[str, Any]:
    """Return what stands at each patched place."""
    owners = {**vars(_base_client), **vars(_streaming)}
    return {f"{p.owner}.{p.name}": owners[p.owner].__dict__[p.name] for p in patches.PATCHES}


def test_uninstrument_leaves_the_sdk_as_it_was(service: Service) -> None:
    """Every patched method is the very object it was before; those of streams are patched with the first call."""
    before = methods()
    assert tierscope.instrument(TRUSTED)
    service.client(replies.whole(replies.chat())).chat.completions.create(**CHAT)
    assert all(value is not before[name] for name, value in methods().items())
    tierscope.uninstrument()
    assert methods() == before


def test_instrumenting_twice_is_one_layer(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """A second ``instrument()`` warns and changes nothing: one record a call."""
    with testing.capture(TRUSTED) as calls:
        with caplog.at_level(logging.WARNING, logger="tierscope"):
            assert tierscope.instrument(TRUSTED)
        service.client(replies.whole(replies.chat())).chat.completions.create(**CHAT)
    assert len(calls) == 1
    assert ["instrumented already" in r.getMessage() for r in caplog.records] == [True]


def test_a_foreign_layer_on_top_stays(service: Service) -> None:
    """Somebody wrapped after us: our uninstrument leaves his layer and goes silent below it."""
    seen: list[str] = []

    def foreign(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
        seen.append("foreign")
        return wrapped(*args, **kwargs)

    before = _base_client.SyncAPIClient.__dict__["request"]
    tierscope.instrument(TRUSTED)
    wrapt.wrap_function_wrapper(_base_client.SyncAPIClient, "request", foreign)
    try:
        tierscope.uninstrument()
        with testing.capture(TRUSTED) as calls:
            service.client(replies.whole(replies.chat())).chat.completions.create(**CHAT)
        assert (seen, len(calls)) == (["foreign"], 1)
        service.client(replies.whole(replies.chat())).chat.completions.create(**CHAT)
        assert (seen, len(calls)) == (["foreign", "foreign"], 1)
    finally:
        _base_client.SyncAPIClient.request = before  # type: ignore[method-assign]


def test_a_stream_that_is_open_at_uninstrument_finishes_normally(service: Service) -> None:
    """Uninstrumented in mid-stream: the reader gets every chunk, the record says complete."""
    with Telemetry() as telemetry:
        client = service.client(replies.stream(replies.chat_stream()))
        stream = client.chat.completions.create(**CHAT, stream=True)
        next(stream)
        tierscope.uninstrument()
        assert len(list(stream)) == 7
        (span,) = telemetry.spans
    assert span.attributes["tierscope.ending"] == "complete"


def test_signatures_and_kinds_stay() -> None:
    """``inspect`` sees the same functions: signatures, coroutine and async-generator functions."""
    before = {name: inspect.signature(method) for name, method in methods().items()}
    with testing.capture(TRUSTED):
        assert {name: inspect.signature(method) for name, method in methods().items()} == before
        assert inspect.iscoroutinefunction(openai.AsyncOpenAI.request)
        assert inspect.isasyncgenfunction(openai.AsyncStream.__stream__)


def test_pickled_and_copied_replies_are_as_without_us(service: Service) -> None:
    """A reply and its HTTP response can be pickled and copied; they carry no attribute of ours."""
    client = service.client(replies.whole(replies.chat()))
    with testing.capture(TRUSTED):
        raw = client.chat.completions.with_raw_response.create(**CHAT)
        reply = raw.parse()
    assert pickle.loads(pickle.dumps(reply)) == reply  # noqa: S301  our own bytes
    assert copy.deepcopy(reply) == reply
    response = pickle.loads(pickle.dumps(raw.http_response))  # noqa: S301
    assert (response.status_code, [k for k in vars(response) if "tierscope" in k]) == (200, [])


def test_threads_do_not_mix_tiers_up(service: Service) -> None:
    """16 threads, 50 calls each, two tiers: every record has the tier of its own reply."""
    fast, slow = (service.client(replies.whole(replies.chat(tier))) for tier in ("priority", "default"))

    def work(number: int) -> None:
        client, tier = (fast, "priority") if number % 2 else (slow, "flex")
        for _ in range(50):
            client.post("/chat/completions", cast_to=object, body={**CHAT, "service_tier": tier})

    with testing.capture(TRUSTED) as calls, ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))
    pairs = [(c.request.requested, c.served) for c in calls]
    assert (pairs.count(("priority", "priority")), pairs.count(("flex", "default")), len(pairs)) == (400, 400, 800)


async def test_forty_streams_at_once_do_not_mix_tiers_up(service: Service) -> None:
    """40 streams at once on one client: each record complete, with its own tokens."""
    async with service.aclient(replies.stream(replies.chat_stream())) as client:

        async def one() -> None:
            stream = await client.chat.completions.create(**CHAT, stream=True)
            assert len([chunk async for chunk in stream]) == 8

        with testing.capture(TRUSTED) as calls:
            async with anyio.create_task_group() as group:
                for _ in range(40):
                    group.start_soon(one)
    assert [(c.ending, c.reply.usage.output) for c in calls] == [("complete", 12)] * 40


@KEY_PROVIDER
def test_a_token_provider_that_calls_a_client_is_a_record_of_its_own(service: Service) -> None:
    """An API-key provider that itself asks a model while the request is prepared: two records, no attempt mixed up."""
    inner = service.client(replies.whole(replies.chat("flex")))

    def key() -> str:
        inner.models.list()
        inner.chat.completions.create(**CHAT, service_tier="flex")
        return "k"

    url = service.url(replies.whole(replies.chat("priority")))
    with (
        openai.OpenAI(api_key=key, base_url=url, http_client=http_client()) as client,
        testing.capture(TRUSTED) as calls,
    ):
        client.chat.completions.create(**CHAT, service_tier="priority")
    assert [(c.request.requested, c.served, len(c.attempts)) for c in calls] == [
        ("flex", "flex", 1),
        ("priority", "priority", 1),
    ]


def test_a_forked_child_records_nothing_of_its_parents_stream(service: Service) -> None:
    """Forked in mid-stream: the child's end of it is no record, the parent's is."""
    client = service.client(replies.stream(replies.chat_stream()))
    with testing.capture(TRUSTED) as calls:
        stream = client.chat.completions.create(**CHAT, stream=True)
        next(stream)
        pid = os.fork()
        if pid == 0:
            stream.close()
            os._exit(len(calls))
        _, status = os.waitpid(pid, 0)
        stream.close()
    assert (os.waitstatus_to_exitcode(status), len(calls)) == (0, 1)


def _left_to_the_collector(call: Callable[[], None]) -> list[str]:
    """Modules of the objects that one call leaves in cycles."""
    call()
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        call()
        gc.collect()
        return [f"{type(o).__module__}.{type(o).__name__}" for o in gc.garbage]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.mark.parametrize("is_stream", [False, True], ids=["body", "stream"])
def test_no_reference_cycle_is_left(service: Service, is_stream: bool) -> None:
    """A finished call leaves no object of ours to the collector, unless httpx left its own response there.

    httpx 0.28 ties each streamed response to its ``BoundSyncStream``; httpx2 no longer does.
    """
    client = service.client(replies.stream(replies.chat_stream()) if is_stream else replies.whole(replies.chat()))

    def call() -> None:
        result: Any = client.chat.completions.create(**CHAT, stream=is_stream)
        if is_stream:
            list(result)

    bare = [name for name in _left_to_the_collector(call) if name.startswith("httpx")]
    with testing.capture(TRUSTED):
        ours = [name for name in _left_to_the_collector(call) if name.startswith("tierscope")]
    assert not ours or "httpx.Response" in bare


def test_bad_settings_are_one_clear_line(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that cannot be used: off, with key, value and remedy in one line."""
    monkeypatch.setenv("TIERSCOPE_STREAM_USAGE", "sometimes")
    with caplog.at_level(logging.INFO, logger="tierscope"):
        assert not tierscope.instrument()
    assert [r.getMessage() for r in caplog.records] == [
        "Tierscope is off: TIERSCOPE_STREAM_USAGE='sometimes': use one of never, auto, always"
    ]


def test_a_host_with_a_provider_nobody_knows_is_one_clear_line(caplog: pytest.LogCaptureFixture) -> None:
    """A typo must not trust a host under the rules of another."""
    with caplog.at_level(logging.INFO, logger="tierscope"):
        assert not tierscope.instrument(Settings(trusted_hosts={"llm.example": "opnai"}))
    (line,) = [r.getMessage() for r in caplog.records]
    assert line.startswith(
        "Tierscope is off: TIERSCOPE_TRUSTED_HOSTS='llm.example=opnai': use one of _OTHER, aws.bedrock"
    )


def test_without_providers_one_line_says_so(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """No provider configured when the first call is made: an INFO line, and everything works."""
    client = service.client(replies.whole(replies.chat()))
    with caplog.at_level(logging.INFO, logger="tierscope"):
        assert tierscope.instrument(Settings())
        assert caplog.records == []
        for _ in range(2):
            client.chat.completions.create(**CHAT)
    assert ["no OpenTelemetry provider" in r.getMessage() for r in caplog.records] == [True]


@pytest.mark.parametrize(("version", "level"), [("1.39.0", "ERROR"), ("4.0.0", "ERROR"), ("3.999.0", None)])
def test_an_unsupported_openai_is_one_clear_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, version: str, level: str | None
) -> None:
    """A version outside the range: one ERROR line, nothing is patched."""
    monkeypatch.setattr(openai, "__version__", version)
    with caplog.at_level(logging.WARNING, logger="tierscope"):
        assert tierscope.instrument(Settings()) is (level is None)
    assert [r.levelname for r in caplog.records] == ([level] if level else [])


def test_a_patch_that_is_missing_is_one_line_and_the_rest_works(
    service: Service, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A method that a later openai no longer has is logged once; the others tell what they can."""
    monkeypatch.setattr(
        patches.LAYERS, "_patches", (*patches.PATCHES, patches.Patch("openai._base_client", "Gone", "x", print))
    )
    with caplog.at_level(logging.WARNING, logger="tierscope"), testing.capture(TRUSTED) as calls:
        service.client(replies.whole(replies.chat())).chat.completions.create(**CHAT)
    assert len(calls) == 1
    assert ["Gone.x is not in this version" in r.getMessage() for r in caplog.records] == [True]


def test_four_threads_on_one_stream_leave_one_record(service: Service) -> None:
    """Threads that fight for one stream: the baseline's ``ValueError`` is neither a stream error nor an end."""
    client = service.client(replies.stream(replies.chat_stream(texts=40)), gap_s=0.001)
    with testing.capture(TRUSTED) as calls:
        stream = client.chat.completions.create(**CHAT, stream=True)

        def work() -> None:
            while True:
                try:
                    next(stream)
                except StopIteration:
                    return
                except ValueError:
                    continue

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [(c.ending, c.reply.usage.output) for c in calls] == [("complete", 47)]
