"""Refusals over the tier by the hosts' own rows, through the real client: status and code, never the class alone."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any, Final

import openai
import pytest
from tests.sdk import replies
from tests.sdk.conftest import CHAT
from tests.sdk.hosts import client_at

from tierscope import testing
from tierscope.config import Settings

if TYPE_CHECKING:
    from tests.sdk.conftest import Service

GROQ, FIREWORKS, X_AI = "https://api.groq.com/openai/v1", "https://api.fireworks.ai/v1", "https://api.x.ai/v1"
SOON: Final = {"retry-after-ms": "1"}


def failing(status: int, code: str | None, message: str = "no") -> replies.Reply:
    return replies.whole(replies.error(code, message, "error"), status, SOON)


FULL: Final = failing(498, "capacity_exceeded", "Flex tier capacity exceeded")
CASES: Final = [
    pytest.param(GROQ, "flex", FULL, ["refused"], "refused", "capacity_exceeded", id="groq-flex-498"),
    pytest.param(GROQ, "flex", failing(498, "x"), ["client_error"], "failed", "openai.APIStatusError",
                 id="groq-498-without-its-code"),
    pytest.param(GROQ, "on_demand", FULL, ["client_error"], "failed", "capacity_exceeded", id="groq-498-on-demand"),
    pytest.param(FIREWORKS, "priority", failing(503, None), ["server_error"] * 3, "failed",
                 "openai.InternalServerError", id="fireworks-sheds-load"),
    pytest.param(GROQ, "auto", replies.whole(replies.chat("on_demand")), ["ok"], "resolved", None, id="groq-auto"),
    pytest.param(X_AI, None, replies.whole(replies.chat("priority")), ["ok"], "upgraded", None, id="xai-unset"),
]  # fmt: skip


@pytest.mark.parametrize(("host", "tier", "answer", "attempts", "outcome", "error"), CASES)
def test_each_host_is_read_by_its_own_row(
    service: Service,
    host: str,
    tier: str | None,
    answer: replies.Reply,
    attempts: list[str],
    outcome: str,
    error: str | None,
) -> None:
    """A 498 is not tried again by the SDK, a 503 twice; what is no refusal of the tier is a failure."""
    body: dict[str, Any] = {} if tier is None else {"service_tier": tier}
    raising = suppress(openai.APIStatusError) if error else nullcontext()
    with testing.capture(Settings()) as calls, client_at(service, host, answer, max_retries=2) as client, raising:
        client.chat.completions.create(**CHAT, extra_body=body)
    (call,) = calls
    assert ([attempt.result for attempt in call.attempts], call.outcome, call.error_type) == (attempts, outcome, error)
