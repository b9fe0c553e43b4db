"""Lines of figures made by hand, and what rules know beside them."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, Final

from tierscope.advice import Known
from tierscope.advice.columns import Workload
from tierscope.advice.figures import Figures, Speeds
from tierscope.advice.finding import Finding, Span
from tierscope.advice.lines import Line
from tierscope.catalog.prices import rates
from tierscope.catalog.promises import promises
from tierscope.policy import policy
from tierscope.promise.ramp import Over

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DAY: Final = 20_775
"""2026-11-18."""
DAY_NS: Final = 86_400 * 10**9
SPAN: Final = Span(DAY * DAY_NS, DAY * DAY_NS + 3_600 * 10**9)
"""An hour of it: too short for a month."""
CHAT: Final = Workload(
    provider="openai",
    operation="chat",
    endpoint="chat_completions",
    request_model="gpt-4.1",
    response_model="gpt-4.1-2025-04-14",
    project="proj_a",
    deployment=None,
    address="api.openai.com",
    region=None,
    requested="priority",
    expected="priority",
    served="priority",
    outcome="honored",
    inferred_cause=None,
    completion_window=None,
    is_stream=1,
    service=None,
    workload=None,
    cache_miss=None,
)
LOST: Final = {"served": "default", "outcome": "downgraded", "inferred_cause": "capacity_or_unknown"}
KNOWN: Final = Known(rates(), promises())
PATIENT: Final = policy(
    "policy.toml",
    {
        "workload": [{"name": "suite", "match": {"project": "proj_a"}, "interactive": False}],
    },
)
_NOTHING: Final = Line(CHAT, DAY, 128_000, 0, 0, 0, 0, 0, 0, (0, 0, 0, 0), 0, 0, 0.0, 0, 0, 0, 0, 0)


def line(calls: int = 1, *, sums: dict[str, Any] | None = None, **columns: Any) -> Line:
    """Return a line of so many calls, of the chat with these columns, and with these sums."""
    where = CHAT._replace(**columns)
    return _NOTHING._replace(where=where, calls=calls, **(sums or {}))


def figures(*lines: Line, **fields: Any) -> Figures:
    """Return the figures of a ledger with these lines."""
    calls = sum(one.calls for one in lines)
    return Figures(calls, SPAN, lines, {}, {}, (), Over({}, frozenset()))._replace(**fields)


def speeds(generation: list[float], first_token: list[float]) -> Speeds:
    return Speeds(array("d", generation), array("d", first_token))


def found(
    rule: Callable[[Figures, Known], Iterator[Finding]], *lines: Line, known: Known = KNOWN, **fields: Any
) -> list[Finding]:
    """Return what a rule finds in these lines."""
    return list(rule(figures(*lines, **fields), known))
