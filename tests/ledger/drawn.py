"""Ledgers that hypothesis draws: few models, tiers and days, so that calls meet in groups, windows and steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import settings
from hypothesis import strategies as st
from tests.ledger.made import PLAIN, S

from tierscope.model import Attempt, Call, Cost, Reply, Speed, Timing, Usage

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

SOME: Final = settings(derandomize=True, deadline=None, database=None, max_examples=60)
NOON: Final = 1_795_003_200 * S
"""2026-11-18 12:00 UTC."""
DAY: Final = 86_400 * S
_TRIES: Final = (
    (Attempt(0, "ok", status=200),),
    (Attempt(0, "ok", status=200),),
    (Attempt(0, "refused", 429, "resource_unavailable"), Attempt(S, "ok", 200, wait_ns=500_000_000)),
    (Attempt(0, "timeout"), Attempt(602 * S, "server_error", 503, wait_ns=S)),
    (Attempt(0, "ok", status=201),),
    (),
)


def _call(draw: Any) -> Call:
    def one(*values: Any) -> Any:
        return draw(st.sampled_from(values))

    expected, served = one("priority", "scale", "default", "batch", None), one("priority", "scale", "default")
    served = one(served, served, "unreported")
    paid = one(None, 7_000_000, 900_000_000_000)
    rates = one(None, 80.0, 80.5, 12.0), one(None, 50.0, 99.0)
    return PLAIN._replace(
        request=PLAIN.request._replace(
            operation=one("chat", "chat", "chat", "fetch_response", "batch"),
            endpoint=one("chat_completions", "chat_completions", "responses", "embeddings"),
            provider=one("openai", "openai", "azure.ai.openai", "x_ai"),
            model=one("gpt-4.1", "gpt-4o", None),
            requested=one("priority", "auto", "unset"),
            expected=expected,
            is_stream=one(True, False),
            is_background=one(False, False, True),
            trusted=one(True, True, False),
            project=one("proj_a", None),
        ),
        attempts=one(*_TRIES),
        reply=one(
            None,
            *(
                Reply(
                    status=200,
                    response_id=one(None, "r1", "r2"),
                    model=one("gpt-4.1-2025-04-14", "gpt-4o-2024-08-06", None),
                    usage=one(None, Usage(one(0, 900, 200_000), one(0, 99, 100, None), cached=one(None, 64))),
                    is_usage_new=one(True, True, False),
                )
                for _ in range(3)
            ),
        ),
        timing=Timing(0, one(S, 65 * S), NOON + one(0, 30, 61, 299, 300, 86_399 - 43_200) * S + one(0, DAY)),
        ending=one("complete", "closed"),
        speed=Speed(one(None, 0.5), rates[0], None, rates[1], None, one(None, True, False)),
        served=served,
        outcome=one("honored", "downgraded", "failed", "unverified", "resolved"),
        inferred_cause=one(None, "long_context", "capacity_or_unknown"),
        error_type=one(None, "server_error"),
        cost=Cost(paid, one(None, 7_000_000, 5), one(None, 3, 10**12)) if paid else Cost(unpriced="no_price"),
    )


CALLS: Final[SearchStrategy[list[Call]]] = st.lists(st.composite(_call)(), max_size=20)
