"""Every recorded exchange, replayed through the real client over real sockets, against the truth of its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest
from tests.sdk.capabilities import RESPONSES
from tests.sdk.conftest import aclient_of, client_of
from tests.truth import corpus, oracle
from tests.truth.replay import Replay

from tierscope import testing
from tierscope.config import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.truth.corpus import Exchange

    from tierscope.model import Call

EXCHANGES = corpus.exchanges()
TRUSTING = Settings(trusted_hosts={"127.0.0.1": None})
SETTINGS = {True: Settings(trusted_hosts={"127.0.0.1": "azure.ai.openai"}), False: TRUSTING}
RATE_WORDS = {
    "choices": "several_choices",
    "messages": "several_messages",
    "sparse_deltas": "coarse_deltas",
    "rate": None,
}
CASES = [pytest.param(e, id=e.name, marks=RESPONSES if e.endpoint == "responses" else ()) for e in EXCHANGES]
STREAMS = [case for exchange, case in zip(EXCHANGES, CASES, strict=True) if exchange.is_stream]
pytestmark = pytest.mark.skipif(not EXCHANGES, reason=corpus.REASON)


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    """Serve the corpus on a loopback port."""
    with Replay(EXCHANGES) as server:
        yield server


def options(exchange: Exchange, body: dict[str, Any]) -> dict[str, Any]:
    """Return how the request was posted: body and headers as recorded."""
    wanted = {"x-ms-service-tier"}
    headers = {k: v for k, v in exchange.request_headers.items() if k.lower() in wanted}
    return {"body": body, "options": {"headers": headers} if headers else {}}


CASTS = {
    "chat/completions": ("openai.types.chat", "ChatCompletion", "ChatCompletionChunk"),
    "completions": ("openai.types", "Completion", "Completion"),
    "embeddings": ("openai.types", "CreateEmbeddingResponse", "CreateEmbeddingResponse"),
    "responses": ("openai.types.responses", "Response", "ResponseStreamEvent"),
}


def cast_of(exchange: Exchange) -> Any:
    """Return the type that the SDK's own resource asks for."""
    module, body, chunk = CASTS[exchange.endpoint]
    __import__(module)
    return getattr(__import__("sys").modules[module], chunk if exchange.is_stream else body)


def ask(client: openai.OpenAI, exchange: Exchange) -> None:
    """Send the recorded request and read the reply to its end, as an application would."""
    stream = exchange.is_stream
    path = "/" + exchange.endpoint
    kwargs: dict[str, Any] = options(exchange, exchange.request)
    if stream:
        kwargs |= {"stream": True, "stream_cls": openai.Stream[cast_of(exchange)]}
    result = client.post(path, cast_to=cast_of(exchange), **kwargs)
    if stream:
        for _ in result:
            pass


async def aask(client: openai.AsyncOpenAI, exchange: Exchange) -> None:
    """Send it by the async client."""
    kwargs: dict[str, Any] = options(exchange, exchange.request)
    if exchange.is_stream:
        kwargs |= {"stream": True, "stream_cls": openai.AsyncStream[cast_of(exchange)]}
    result = await client.post("/" + exchange.endpoint, cast_to=cast_of(exchange), **kwargs)
    if exchange.is_stream:
        async for _ in result:
            pass


def told(call: Call) -> dict[str, Any]:
    """Return the record in the words of the oracle."""
    reply = call.reply
    usage = reply.usage if reply else None
    failure = call.error_type
    return {
        "requested_raw": call.request.tier_raw,
        "requested": call.request.requested,
        "served": call.served,
        "outcome": call.outcome,
        "input": usage.input if usage else None,
        "cached": usage.cached if usage else None,
        "cache_write": usage.cache_write if usage else None,
        "output": usage.output if usage else None,
        "reasoning": usage.reasoning if usage else None,
        "model": reply.model if reply else None,
        "id": reply.response_id if reply else None,
        "fingerprint": reply.fingerprint if reply else None,
        "finish": tuple(filter(None, reply.finish_reasons)) if reply and call.request.endpoint != "responses" else (),
        "status": reply.status if reply else call.attempts[-1].status,
        "failed": failure is not None,
        "deltas": None,
    }


def truth(exchange: Exchange) -> dict[str, Any]:
    """Return what the record must say."""
    known = oracle.expected(exchange)
    return {
        "requested_raw": known.requested_raw,
        "requested": known.requested,
        "served": known.served,
        "outcome": known.outcome,
        "input": known.input_tokens,
        "cached": known.cached_tokens,
        "cache_write": known.cache_write_tokens,
        "output": known.output_tokens,
        "reasoning": known.reasoning_tokens,
        "model": known.response_model,
        "id": known.response_id,
        "fingerprint": known.system_fingerprint,
        "finish": known.finish_reasons,
        "status": known.status,
        "failed": known.error is not None or known.status >= 400,
        "deltas": None,
    }


def adapted(exchange: Exchange, record: dict[str, Any], known: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Leave out what the SDK never hands on: it raises at an in-stream error before later events are read."""
    if exchange.is_stream and known["failed"]:
        for key in ("served", "id", "model", "input", "output", "cached", "reasoning", "finish", "fingerprint"):
            record.pop(key), known.pop(key)
    return record, known


@pytest.mark.parametrize("exchange", CASES)
def test_a_sync_call_is_recorded_as_its_bytes_say(replay: Replay, exchange: Exchange) -> None:
    """The record of a replayed exchange equals what an independent reading of its bytes says."""
    with testing.capture(SETTINGS[exchange.is_azure]) as calls:
        client = client_of(replay.url(exchange.id) + "/v1")
        raises = oracle.expected(exchange).error is not None or exchange.status >= 400
        if raises and not (exchange.is_stream and exchange.status < 400):
            with pytest.raises(openai.OpenAIError):
                ask(client, exchange)
        else:
            try:
                ask(client, exchange)
            except openai.APIError:
                assert raises
        client.close()
    assert len(calls) == 1
    record, known = adapted(exchange, told(calls[0]), truth(exchange))
    assert record == known


@pytest.mark.parametrize("exchange", CASES)
async def test_an_async_call_is_recorded_the_same(replay: Replay, exchange: Exchange) -> None:
    """The async client leaves the same record."""
    with testing.capture(SETTINGS[exchange.is_azure]) as calls:
        async with aclient_of(replay.url(exchange.id) + "/v1") as client:
            try:
                await aask(client, exchange)
            except openai.APIError:
                assert oracle.expected(exchange).error is not None or exchange.status >= 400
    assert len(calls) == 1
    record, known = adapted(exchange, told(calls[0]), truth(exchange))
    assert record == known


@pytest.mark.parametrize("exchange", STREAMS)
def test_a_raw_reader_of_lines_leaves_the_same_record(replay: Replay, exchange: Exchange) -> None:
    """A stream read as raw bytes, without any Stream object, tells tier, tokens and shape all the same."""
    with testing.capture(SETTINGS[exchange.is_azure]) as calls:
        client = client_of(replay.url(exchange.id) + "/v1")
        response = client.post(
            "/" + exchange.endpoint,
            cast_to=openai.APIResponse[object] if hasattr(openai, "APIResponse") else object,
            body=exchange.request,
            options={"headers": {"X-Stainless-Raw-Response": "true"}},
            stream=True,
            stream_cls=openai.Stream[object],
        )
        data = b"".join(response.http_response.iter_bytes())
        client.close()
    assert data == exchange.body
    assert len(calls) == 1
    record, known = told(calls[0]), truth(exchange)
    assert record == known


@pytest.mark.parametrize("exchange", STREAMS)
def test_the_generation_rate_is_there_or_absent_for_the_right_reason(replay: Replay, exchange: Exchange) -> None:
    """The required table: four streams have a rate, the others say which condition fails first."""
    with testing.capture(SETTINGS[exchange.is_azure]) as calls:
        client = client_of(replay.url(exchange.id) + "/v1")
        try:
            ask(client, exchange)
        except openai.APIError:
            return
        finally:
            client.close()
    verdict = oracle.expected(exchange).rate_verdict
    reason = calls[0].speed.generation_absent
    assert (None if reason == "no_time" else reason) == RATE_WORDS.get(verdict, verdict)
