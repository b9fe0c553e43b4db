"""Chat and legacy completions: what one body tells, whatever stands in it."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st
from openai.types import Completion
from openai.types.chat import ChatCompletion

from tests.unit import wire
from tierscope.model import Reply, Usage
from tierscope.reading import chat

USAGE: Final = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
COUNTS: Final = Usage(input=100, output=20, total=120)
BODY: Final[dict[str, Any]] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4.1-2025-04-14",
    "system_fingerprint": "fp_1",
    "service_tier": "priority",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"},
        {"index": 1, "message": {"role": "assistant", "content": "ho"}, "finish_reason": "length"},
    ],
    "usage": USAGE,
}
TOLD: Final = Reply(
    status=200,
    response_id="chatcmpl-1",
    model="gpt-4.1-2025-04-14",
    fingerprint="fp_1",
    tier_raw="priority",
    finish_reasons=("stop", "length"),
    usage=COUNTS,
)
LEGACY: Final[dict[str, Any]] = {
    "id": "cmpl-1",
    "object": "text_completion",
    "created": 1,
    "model": "gpt-3.5-turbo-instruct",
    "service_tier": "default",
    "choices": [{"index": 0, "text": "hi", "finish_reason": "stop", "logprobs": None}],
    "usage": USAGE,
}
TEXTS: Final[dict[str, wire.Path]] = {
    "response_id": ("id",),
    "model": ("model",),
    "fingerprint": ("system_fingerprint",),
    "tier_raw": ("service_tier",),
}


def test_a_body_is_read_from_json_and_object_alike() -> None:
    assert chat.reply(BODY, 200) == TOLD
    assert chat.reply(wire.parsed(ChatCompletion, BODY), 200) == TOLD


def test_a_legacy_body_is_read_from_json_and_object_alike() -> None:
    """Its tier, which the SDK does not declare, too."""
    told = Reply(200, "cmpl-1", "gpt-3.5-turbo-instruct", None, "default", ("stop",), usage=COUNTS)
    assert chat.reply(LEGACY, 200) == told
    assert chat.reply(wire.parsed(Completion, LEGACY), 200) == told


@given(st.sampled_from(sorted(TEXTS)), wire.values)
def test_any_value_in_place_of_a_text_changes_that_text_alone(name: str, value: Any) -> None:
    """Itself, cut at 512 characters, or unknown."""
    told = wire.changed(TOLD, name, wire.as_text(value))
    assert chat.reply(wire.replaced(BODY, TEXTS[name], value), 200) == told


@given(st.sampled_from([0, 1]), wire.values)
def test_any_value_as_finish_reason_changes_that_reason_alone(at: int, value: Any) -> None:
    reasons = [wire.as_text(value) if at == index else reason for index, reason in enumerate(TOLD.finish_reasons)]
    body = wire.replaced(BODY, ("choices", at, "finish_reason"), value)
    assert chat.reply(body, 200) == TOLD._replace(finish_reasons=tuple(reasons))


@given(wire.values)
def test_any_value_in_place_of_the_choices_leaves_the_rest(value: Any) -> None:
    """One reason a choice that is there; `null` entries are none."""
    told = chat.reply({**BODY, "choices": value}, 200)
    there = [entry for entry in value if entry is not None] if isinstance(value, list) else []
    assert len(told.finish_reasons) == len(there)
    assert told._replace(finish_reasons=()) == TOLD._replace(finish_reasons=())


@given(wire.values)
def test_any_value_in_place_of_the_usage_leaves_the_rest(value: Any) -> None:
    assert chat.reply({**BODY, "usage": value}, 200) == TOLD._replace(usage=None)


@given(st.sampled_from(list(wire.places(BODY))), wire.values)
def test_any_value_anywhere_is_harmless_in_json_and_object(path: wire.Path, value: Any) -> None:
    """What the SDK makes of odd JSON may differ from it (it turns "12" into 12); nothing raises."""
    odd = wire.replaced(BODY, path, value)
    assert chat.reply(odd, 200).status == 200
    if isinstance(odd, dict):
        assert chat.reply(wire.parsed(ChatCompletion, odd), 200).status == 200
