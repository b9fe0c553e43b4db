"""The paths of the Responses API, and those beside it that are no inference."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.sdk import replies
from tests.sdk.capabilities import (
    BETA_RESPONSES,
    CANCEL,
    COMPACT,
    INPUT_TOKENS,
    RESPONSES,
    RESPONSES_TIER,
    RETRIEVE_STREAM,
    STORED_CHAT,
)
from tests.sdk.conftest import ASK, CHAT, TRUSTED
from tests.sdk.paths import BODY, BY_BODY, EVENTS, TIER, Answer, Path, check, listed, path, plain, streamed

from tierscope import testing

if TYPE_CHECKING:
    from tests.sdk.conftest import Service

TEXT = {"type": "output_text", "text": '{"word": "hi"}', "annotations": []}
OUTPUT = [{"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [TEXT]}]
FETCHED: dict[str, Any] = {"requested": "unreported", "outcome": "resolved", "operation": "fetch_response"}
QUEUED = replies.responses("priority", "queued", background=True)
PATHS = [
    path("create", BODY, lambda c: c.responses.create(**ASK, **TIER), RESPONSES_TIER),
    path("create, tier by extra_body", BODY, lambda c: c.responses.create(**ASK, **BY_BODY), RESPONSES),
    path("raw", BODY, lambda c: c.responses.with_raw_response.create(**ASK, **BY_BODY).http_response.text, RESPONSES),
    path("parse", replies.responses(output=OUTPUT),
         lambda c: c.responses.parse(**ASK, **BY_BODY, text_format=Answer), RESPONSES),
    streamed("stream", EVENTS, lambda c: list(c.responses.create(**ASK, **BY_BODY, stream=True)), RESPONSES),
    streamed("stream, flex all along", replies.responses_stream("flex", echo="flex"),
             lambda c: list(c.responses.create(**ASK, extra_body={"service_tier": "flex"}, stream=True)),
             RESPONSES, requested="flex", served="flex"),
    streamed("stream without a tier", replies.responses_stream(None),
             lambda c: list(c.responses.create(**ASK, **BY_BODY, stream=True)),
             RESPONSES, served="unreported", outcome="unreported"),
    path("without a tier", replies.responses(None), lambda c: c.responses.create(**ASK, **BY_BODY),
         RESPONSES, served="unreported", outcome="unreported"),
    streamed("stream manager", EVENTS, lambda c: listed(lambda: c.responses.stream(**ASK, **BY_BODY)), RESPONSES),
    path("background", QUEUED, lambda c: c.responses.create(**ASK, extra_body={**TIER, "background": True}),
         RESPONSES, outcome="unverified", output=None),
    path("retrieve", BODY, lambda c: c.responses.retrieve("resp_1"), RESPONSES, **FETCHED),
    streamed("retrieve stream", EVENTS, lambda c: list(c.responses.retrieve("resp_1", stream=True)),
             RETRIEVE_STREAM, **FETCHED),
    path("beta create", BODY, lambda c: c.beta.responses.create(**ASK, **BY_BODY), BETA_RESPONSES),
    streamed("beta stream", EVENTS, lambda c: list(c.beta.responses.create(**ASK, **BY_BODY, stream=True)),
             BETA_RESPONSES),
    path("beta retrieve", BODY, lambda c: c.beta.responses.retrieve("resp_1"), BETA_RESPONSES, **FETCHED),
    path("with a query", BODY,
         lambda c: c.post("/responses?beta=true", cast_to=object, body={**ASK, **TIER})),
]  # fmt: skip


@pytest.mark.parametrize("case", PATHS)
def test_a_path_of_responses_is_seen_once_and_untouched(service: Service, case: Path) -> None:
    """One record with both tiers and the tokens; the result has the type and data that it has without us."""
    check(service, case)


LISTED = json.dumps({"object": "list", "data": [], "has_more": False}).encode()
BATCH = json.dumps(
    {"id": "batch_1", "object": "batch", "endpoint": "/v1/chat/completions", "input_file_id": "file-1",
     "completion_window": "24h", "status": "validating", "created_at": 1}
).encode()  # fmt: skip
COMPACTED = json.dumps(
    {"id": "resp_1", "object": "response.compaction", "created_at": 1, "output": [], "usage": replies.RESPONSES_USAGE}
).encode()
COUNT = json.dumps({"object": "response.input_tokens", "input_tokens": 3}).encode()
LEFT_ALONE = [
    path("models", LISTED, lambda c: c.get("/models", cast_to=object)),
    path("files", LISTED, lambda c: c.get("/files", cast_to=object)),
    path("batch create", BATCH, lambda c: c.batches.create(
        input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h")),
    path("batch retrieve", BATCH, lambda c: c.batches.retrieve("batch_1")),
    path("list of stored completions", LISTED, lambda c: list(c.chat.completions.list()), STORED_CHAT),
    path("stored completion", replies.chat(), lambda c: c.chat.completions.retrieve("chatcmpl-1"), STORED_CHAT),
    path("update of a stored completion", replies.chat(),
         lambda c: c.chat.completions.update("chatcmpl-1", metadata={"a": "b"}), STORED_CHAT),
    path("messages of a stored completion", LISTED,
         lambda c: list(c.chat.completions.messages.list("chatcmpl-1")), STORED_CHAT),
    path("cancel", BODY, lambda c: c.responses.cancel("resp_1"), CANCEL),
    path("delete", b"{}", lambda c: c.responses.delete("resp_1"), RESPONSES),
    path("input items", LISTED, lambda c: list(c.responses.input_items.list("resp_1")), RESPONSES),
    path("count of input tokens", COUNT, lambda c: c.responses.input_tokens.count(**ASK), INPUT_TOKENS),
    path("compact", COMPACTED, lambda c: c.responses.compact(**ASK, **TIER), COMPACT),
]  # fmt: skip


@pytest.mark.parametrize("case", LEFT_ALONE)
def test_what_is_no_inference_leaves_no_record(service: Service, case: Path) -> None:
    """Left alone: no record, and the same result. A compaction names no tier, and a batch's is its endpoint's."""
    client = service.client(case.answer)
    bare = plain(case.call(client))
    with testing.capture(TRUSTED) as calls:
        seen = plain(case.call(client))
    assert (seen, calls) == (bare, [])


def test_a_call_that_is_no_inference_is_no_attempt_of_the_one_around_it(service: Service) -> None:
    """Asked for a list while a request is prepared (a token provider does): the record has one attempt, its own."""
    client = service.client(replies.whole(replies.chat()))
    prepare = client._prepare_options

    def listing(options: Any) -> Any:
        if options.method == "post":
            client.get("/models", cast_to=object)
        return prepare(options)

    client._prepare_options = listing  # type: ignore[method-assign]
    with testing.capture(TRUSTED) as calls:
        client.chat.completions.create(**CHAT)
    assert [len(call.attempts) for call in calls] == [1]
