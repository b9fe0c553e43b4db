from typing import Any

import pytest

from . import made
from .made import CHAT, RESPONSES, response_event, text_delta
from .oracle import expected

WORDS = [text_delta("a")] * 20
USAGE = {"choices": [], "usage": {"completion_tokens": 60}}
ANSWER = {"type": "response.output_text.delta", "delta": "a"}
THOUGHT = {"type": "reasoning"}
REASONING = {"type": "response.reasoning_summary_text.delta", "delta": "r"}
MESSAGE = {"type": "message"}


def chat(*parts: dict[str, Any], **request: object) -> tuple[int | None, str]:
    record = expected(made.exchange(CHAT, made.chunks(*parts), request))
    return record.text_deltas, record.rate_verdict


def responses(deltas: list[dict[str, Any]], *items: dict[str, Any], tokens: int = 60) -> tuple[int | None, str]:
    end = response_event("completed", status="completed", output=items, usage={"output_tokens": tokens})
    record = expected(made.exchange(RESPONSES, made.named([*deltas, end])))
    return record.text_deltas, record.rate_verdict


def delta(**fields: object) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields}]}


@pytest.mark.parametrize(
    ("parts", "verdict"),
    [
        pytest.param([*WORDS, USAGE], (20, "rate"), id="text-only"),
        pytest.param([*WORDS, delta(content=""), delta(role="assistant"), USAGE], (20, "rate"), id="empty-deltas"),
        pytest.param([*WORDS[:19], delta(refusal="no"), USAGE], (20, "rate"), id="refusal"),
        pytest.param(WORDS, (20, "no_usage"), id="no-usage"),
        pytest.param([*WORDS, {"usage": {"completion_tokens": 19}}], (20, "few_tokens"), id="19-tokens"),
        pytest.param([*WORDS, {"usage": {"completion_tokens": 20}}], (20, "rate"), id="20-tokens"),
        pytest.param([*WORDS, text_delta("b", 1), USAGE], (21, "choices"), id="two-choices"),
        pytest.param([*WORDS, delta(tool_calls=[{"index": 0}]), USAGE], (20, "tool_call"), id="tool-call"),
        pytest.param([*WORDS, delta(function_call={"name": "f"}), USAGE], (20, "tool_call"), id="function-call"),
        pytest.param([*WORDS, delta(reasoning="r"), *WORDS, USAGE], (40, "other_deltas"), id="reasoning-between"),
        pytest.param([delta(reasoning="r"), *WORDS, USAGE], (20, "rate"), id="reasoning-before"),
        pytest.param([*WORDS[:19], USAGE], (19, "few_deltas"), id="19-deltas"),
        pytest.param([*WORDS, {"usage": {"completion_tokens": 80}}], (20, "rate"), id="4-a-delta"),
        pytest.param([*WORDS, {"usage": {"completion_tokens": 81}}], (20, "sparse_deltas"), id="over-4-a-delta"),
    ],
)
def test_verdicts_of_chat_streams(parts: list[dict[str, Any]], verdict: tuple[int, str]) -> None:
    """The first condition that a chat stream fails is its verdict."""
    assert chat(*parts) == verdict


def test_asking_for_several_choices_is_enough() -> None:
    """With n > 1 there is no rate, even if the recording holds one choice only."""
    assert chat(*WORDS, USAGE, n=2) == (20, "choices")


@pytest.mark.parametrize(
    ("deltas", "items", "verdict"),
    [
        pytest.param([ANSWER] * 20, [MESSAGE], (20, "rate"), id="text-only"),
        pytest.param([REASONING, *[ANSWER] * 20], [THOUGHT, MESSAGE], (20, "rate"), id="reasoning-before"),
        pytest.param([ANSWER, REASONING, *[ANSWER] * 20], [MESSAGE], (21, "other_deltas"), id="reasoning-between"),
        pytest.param([ANSWER] * 20, [MESSAGE, MESSAGE], (20, "messages"), id="two-messages"),
        pytest.param([ANSWER] * 20, [MESSAGE, {"type": "web_search_call"}], (20, "tool_call"), id="server-tool"),
        pytest.param([ANSWER] * 20, [MESSAGE, {"type": "mcp_list_tools"}], (20, "tool_call"), id="tool-list"),
        pytest.param([], [{"type": "function_call"}], (0, "tool_call"), id="no-text"),
        pytest.param([ANSWER, {"type": "response.output_text.delta", "delta": ""}], [], (1, "few_deltas"), id="empty"),
    ],
)
def test_verdicts_of_responses_streams(
    deltas: list[dict[str, Any]], items: list[dict[str, Any]], verdict: tuple[int, str]
) -> None:
    """The first condition that a Responses stream fails is its verdict."""
    assert responses(deltas, *items) == verdict


def test_item_that_only_an_event_announced_counts() -> None:
    """A tool call that the final output leaves out was still a tool call."""
    added = {"type": "response.output_item.added", "item": {"type": "function_call"}}
    assert responses([added, *[ANSWER] * 20]) == (20, "tool_call")


def test_body_has_no_deltas() -> None:
    """What was not streamed has no deltas and no generation rate."""
    record = expected(made.exchange(CHAT, made.body(usage={"completion_tokens": 60})))
    assert (record.text_deltas, record.visible_tokens, record.rate_verdict) == (None, 60, "not_streamed")
