"""Batches: what tells of no end leaves no record, and whatever comes, the application gets what it gets without us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import openai
import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation
from tests.sdk import replies
from tests.sdk.conftest import CHAT, TRUSTED
from tests.sdk.paths import plain
from tests.sdk.test_batches import idents, streamed

from tierscope import testing

if TYPE_CHECKING:
    from tests.sdk.conftest import Service


JUNK: Final = [
    pytest.param(replies.batch(status="validating"), id="under way"),
    pytest.param(replies.batch(id=None), id="no id"),
    pytest.param(replies.batch(id=7), id="a number as id"),
    pytest.param(replies.batch(status=["completed"]), id="a list as state"),
    pytest.param(b"{}", id="empty"),
    pytest.param(b"[]", id="a list"),
    pytest.param(b'"x"', id="a text"),
    pytest.param(b"null", id="null"),
    pytest.param(replies.batches(None, 7, "x", [replies.a_batch()], {}), id="a page of junk"),
    pytest.param(b'{"data": 7}', id="a page of nothing"),
]


@pytest.mark.parametrize("answer", JUNK)
@pytest.mark.parametrize("call", ["retrieve", "list"])
def test_what_tells_of_no_end_leaves_no_record(service: Service, answer: bytes, call: str) -> None:
    """And the result is what it is without us."""
    client = service.client(replies.whole(answer))

    def result() -> object:
        return plain(client.batches.retrieve("b") if call == "retrieve" else client.batches.list())

    def tried() -> object:
        try:
            return result()
        except Exception as exc:  # noqa: BLE001  the SDK's own, of an answer that is no page
            return type(exc), str(exc)

    bare = tried()
    with testing.capture(TRUSTED) as calls:
        seen = tried()
    assert (seen, calls) == (bare, [])


ODD: Final = [
    pytest.param({"usage": 7, "model": 7, "request_counts": [], "created_at": "x"}, id="wrong types"),
    pytest.param({"usage": {}, "model": "", "request_counts": {"total": -1}, "completed_at": -1}, id="no values"),
    pytest.param({"usage": None, "model": None, "request_counts": None, "created_at": None}, id="nulls"),
]


@pytest.mark.parametrize("fields", ODD)
def test_an_odd_batch_is_a_record_of_what_is_known(service: Service, fields: dict[str, Any]) -> None:
    """Made before there was usage, or by another service: unknown, never 0."""
    client = service.client(replies.whole(replies.batch(**fields)))
    bare = plain(client.batches.retrieve("b"))
    with testing.capture(TRUSTED) as calls:
        seen = plain(client.batches.retrieve("b"))
    (call,) = calls
    assert seen == bare
    assert call.reply is not None
    assert (call.reply.usage, call.reply.model, call.outcome) == (None, None, "honored")
    assert call.reply.batch is not None
    assert set(call.reply.batch._replace(created_unix_s=None)) == {None}


def test_a_failure_is_the_applications(service: Service) -> None:
    """An API call that fails tells of no batch: the same exception, no record; the next one does."""
    answers = (replies.whole(replies.error(None, "no such batch"), 404), replies.whole(replies.batch()))
    client = service.client(*answers)
    with testing.capture(TRUSTED) as calls:
        with pytest.raises(openai.NotFoundError):
            client.batches.retrieve("batch_1")
        assert calls == []
        client.batches.retrieve("batch_1")
    assert idents(calls) == ["batch_1"]


def test_a_body_that_nobody_reads_tells_nothing(service: Service) -> None:
    """With a streaming response the application decides; whoever reads it later is the first."""
    client = service.client(replies.whole(replies.batch()))
    with testing.capture(TRUSTED) as calls:
        with client.batches.with_streaming_response.retrieve("batch_1"):
            pass
        assert calls == []
        streamed(client, lambda response: response.json())
    assert idents(calls) == ["batch_1"]


def test_suppression_is_honoured_and_forgets_nothing(service: Service) -> None:
    """Seen while suppressed: not told, and still new afterwards."""
    client = service.client(replies.whole(replies.batch()))
    with testing.capture(TRUSTED) as calls:
        with suppress_instrumentation():
            client.batches.retrieve("batch_1")
        assert calls == []
        client.batches.retrieve("batch_1")
    assert idents(calls) == ["batch_1"]


def test_a_look_at_a_batch_is_no_attempt_of_the_call_around_it(service: Service) -> None:
    """Asked for while another request is prepared: two records, each its own, and the outer one has one attempt."""
    client, inner = service.client(replies.whole(replies.chat())), service.client(replies.whole(replies.batch()))
    prepare = client._prepare_options

    def looking(options: Any) -> Any:
        inner.batches.retrieve("batch_1")
        return prepare(options)

    client._prepare_options = looking  # type: ignore[method-assign]
    with testing.capture(TRUSTED) as calls:
        client.chat.completions.create(**CHAT)
    assert [(call.request.operation, len(call.attempts)) for call in calls] == [("batch", 0), ("chat", 1)]
