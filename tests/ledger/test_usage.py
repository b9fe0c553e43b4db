"""What a ledger holds of a span, by bucket, model and tier: each rule by one call."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.ledger.made import PLAIN, write

from tierscope.ledger import usage
from tierscope.ledger.store import open_to_read
from tierscope.model import Attempt, Batch, Call, Cost, Reply, Usage
from tierscope.reconcile.figures import Figures, Key, Ours
from tierscope.reconcile.hours import Span
from tierscope.reconcile.money import Bill

if TYPE_CHECKING:
    from pathlib import Path

S: Final = 1_000_000_000
H: Final = 3600
BEGIN: Final = 1_795_593_600
SPAN: Final = Span(BEGIN, BEGIN + 3 * H, H)
FAST: Final = Key("gpt-4.1", "priority")
GOOD: Final = PLAIN._replace(
    request=PLAIN.request._replace(model="gpt-4.1", requested="priority", expected="priority", project="proj_a"),
    attempts=(Attempt(0, "ok", status=200),),
    reply=Reply(model="gpt-4.1-2025-04-14", response_id="resp_1", usage=Usage(input=100, output=20, cached=64)),
    ending="complete",
    served="priority",
    outcome="honored",
    cost=Cost(462, 264),
)
ONE: Final = Figures(1, 100, 64, 20)


def at(seconds: float, call: Call = GOOD, *, of: dict[str, Any] | None = None, **fields: Any) -> Call:
    """Return a call that many seconds after the span's begin, its request changed by ``of``."""
    timing = call.timing._replace(unix_ns=BEGIN * S + round(seconds * S))
    return call._replace(timing=timing, request=call.request._replace(**(of or {})), **fields)


@pytest.fixture
def books(tmp_path: Path) -> Any:
    """Write calls, and read them: ``books(call, …)``."""

    def read(*calls: Call, provider: str = "openai", **options: Any) -> usage.Books:
        path = tmp_path / "calls.db"
        write(path, calls)
        db = open_to_read(path)
        assert db is not None
        with contextlib.closing(db):
            return usage.read(db, usage.Wanted(provider, SPAN, **options))

    return read


def test_a_call_is_in_the_hour_it_began(books: Any) -> None:
    """Near neither edge; its project, its money in its day."""
    told = books(at(H + 1800))
    assert told.cells == {BEGIN + H: {FAST: Ours(ONE)}}
    assert (told.projects, told.nameless, told.known_projects) == (frozenset({"proj_a"}), 0, frozenset({"proj_a"}))
    assert told.bills == {BEGIN // 86_400 * 86_400: Bill(462, 1)}
    assert told.models == frozenset({"gpt-4.1"})


@pytest.mark.parametrize(("seconds", "is_in"), [(-1, False), (0, True), (3 * H - 1, True), (3 * H, False)])
def test_the_span_ends_before_its_end(books: Any, seconds: int, is_in: bool) -> None:
    assert bool(books(at(seconds)).cells) is is_in


@pytest.mark.parametrize(
    ("seconds", "begin", "end"), [(0, 1, 0), (59.9, 1, 0), (60, 0, 0), (H - 61, 0, 0), (H - 60, 0, 1), (H - 0.1, 0, 1)]
)
def test_near_an_edge_is_within_a_minute_of_an_hour(books: Any, seconds: float, begin: int, end: int) -> None:
    held = books(at(seconds)).cells[BEGIN][FAST]
    assert (held.near_begin, held.near_end) == (begin, end)


def test_the_last_attempt_decides_the_hour(books: Any) -> None:
    """It is the one that was served: begun two seconds before the hour, and again four seconds later."""
    tries = (Attempt(0, "timeout"), Attempt(4 * S, "ok", status=200))
    told = books(at(H - 2, attempts=tries))
    assert list(told.cells) == [BEGIN + H]
    assert told.lost == {(BEGIN + H, "gpt-4.1"): 1}


def test_a_call_without_usage(books: Any) -> None:
    """Counts as a request; the tokens are those of the other; of two without there are none."""
    bare = GOOD._replace(reply=Reply(model="gpt-4.1-2025-04-14"))
    assert books(at(600), at(700, bare)).cells[BEGIN][FAST] == Ours(Figures(2, 100, 64, 20), without_usage=1)


def test_no_call_with_usage(books: Any) -> None:
    bare = GOOD._replace(reply=Reply(model="gpt-4.1-2025-04-14"))
    assert books(at(700, bare)).cells[BEGIN][FAST] == Ours(Figures(1, None, None, None), without_usage=1)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (at(60, outcome="refused"), usage.NOT_ANSWERED),
        (at(60, outcome="failed"), usage.NOT_ANSWERED),
        (at(60, of={"endpoint": "embeddings"}), usage.EMBEDDINGS),
        (at(60, of={"provider": "azure.ai.openai"}), usage.OTHER_PROVIDER),
        (at(60, of={"project": "proj_b"}), usage.OTHER_PROJECT),
    ],
    ids=["refused", "failed", "embeddings", "provider", "project"],
)
def test_what_is_left_out_is_counted(books: Any, call: Call, reason: str) -> None:
    """By reason; a call that names no project counts as the one that was asked for."""
    told = books(call, at(600, of={"project": None}), projects=frozenset({"proj_a"}))
    assert told.left_out == {reason: 1}
    assert [held.figures.requests for bucket in told.cells.values() for held in bucket.values()] == [1]
    assert (told.nameless, told.known_projects) == (1, None)


def test_why_a_tier_is_not_known(books: Any) -> None:
    cut = at(600, ending="closed", outcome="unverified", served="unreported", reply=None)
    (held,) = books(cut).cells[BEGIN].values()
    assert held.unsaid == {"cut_short": 1}


def test_calls_that_named_no_tier(books: Any) -> None:
    """By project, what they expected: the setting that resolves them can be looked up."""
    told = books(
        at(1, of={"requested": "unset", "expected": "scale"}), at(2, of={"requested": "auto", "expected": None})
    )
    assert told.autos == {"proj_a": frozenset({"scale", None})}


# ── background ────────────────────────────────────────────────────────────────────────────────────────────────────────
QUEUED: Final = GOOD._replace(
    request=GOOD.request._replace(endpoint="responses", is_background=True),
    reply=Reply(response_id="resp_1", response_status="queued", is_usage_new=False),
    served="unreported",
    outcome="unverified",
)
FETCH: Final = GOOD._replace(
    request=GOOD.request._replace(
        operation="fetch_response", endpoint="responses", requested="unreported", project=None
    )
)


@pytest.mark.parametrize("hours", [0, 1, 9], ids=["same-hour", "next-hour", "after-the-span"])
def test_a_background_response_is_in_the_hour_that_made_it(books: Any, hours: int) -> None:
    """Once, with what the fetch told; also where that came after the span."""
    told = books(at(600, QUEUED), at(700 + hours * H, FETCH))
    assert told.cells == {BEGIN: {FAST: Ours(ONE)}}
    assert told.projects == frozenset({"proj_a"})


def test_a_response_that_others_made_is_in_the_hour_of_its_fetch(books: Any) -> None:
    assert books(at(H + 600, FETCH)).cells == {BEGIN + H: {FAST: Ours(ONE, late=1)}}


def test_a_response_that_nobody_fetched(books: Any) -> None:
    (held,) = books(at(600, QUEUED)).cells[BEGIN].values()
    assert (held.figures, held.unsaid) == (Figures(1, None, None, None), {"queued": 1})


def test_batches_stand_apart(books: Any) -> None:
    """Their requests and tokens, in no hour."""
    done = Reply(model="gpt-4.1", usage=Usage(input=5, output=6, cached=0), batch=Batch(requests_completed=3))
    told = books(at(600, of={"operation": "batch", "endpoint": "batches"}, reply=done, served="batch"))
    assert (told.cells, told.batches, told.batch_figures) == ({}, 1, Figures(3, 5, 0, 6))


# ── Azure ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_azure_has_deployments_and_what_was_asked(books: Any) -> None:
    """None asked for is `auto`, as a deployment resolves it; without deployments all are one."""
    azure = {"provider": "azure.ai.openai", "model": "chat-prod", "deployment": "chat-prod", "requested": "unset"}
    call = at(600, of=azure)
    told = books(call, provider="azure.ai.openai", has_requested=True)
    assert list(told.cells[BEGIN]) == [Key("chat-prod", "priority", "auto")]


def test_azure_without_deployments(books: Any) -> None:
    call = at(600, of={"provider": "azure.ai.openai", "deployment": "chat-prod"})
    told = books(call, provider="azure.ai.openai", has_requested=True, names=False)
    assert list(told.cells[BEGIN]) == [Key("?", "priority", "priority")]


def test_calls_without_a_price(books: Any) -> None:
    """Unknown money is counted by its reason; what is not billed by the token is neither."""
    told = books(at(1, cost=Cost(unpriced="no_usage")), at(2, cost=Cost()), at(3))
    assert list(told.bills.values()) == [Bill(462, 1, {"no_usage": 1})]
